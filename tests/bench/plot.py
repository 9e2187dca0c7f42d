"""The ratios of a run as a picture. Needs matplotlib, as nothing else here does."""

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot, ticker  # noqa: E402

from .measures import MEASURES  # noqa: E402
from .report import has_targets, target_of  # noqa: E402

LINK_TITLES = {"plain": "the veth pair as it is", "no-gso": "no UDP segmentation offload, no GRO", "no-checksum": "no checksum offload"}

# Told apart by people who see colours otherwise, too: a colour for whom ours are compared with, and hybrid is hatched.
COLOURS = {"newest": "#0072b2", "stable": "#e69f00", "openvpn": "#009e73"}
OTHER_COLOUR = "#cc79a7"
HATCHES = {"hybrid": "////"}
HALVES = [("more is better", False), ("less is better", True)]
GROUP = 0.84  # of the height of a row, filled with bars


def draw(record, path):
    """One row of panels for each link: measures of which more is better, and those of which less is. Requires somebody to compare with."""
    count = {less: sum(one.less_is_better == less for one in MEASURES) for _, less in HALVES}
    rows_high = max(count.values()) * max(0.42, 0.17 * len(record.pairs) + 0.08) + 1.1
    legend_high = 0.25 * (len(record.pairs) + has_targets(record)) + 0.3
    size = (15, rows_high * len(record.links) + 0.8 + legend_high)
    figure, panels = pyplot.subplots(len(record.links), 2, squeeze=False, figsize=size, layout="constrained")
    for link, pair in zip(record.links, panels):
        for panel, (title, less) in zip(pair, HALVES):
            _panel(panel, record, link, [one for one in MEASURES if one.less_is_better == less and _is_comparable(record, link, one)])
            panel.set_title(f"{title} ({link}: {LINK_TITLES[link]})", fontsize=11)
    machine = record.machine
    often = f"medians of {len(record.rounds)} rounds, whiskers: lowest and highest" if len(record.rounds) > 1 else "one round"
    figure.suptitle(f"{' and '.join(record.owns)} beside others: ratios on a logarithmic scale, 1 is as much as theirs; {often}\n"
                    f"{machine['cores']} x {machine['cpu']}, Linux {machine['kernel']}", fontsize=13)
    figure.legend(*_legend(panels), loc="lower center", frameon=False, fontsize=10)
    below = legend_high / size[1]
    figure.get_layout_engine().set(rect=(0, below, 1, 1 - below))
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _legend(panels):
    """What is drawn anywhere, each once."""
    found = {}
    for panel in panels.flat:
        for handle, label in zip(*panel.get_legend_handles_labels()):
            found.setdefault(label, handle)
    return list(found.values()), list(found)


def _is_comparable(record, link, measure):
    return any(record.ratio(link, own, other, measure.name) for own, other in record.pairs)


def _panel(panel, record, link, measures):
    """Bars from 1.0 to each ratio, a row a measure, and a mark where a target is."""
    height = GROUP / max(1, len(record.pairs))
    ends = [1.0]
    for at, (own, other) in enumerate(record.pairs):
        looks = {"height": height * 0.88, "color": COLOURS.get(other, OTHER_COLOUR), "hatch": HATCHES.get(own), "edgecolor": "white",
                 "linewidth": 0, "label": f"{own} / {other}: {record.versions[own]}  /  {record.versions[other]}"}
        for row, measure in enumerate(measures):
            where = row - GROUP / 2 + height * (at + 0.5)
            if ratio := record.ratio(link, own, other, measure.name):
                _bar(panel, where, ratio, **looks)
                ends += [ratio.lowest, ratio.highest]
            if (target := target_of(link, own, other, measure)) is not None:
                panel.plot([target, target], [where - height / 2, where + height / 2], color="#d00000", linewidth=2.5, zorder=5,
                           label="what is to be reached")
                ends.append(target)
    panel.axvline(1.0, color="black", linewidth=1.2, zorder=3)
    panel.set_yticks(range(len(measures)), [one.name for one in measures])
    panel.set_ylim(len(measures) - 0.5, -0.5)
    for between in range(1, len(measures)):
        panel.axhline(between - 0.5, color="#eeeeee", linewidth=1, zorder=0)
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
    steps = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0) if highest / lowest < 10 else (1.0, 2.0, 5.0)
    panel.set_xscale("log")
    panel.set_xlim(lowest / room, highest * room)
    panel.xaxis.set_major_locator(ticker.LogLocator(base=10, subs=steps, numticks=20))
    panel.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    panel.xaxis.set_minor_locator(ticker.NullLocator())
    panel.grid(axis="x", color="#dddddd", zorder=0)
    panel.set_axisbelow(True)
