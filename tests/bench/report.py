"""A run as Markdown, and whether it reached what was wanted."""

from .measures import MEASURES

LINKS = {
    "plain": "The link as it is: a veth pair carries super-packets across",
    "no-gso": "The link without UDP segmentation offload and GRO",
    "no-checksum": "The link without checksum offload, and so without segmentation offload",
}
# Targets are set for this link, beside this peer.
TARGET_LINK, TARGET_PEER = "plain", "newest"


def markdown(record):
    """All of it, as lines."""
    yield from _header(record)
    for link in record.links:
        if record.links != [TARGET_LINK]:
            yield from ("", f"{LINKS[link]} (`{link}`):")
        yield ""
        yield from _table(record, link)


def _header(record):
    machine = record.machine
    yield (f"{machine['cores']} x {machine['cpu']}, {machine['memory_gib']} GiB, {machine['system']}, Linux {machine['kernel']}; "
           f"{', '.join(record.tools)}.")
    often = f"Medians of {len(record.rounds)} rounds" if len(record.rounds) > 1 else "One round"
    spread = " In brackets the lowest and the highest ratio of a single round." if len(record.rounds) > 1 else ""
    yield (f"{often}, {record.seconds} s a figure, everybody in turns; all hosts and what measures them share the cores, "
           f"which had a load of {machine['load']:.2f} before.{spread}")
    if record.offloads is not None:
        yield f"Offloads of `ours` are {'on' if record.offloads else 'off'} by its configuration."
    if record.repeated:
        yield f"Failed once and measured again: {'; '.join(record.repeated)}."
    yield ""
    yield from (f"- `{peer}`: {version}" for peer, version in record.versions.items())


def _table(record, link):
    with_targets = link == TARGET_LINK and has_targets(record)
    heads = ["what", *record.peers, *(f"{record.first} / {other}" for other in record.others)]
    heads += [f"to reach beside {TARGET_PEER}"] if with_targets else []
    yield "| " + " | ".join(heads) + " |"
    yield "|---|" + "---:|" * (len(heads) - 1)
    for measure in MEASURES:
        cells = [measure.title, *(_figure(measure, record.median(link, peer, measure.name)) for peer in record.peers)]
        cells += [_ratio(record.ratio(link, other, measure.name), len(record.rounds)) for other in record.others]
        cells += [_verdict(record, measure)] if with_targets else []
        yield "| " + " | ".join(cells) + " |"


def _figure(measure, value):
    return "-" if value is None else measure.shown.format(value)


def _ratio(ratio, rounds):
    if ratio is None:
        return "-"
    return f"{ratio.middle:.2f}" + (f" ({ratio.lowest:.2f}..{ratio.highest:.2f})" if rounds > 1 else "")


def has_targets(record):
    """Whether the run has what targets are about."""
    return record.first == "ours" and TARGET_PEER in record.others and TARGET_LINK in record.links


def _is_met(record, measure):
    ratio = record.ratio(TARGET_LINK, TARGET_PEER, measure.name)
    return measure.is_met(ratio.middle if ratio else None)


def _verdict(record, measure):
    if measure.target is None:
        return "-"
    return f"{measure.wanted}: {'met' if _is_met(record, measure) else 'missed'}"


def verdicts(record):
    """A line for each target, and how many were missed. Requires ours beside the newest, on the plain link."""
    wanted = [measure for measure in MEASURES if measure.target is not None]
    lines = [f"{measure.title}: {_ratio(record.ratio(TARGET_LINK, TARGET_PEER, measure.name), len(record.rounds))} of {TARGET_PEER}, "
             f"to reach {_verdict(record, measure)}" for measure in wanted]
    return lines, sum(not _is_met(record, measure) for measure in wanted)
