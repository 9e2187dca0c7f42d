"""The server's metrics, as Prometheus fetches them, and what its promtool thinks of them."""

import pathlib
import re
import shutil
import subprocess

from .sentences import Skip

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNPACKED = ROOT / ".deps" / "metrics" / "prometheus" / "usr" / "bin" / "promtool"
SCRAPE = pathlib.Path(__file__).parent / "programs" / "scrape.py"
SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)')


def promtool(*words, stdin=None):
    """Runs promtool; what it finds fault with fails the test."""
    program = UNPACKED if UNPACKED.exists() else shutil.which("promtool")
    if not program:
        raise Skip("there is no promtool: scripts/setup unpacks it")
    done = subprocess.run([str(program), *map(str, words)], input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"promtool {words}: {done.stdout}{done.stderr}"
    return done


def scrape(host, *place, code=0):
    """The page at an address and a port, or at a socket."""
    return host.run("/usr/bin/python3", SCRAPE, *place, code=code).out


class Samples:
    """A page taken apart."""

    def __init__(self, page):
        self.page, self._values = page, {}
        for line in page.splitlines():
            if line.startswith("#"):
                continue
            name, labels, value = SAMPLE.match(line).groups()
            key = name, frozenset(LABEL.findall(labels or ""))
            assert key not in self._values, f"told twice: {line}"
            self._values[key] = float(value)

    @property
    def names(self):
        return {name for name, _ in self._values}

    def get(self, name, **labels):
        return self._values.get((name, frozenset(labels.items())))

    def labels(self, name, label):
        """All the values that a label of a metric has."""
        return {dict(labels)[label] for each, labels in self._values if each == name}


def metrics_in(expression):
    """The names of metrics in an expression of PromQL that follows our habits: ours begin with vpn_."""
    return set(re.findall(r"\bvpn_\w+", expression))
