"""The tests there are: functions marked with a sentence, once for each combination of what the sentence leaves open."""

import dataclasses
import importlib
import itertools
import os
import pathlib
from collections.abc import Callable

REFERENCE = "VPN_REFERENCE"


class Skip(Exception):
    """This machine cannot show it; the text says why."""


@dataclasses.dataclass(frozen=True)
class Sentence:
    """One test: what it claims, and how to look."""

    text: str
    function: Callable
    parameters: dict
    # How long it takes on an idle machine; it is given four times as much, and a minute at least.
    seconds: float
    # Spends its time waiting: runs beside the others instead of in their row.
    apart: bool
    # Also holds with wireguard-go in the place of our programs; then it proves the lab.
    reference: bool
    # Wants hosts of its own making, not the lab.
    bare: bool
    # What our programs speak with each other where the test does not choose; None: what they do untold.
    suite: str | None = None
    # The least that it is run with: see ROWS.
    rows: str = "few"
    # Holds a program to a time: runs when every other test is over, by itself.
    quiet: bool = False
    # Which part of the suite it belongs to: the clean Debian of `package` is made first, and that takes a network.
    part: str = "hosts"

    @property
    def module(self):
        return self.function.__module__.rpartition(".")[2]

    @property
    def limit(self):
        return max(60.0, self.seconds * 4 if not self.apart else self.seconds + 60)


SENTENCES = []

# How much of a table of tests is run. Half: as the squares of a chessboard are of one colour, so that each value of each parameter is
# tried, and both suites. Few: every fourth of those. What is no table is always run.
ROWS = ("few", "half", "all")
FEW = 4


def sentence(text, seconds=3.0, apart=False, reference=False, bare=False, suites=False, quiet=False, part="hosts", **parameters):
    """Marks `function(lab, **parameters)` as the proof of `text`. A tuple among the parameters is one test for each of its values.
    `suites`: once more in suite hybrid."""
    def mark(function):
        open_ones = {key: value if isinstance(value, tuple) else (value,) for key, value in parameters.items()}
        is_table = sum(len(values) > 1 for values in open_ones.values()) + suites > 1
        half = itertools.count()
        for places in itertools.product(*(range(len(values)) for values in open_ones.values())):
            chosen = {key: values[place] for (key, values), place in zip(open_ones.items(), places)}
            for suite in (None, "hybrid")[:1 + suites]:
                white = not is_table or (sum(places) + bool(suite)) % 2 == 0
                rows = ("few" if next(half) % FEW == 0 else "half") if white else "all"
                SENTENCES.append(Sentence(text.format(**chosen) + (" (suite hybrid)" if suite else ""), function, chosen, seconds, apart,
                                          reference and not suite, bare, suite, rows, quiet, part))
        return function
    return mark


def collect():
    """Every sentence of every test_*.py beside this file."""
    if not SENTENCES:
        for path in sorted(pathlib.Path(__file__).parent.glob("test_*.py")):
            importlib.import_module(f"hosts.{path.stem}")
        texts = [one.text for one in SENTENCES]
        twice = {text for text in texts if texts.count(text) > 1}
        if twice:
            raise RuntimeError(f"said twice: {twice}")
    return SENTENCES


def is_reference():
    """Whether this run puts wireguard-go in the place of our programs."""
    return bool(os.environ.get(REFERENCE))
