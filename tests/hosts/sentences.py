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

    @property
    def module(self):
        return self.function.__module__.rpartition(".")[2]

    @property
    def limit(self):
        return max(60.0, self.seconds * 4 if not self.apart else self.seconds + 60)


SENTENCES = []


def sentence(text, seconds=3.0, apart=False, reference=False, bare=False, suites=False, **parameters):
    """Marks `function(lab, **parameters)` as the proof of `text`. A tuple among the parameters is one test for each of its values.
    `suites`: once more in suite hybrid."""
    def mark(function):
        open_ones = {key: value if isinstance(value, tuple) else (value,) for key, value in parameters.items()}
        for values in itertools.product(*open_ones.values()):
            chosen = dict(zip(open_ones, values))
            SENTENCES.append(Sentence(text.format(**chosen), function, chosen, seconds, apart, reference, bare))
            if suites:
                SENTENCES.append(Sentence(text.format(**chosen) + " (suite hybrid)", function, chosen, seconds, apart, False, bare, "hybrid"))
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
