"""What a run found, all of it: the machine, the versions and every figure of every round. Tables and plots are made from this alone."""

import dataclasses
import json
import pathlib
import statistics

# Ours, one a suite: compared with everybody else, not with each other.
OWN = ("ours", "hybrid")


@dataclasses.dataclass(frozen=True)
class Ratio:
    """How one of ours stands to another: of the medians, and between which bounds the single rounds were."""

    middle: float
    lowest: float
    highest: float


@dataclasses.dataclass
class Record:
    """`rounds` holds, for each round, the figures by link, peer and measure; None where there is nothing to measure.
    `repeated` names the turns of which only the second attempt came to an end."""

    machine: dict
    tools: list
    versions: dict
    links: list
    seconds: int
    offloads: bool | None = None
    rounds: list = dataclasses.field(default_factory=list)
    repeated: list = dataclasses.field(default_factory=list)

    @property
    def peers(self):
        return list(self.versions)

    @property
    def owns(self):
        """Whose ratios to the others are told: ours, or the first where there is none of those."""
        return [peer for peer in self.peers if peer in OWN] or self.peers[:1]

    @property
    def others(self):
        """Who is compared with: tunnels, not the bare wire."""
        return [peer for peer in self.peers if peer not in self.owns and peer != "none"]

    @property
    def pairs(self):
        """(own, other), in the order in which they are told."""
        return [(own, other) for other in self.others for own in self.owns]

    def _figures(self, link, peer, measure):
        return [one[link][peer][measure] for one in self.rounds]

    def median(self, link, peer, measure):
        """None where there was nothing to measure."""
        figures = self._figures(link, peer, measure)
        return None if None in figures else statistics.median(figures)

    def ratio(self, link, own, other, measure):
        """Of one to another; None where one of them has no figure, or none but zero."""
        ours, theirs = (self._figures(link, peer, measure) for peer in (own, other))
        if not all(ours + theirs):
            return None
        each = [one / another for one, another in zip(ours, theirs)]
        return Ratio(statistics.median(ours) / statistics.median(theirs), min(each), max(each))

    def save(self, path):
        pathlib.Path(path).write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path):
        return cls(**json.loads(pathlib.Path(path).read_text(encoding="utf-8")))
