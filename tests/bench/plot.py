"""The ratios of a run as a picture. Needs matplotlib, as nothing else here does."""

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot, ticker  # noqa: E402

from .measures import MEASURES  # noqa: E402

# Told apart by people who see colours otherwise, too.
COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7"]
HALVES = [("more is better", False), ("less is better", True)]
GROUP = 0.8  # of the height of a row, filled with bars


def draw(record, path):
    """One row of panels for each link: measures of which more is better, and those of which less is. Requires somebody to compare with."""
    count = {less: sum(one.less_is_better == less for one in MEASURES) for _, less in HALVES}
    rows_high = max(count.values()) * max(0.42, 0.24 * len(record.others)) + 1.1
    legend_high = 0.25 * len(record.others) + 0.2
    size = (15, rows_high * len(record.links) + 0.8 + legend_high)
    figure, panels = pyplot.subplots(len(record.links), 2, squeeze=False, figsize=size, layout="constrained")
    for link, pair in zip(record.links, panels):
        for panel, (title, less) in zip(pair, HALVES):
            _panel(panel, record, link, [one for one in MEASURES if one.less_is_better == less and _is_comparable(record, link, one)])
            panel.set_title(f"{title} ({link})", fontsize=11)
    machine = record.machine
    often = f"medians of {len(record.rounds)} rounds, whiskers: lowest and highest" if len(record.rounds) > 1 else "one round"
    figure.suptitle(f"{record.first} beside others, as ratios on a logarithmic scale; {often}\n"
                    f"{machine['cores']} x {machine['cpu']}, Linux {machine['kernel']}", fontsize=12)
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", frameon=False, fontsize=9)
    below = legend_high / size[1]
    figure.get_layout_engine().set(rect=(0, below, 1, 1 - below))
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _is_comparable(record, link, measure):
    return any(record.ratio(link, other, measure.name) for other in record.others)


def _panel(panel, record, link, measures):
    """Bars from 1.0 to each ratio, a row a measure."""
    height = GROUP / max(1, len(record.others))
    ends = [1.0]
    for at, (other, colour) in enumerate(zip(record.others, COLOURS)):
        label = f"{record.first} / {other}: {record.versions[other]}"
        for row, measure in enumerate(measures):
            if ratio := record.ratio(link, other, measure.name):
                _bar(panel, row - GROUP / 2 + height * (at + 0.5), ratio, height=height * 0.9, color=colour, label=label)
                label = None  # once in the legend
                ends += [ratio.lowest, ratio.highest]
    panel.axvline(1.0, color="black", linewidth=1.2, zorder=3)
    panel.set_yticks(range(len(measures)), [one.name for one in measures])
    panel.set_ylim(len(measures) - 0.5, -0.5)
    _scale(panel, min(ends), max(ends))


def _bar(panel, where, ratio, **looks):
    panel.barh(where, ratio.middle - 1.0, left=1.0, zorder=2, **looks)
    panel.hlines(where, ratio.lowest, ratio.highest, color="#333333", linewidth=1, zorder=4)
    right = ratio.middle >= 1.0
    panel.annotate(f"{ratio.middle:.2f}", (ratio.highest if right else ratio.lowest, where), xytext=(4 if right else -4, 0),
                   textcoords="offset points", ha="left" if right else "right", va="center", fontsize=8)


def _scale(panel, lowest, highest):
    """Logarithmic: half as much is as far from 1.0 as twice as much."""
    room = max(1.1, (highest / lowest) ** 0.15)  # for the numbers beyond the bars
    steps = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0) if highest / lowest < 10 else (1.0, 3.0)
    panel.set_xscale("log")
    panel.set_xlim(lowest / room, highest * room)
    panel.xaxis.set_major_locator(ticker.LogLocator(base=10, subs=steps, numticks=20))
    panel.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    panel.xaxis.set_minor_locator(ticker.NullLocator())
    panel.grid(axis="x", color="#dddddd", zorder=0)
    panel.set_axisbelow(True)
