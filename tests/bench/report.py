"""A run as Markdown, and whether it reached what was wanted."""

from .measures import MEASURES
from .record import OWN

LINKS = {
    "plain": "The link as it is: a veth pair carries super-packets across",
    "no-gso": "The link without UDP segmentation offload and GRO",
    "no-checksum": "The link without checksum offload, and so without segmentation offload",
}
# Targets are set for this link, beside this peer.
TARGET_LINK, TARGET_PEER = "plain", "newest"
WHY = "In bold: not what we want of it. What a packet costs there, by a profile, is in CONTRIBUTING.md, \"What a packet still costs\"."


def markdown(record):
    """All of it, as lines."""
    yield from _header(record)
    for link in record.links:
        if record.links != [TARGET_LINK]:
            yield from ("", f"{LINKS[link]} (`{link}`):")
        yield ""
        yield from _table(record, link)
    if has_targets(record) and verdicts(record)[1]:
        yield from ("", WHY)


def _header(record):
    machine = record.machine
    yield (f"{machine['cores']} x {machine['cpu']}, {machine['memory_gib']} GiB, {machine['system']}, Linux {machine['kernel']}; "
           f"{', '.join(record.tools)}.")
    often = f"Medians of {len(record.rounds)} rounds" if len(record.rounds) > 1 else "One round"
    spread = " In brackets the lowest and the highest ratio of a single round." if len(record.rounds) > 1 else ""
    yield (f"{often}, {record.seconds} s a figure, everybody in turns; all hosts and what measures them share the cores, "
           f"which had a load of {machine['load']:.2f} before.{spread}")
    if record.offloads is not None:
        yield f"Offloads of ours are {'on' if record.offloads else 'off'} by their configuration."
    if record.repeated:
        yield f"Failed once and measured again: {'; '.join(record.repeated)}."
    yield ""
    yield from (f"- `{peer}`: {version}" for peer, version in record.versions.items())


def _table(record, link):
    heads = ["what", *record.peers, *(f"{own} / {other}" for own, other in record.pairs)]
    yield "| " + " | ".join(heads) + " |"
    yield "|---|" + "---:|" * (len(heads) - 1)
    for measure in MEASURES:
        cells = [measure.title, *(_figure(measure, record.median(link, peer, measure.name)) for peer in record.peers)]
        cells += [_cell(record, link, own, other, measure) for own, other in record.pairs]
        yield "| " + " | ".join(cells) + " |"


def _figure(measure, value):
    return "-" if value is None else measure.shown.format(value)


def _ratio(ratio, rounds, emphasis=""):
    if ratio is None:
        return "-"
    return f"{emphasis}{ratio.middle:.2f}{emphasis}" + (f" ({ratio.lowest:.2f}..{ratio.highest:.2f})" if rounds > 1 else "")


def _cell(record, link, own, other, measure):
    """A ratio; one that misses its target stands out, and says what was wanted."""
    ratio = record.ratio(link, own, other, measure.name)
    missed = target_of(link, own, other, measure) is not None and not _is_met(record, own, measure)
    if not missed:
        return _ratio(ratio, len(record.rounds))
    return f"{_ratio(ratio, len(record.rounds), '**')}, wanted {measure.wanted(own)}"


def target_of(link, own, other, measure):
    """What a ratio is to reach; None if nothing."""
    return measure.targets.get(own) if link == TARGET_LINK and other == TARGET_PEER else None


def has_targets(record):
    """Whether the run has what targets are about."""
    return set(record.owns) <= set(OWN) and TARGET_PEER in record.others and TARGET_LINK in record.links


def _is_met(record, own, measure):
    ratio = record.ratio(TARGET_LINK, own, TARGET_PEER, measure.name)
    return measure.is_met(own, ratio.middle if ratio else None)


def verdicts(record):
    """A line for each target of each of ours that is there, and how many were missed. Requires has_targets."""
    wanted = [(own, measure) for own in record.owns for measure in MEASURES if own in measure.targets]
    lines = []
    for own, measure in wanted:
        ratio = _ratio(record.ratio(TARGET_LINK, own, TARGET_PEER, measure.name), len(record.rounds))
        met = "met" if _is_met(record, own, measure) else "missed"
        lines.append(f"{own}: {measure.title}: {ratio} of {TARGET_PEER}, to reach {measure.wanted(own)}: {met}")
    return lines, sum(not _is_met(record, own, measure) for own, measure in wanted)
