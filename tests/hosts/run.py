#!/usr/bin/python3
"""Runs the tests on hosts. Speaks TAP: a line a test, then `N passed, N failed, N skipped`.

Each test runs as a process of its own in its own user (when not root), network, mount and PID namespace. When it ends, or is
ended, the kernel takes everything with it. The machine outside is compared before and after.
"""

import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

from hosts import debian, inside, machine, sentences  # noqa: E402

SKIPPED = 77
LOG_LINES = 60
# Tests that mostly wait: how many beside the others at a time, and how many seconds from one's start to the next one's.
APART, APART_EVERY = 8, 3
# wireguard-go recommends the kernel's module in a box.
BANNER = tuple("┌│└")


class Running:
    """A test on its way."""

    def __init__(self, sentence, directory):
        self.sentence, self.directory = sentence, directory
        directory.mkdir()
        self.started = time.monotonic()
        with open(directory / "test.log", "wb") as log:
            self._popen = subprocess.Popen(machine.apart_from(machine.this_script(), "--inside", sentence.text, "--directory", directory),
                                           stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.too_long = False

    @property
    def seconds(self):
        return time.monotonic() - self.started

    def ended(self):
        """Whether it is over; a test that takes too long is ended here."""
        # The test knows its limit and says where it stood; this is for one that cannot any more.
        if self._popen.poll() is None and self.seconds > self.sentence.limit + 15:
            self.too_long = True
            self.kill()
        return self._popen.poll() is not None

    def kill(self):
        self._popen.kill()
        self._popen.wait()

    @property
    def verdict(self):
        return {0: "passed", SKIPPED: "skipped"}.get(self._popen.returncode, "failed")

    def story(self):
        """What a failed test and its hosts wrote, the end of each file."""
        logs = sorted(self.directory.glob("*.err")) + sorted(self.directory.glob("*.out"))
        for path in [self.directory / "test.log", *logs]:
            lines = [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line[:1] not in BANNER]
            if lines:
                yield f"--- {path.name}" + (f" (last {LOG_LINES} of {len(lines)} lines)" if len(lines) > LOG_LINES else "")
                yield from lines[-LOG_LINES:]
        if self.too_long:
            yield f"ended after {self.seconds:.0f} s"


class Run:
    """All the chosen tests, a few at a time."""

    def __init__(self, chosen, jobs, directory):
        longest_first = sorted(chosen, key=lambda one: -one.seconds)
        self._rows = [one for one in longest_first if not one.apart and not one.quiet]
        self._apart = [one for one in longest_first if one.apart and not one.quiet]
        self._quiet = [one for one in longest_first if one.quiet]
        self._jobs, self._directory = jobs, directory
        self._running = []
        self.counts = dict.fromkeys(("passed", "failed", "skipped"), 0)
        self._number = 0
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def _start(self, sentence):
        self._number += 1
        self._running.append(Running(sentence, self._directory / str(self._number)))

    def _start_more(self):
        # Waiting costs nothing, but a lab being made does: one after the other.
        waiting = [one for one in self._running if one.sentence.apart]
        if self._apart and len(waiting) < APART and all(one.seconds > APART_EVERY for one in waiting):
            self._start(self._apart.pop(0))
        while self._rows and sum(not one.sentence.apart for one in self._running) < self._jobs:
            self._start(self._rows.pop(0))
        if self._quiet and not self._running:
            self._start(self._quiet.pop(0))

    def go(self):
        self._start_more()
        while self._running or self._apart or self._quiet:
            for one in [one for one in self._running if one.ended()]:
                self._running.remove(one)
                self.report(one.verdict, one.sentence.text, f"{one.seconds:.1f} s", one.story())
            self._start_more()
            time.sleep(0.02)

    def report(self, verdict, text, remark, story=()):
        """One line of TAP; with what there is to tell if it failed."""
        self.counts[verdict] += 1
        word = "not ok" if verdict == "failed" else "ok"
        line = f"{word} {sum(self.counts.values())} - {text} # " + ("SKIP " if verdict == "skipped" else "")
        lines = list(story) if verdict != "passed" else []
        if verdict == "skipped":
            remark, lines = (lines[-1] if lines else remark), []
        colour = {"failed": "31", "passed": "32", "skipped": "33"}[verdict]
        print((f"\033[{colour}m{line}\033[0m" if self._colour else line) + remark, flush=True)
        for extra in lines:
            print(f"#   {extra}", flush=True)

    def close(self):
        for one in self._running:
            one.kill()


def choose(options):
    chosen = [one for one in sentences.collect() if one.part == options.part]
    enough = sentences.ROWS[:sentences.ROWS.index(options.rows) + 1]
    chosen = [one for one in chosen if one.rows in enough or options.filter or options.list]
    if sentences.is_reference():
        chosen = [one for one in chosen if one.reference]
    return [one for one in chosen if all(word.lower() in f"{one.module}: {one.text}".lower() for word in options.filter)]


def run(options):
    chosen = choose(options)
    if options.list:
        for one in chosen:
            print(f"{one.module}: {one.text}")
        return 0
    if machine.why_not():
        print(f"1..0 # SKIP {machine.why_not()}\n0 passed, 0 failed, {len(chosen)} skipped")
        return 0
    if options.part == "package" and chosen:
        debian.prepare()
    before = machine.state()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="vpn-hosts-"))
    running = Run(chosen, options.jobs, directory)
    try:
        print(f"1..{len(chosen) + 1}", flush=True)
        running.go()
    finally:
        running.close()
        if options.part == "package":
            debian.clear_groups()
        if not options.keep:
            shutil.rmtree(directory, ignore_errors=True)
    left = machine.left_behind(before)
    running.report("failed" if left else "passed", "the machine is as it was before the tests", "", left)
    print(", ".join(f"{count} {verdict}" for verdict, count in running.counts.items()), flush=True)
    return 1 if running.counts["failed"] else 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--filter", action="append", default=[], metavar="TEXT", help="only tests whose module or sentence holds TEXT; all of several")
    parser.add_argument("--rows", choices=sentences.ROWS, default="few", help="how much of each table of tests, without --filter (default few: an eighth)")
    parser.add_argument("--part", choices=("hosts", "package"), default="hosts", help="package: those that want a clean Debian, which is made first")
    parser.add_argument("--list", action="store_true", help="name the tests, run none")
    parser.add_argument("-j", "--jobs", type=int, default=3, help="how many at a time (default 3)")
    parser.add_argument("--reference", action="store_true", help="prove the lab itself: wireguard-go in the place of our programs")
    parser.add_argument("--keep", action="store_true", help="keep logs and captures")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    parser.add_argument("--directory", help=argparse.SUPPRESS)
    return parser.parse_args()


def end_on_signal(number, _):
    raise SystemExit(128 + number)


def main():
    options = parse()
    if options.reference:
        os.environ[sentences.REFERENCE] = "1"
        # The newest, if scripts/setup took it: Debian stable's clings to a source address that is gone.
        newest = TESTS.parent / ".deps" / "wireguard-go" / "wireguard-go"
        os.environ.setdefault("WIREGUARD_GO", str(newest) if newest.exists() else "/usr/bin/wireguard-go")
    if options.inside:
        return inside.tell(options.inside, options.directory)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, end_on_signal)
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
