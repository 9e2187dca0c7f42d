#!/usr/bin/python3
"""What there is to test, one part after the other, counted. scripts/test calls this once the machine is ready.

Every day, in a quarter of an hour on a tree that is built:
  unit       the unit tests of every room
  check      formatting, include arrows, purity, lint (scripts/check)
  hosts      the programs on real parts: hosts in network namespaces (tests/hosts), each kind of test, and a few rows of each table
With --thorough too, as continuous integration does, half of each table, and:
  asan       those of the rooms below the programs under AddressSanitizer and UndefinedBehaviorSanitizer
  tsan       those of the rooms that have threads, under ThreadSanitizer
  fuzz       each fuzz target for a short while
  package    the Debian package, installed, upgraded, removed and purged in a clean Debian

The last line is `N passed, N failed`, with `, N skipped` where this machine cannot show something.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORES = os.cpu_count() or 1
FUZZ_SECONDS, SOAK_SECONDS = 10, 600
THREADED = ("system", "tun")
# What takes bytes from wires and files lies below the programs; they themselves are sanitized in a soak, unit tests and hosts.
PROGRAMS = ("client", "vpn-server")
SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1", "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
              "TSAN_OPTIONS": "halt_on_error=1"}
# Lines in traces are enough, and a third of a compiler's time less than all that a debugger wants. Warnings are errors in the plain
# build only: a sanitizer adds branches that make a compiler warn of what cannot happen.
SANITIZED = ("-Doptimization=1", "-Ddebug=false", "-Dcpp_args=-g1", "-Dwerror=false")
DOCTEST = re.compile(r"\[doctest\] test cases:\s*\d+\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed")
UNITTEST = re.compile(r"^Ran (\d+) tests? in", re.MULTILINE)
UNITTEST_BAD = re.compile(r"(?:failures|errors)=(\d+)")
TROUBLE = re.compile(r"ERROR|WARNING: ThreadSanitizer|runtime error|FAIL|terminate called|^not ok|problems$")
# Of what a failure said, again at the end: a long log is seldom kept whole.
TOLD_AGAIN, TOLD_BEFORE = 30, 6
TOTALS = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$", re.MULTILINE)


class Counts:
    """How many tests passed, failed and were skipped."""

    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else "")


def say(text=""):
    print(text, flush=True)


def run(*words, **environment):
    """Runs a command in the root of the tree; its output is ours."""
    return subprocess.run([str(word) for word in words], cwd=ROOT, env=os.environ | environment, check=False).returncode


def read(*words):
    return subprocess.run([str(word) for word in words], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def count(result, output):
    """What one executable of meson's tests says about itself: its cases, or itself as one."""
    if result == "SKIP":
        return Counts(skipped=1)
    good = result == "OK"
    if said := DOCTEST.search(output):
        passed, failed = map(int, said.groups())
        # One that dies, or that a sanitizer faults at its end, has failed whatever its cases say.
        return Counts(passed, max(failed, 0 if good else 1))
    if said := UNITTEST.search(output):
        failed = sum(map(int, UNITTEST_BAD.findall(output)))
        return Counts(int(said.group(1)) - failed, max(failed, 0 if good else 1))
    return Counts(1 if good else 0, 0 if good else 1)


class Failures:
    """What failed, in a few lines each, to be told again behind everything else."""

    def __init__(self):
        self._told = []

    def add(self, name, output):
        """From where the trouble begins, or the end if nothing looks like it."""
        lines = output.splitlines()
        first = next((i for i, line in enumerate(lines) if TROUBLE.search(line)), max(0, len(lines) - TOLD_AGAIN))
        start = max(0, first - TOLD_BEFORE)
        self._told.append("\n".join([f"-- {name}", *lines[start:start + TOLD_AGAIN]]))

    def __str__(self):
        return "\n".join(["== what failed", *self._told]) if self._told else ""


class Build:
    """A build directory with its own compiler and options."""

    def __init__(self, name, *options, compiler=None):
        self.directory = ROOT / name
        self._options, self._compiler = options, compiler

    def configure(self):
        if (self.directory / "build.ninja").exists():
            return True
        environment = os.environ | ({"CXX": self._compiler} if self._compiler else {})
        done = subprocess.run(["meson", "setup", self.directory, *self._options], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            say(done.stdout + done.stderr)
        return done.returncode == 0

    def tests(self):
        """Meson's tests: name -> the executables to be built for it."""
        return {test["name"]: test for test in json.loads(read("meson", "introspect", "--tests", self.directory))}

    def targets(self):
        return json.loads(read("meson", "introspect", "--targets", self.directory))

    def make(self, *targets):
        return run("ninja", "--quiet", "-C", self.directory, *targets) == 0

    def make_tests(self, names):
        """Builds what the named tests need, and no more."""
        files = {target["id"]: target["filename"][0] for target in self.targets()}
        needed = {files[one] for name in names for one in self.tests()[name]["depends"] if one in files}
        return self.make(*sorted(os.path.relpath(file, self.directory) for file in needed))

    def run_tests(self, names, failures):
        """Runs meson's tests by name and counts their cases."""
        log = self.directory / "meson-logs" / "testlog.json"
        log.unlink(missing_ok=True)
        done = subprocess.run(["meson", "test", "--quiet", "--no-rebuild", "--print-errorlogs", "--timeout-multiplier", "10", "-C", self.directory, *names], cwd=ROOT,
                              env=os.environ | SANITIZERS, stdout=subprocess.PIPE, text=True, errors="replace", check=False)
        if done.returncode:
            say(done.stdout)
        total, seen = Counts(), set()
        for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else ():
            test = json.loads(line)
            name = test["name"].rpartition(":")[2].strip().rpartition(" / ")[2]
            output = test.get("stdout", "") + test.get("stderr", "")
            counts = count(test["result"], output)
            if counts.failed:
                failures.add(f"{self.directory.name}: {name}", output)
            say(f"{'not ok' if counts.failed else 'ok'} - {self.directory.name}: {name}: {counts} # {test['duration']:.1f} s")
            total.add(counts)
            seen.add(name)
        for name in set(names) - seen:
            say(f"not ok - {self.directory.name}: {name}: did not run")
            total.add(Counts(failed=1))
        return total


class Suite:
    """The parts, as the options choose them."""

    def __init__(self, options):
        self.options = options
        self.plain = Build("build")
        self.failures = Failures()

    def wanted(self, names):
        text = self.options.filter
        return [name for name in names if not text or text.lower() in name.lower()]

    def unit(self):
        return self._tests(self.plain, lambda names: names)

    def asan(self):
        return self._tests(Build("build-asan", "-Db_sanitize=address,undefined", "-Db_lundef=false", *SANITIZED),
                           lambda names: [name for name in names if self.options.soak or not name.startswith(PROGRAMS)])

    def tsan(self):
        return self._tests(Build("build-tsan", "-Db_sanitize=thread", "-Db_lundef=false", *SANITIZED),
                           lambda names: [name for name in names if name.startswith(THREADED)])

    def _tests(self, build, choose):
        if not build.configure():
            return Counts(failed=1)
        names = self.wanted(choose([name for name, test in build.tests().items() if "fuzz" not in "".join(test["suite"])]))
        if not names:
            return Counts()
        return build.run_tests(names, self.failures) if build.make_tests(names) else Counts(failed=len(names))

    def fuzz(self):
        build = Build("build-fuzz", "-Db_sanitize=address,undefined", "-Db_lundef=false", *SANITIZED, compiler="ccache clang++")
        if not build.configure():
            return Counts(failed=1)
        tests = {name: test for name, test in build.tests().items() if any(suite.endswith("fuzz") for suite in test["suite"])}
        names = self.wanted(tests)
        if not names:
            return Counts() if self.options.filter else Counts(failed=1)
        if not build.make_tests(names):
            return Counts(failed=len(names))
        total = Counts()
        with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
            for one in pool.map(lambda name: self._fuzz_one(name, tests[name]["cmd"]), names):
                total.add(one)
        return total

    def _fuzz_one(self, name, command):
        """Runs one target, by the clock instead of by the number of its inputs."""
        seconds = SOAK_SECONDS if self.options.soak else FUZZ_SECONDS
        command = [f"-max_total_time={seconds}" if word.startswith("-runs=") else word for word in command if not word.startswith("-seed=")]
        done = subprocess.run([*command, "-print_final_stats=1"], capture_output=True, text=True, errors="replace", check=False,
                              env=os.environ | SANITIZERS)
        rounds = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
        if done.returncode == 0 and rounds:
            say(f"ok - {name}: {rounds.group(1)} inputs in {seconds} s")
            return Counts(passed=1)
        say(f"not ok - {name}\n{done.stderr[-4000:]}")
        self.failures.add(name, done.stderr)
        return Counts(failed=1)

    def check(self):
        if not self.wanted(["check"]):
            return Counts()
        return self._counted(ROOT / "scripts" / "check")

    def package(self):
        words = ["--filter", self.options.filter] if self.options.filter else []
        return self._counted("/usr/bin/python3", ROOT / "tests" / "hosts" / "run.py", "--part", "package", *words)

    def hosts(self):
        if not self.plain.configure() or not self.plain.make():
            return Counts(failed=1)
        words = ["--filter", self.options.filter] if self.options.filter else []
        words += ["--rows", "all" if self.options.soak else "half"] if self.options.thorough else ["--jobs", "4"]
        thorough = {"VPN_SOAK": "1"} if self.options.soak else {}
        total = self._counted("/usr/bin/python3", ROOT / "tests" / "hosts" / "run.py", *words, **thorough)
        if self.options.soak:
            sanitized = Build("build-asan")
            if not sanitized.make():
                return Counts(failed=1)
            total.add(self._counted("/usr/bin/python3", ROOT / "tests" / "hosts" / "run.py", *words, VPN_BUILD=str(sanitized.directory)))
        return total

    def _counted(self, *words, **environment):
        """Runs something that ends by saying `N passed, N failed`, shows what it says, and takes its word."""
        process = subprocess.Popen([str(word) for word in words], cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, text=True,
                                   errors="replace")
        last, remarkable = None, []
        for line in process.stdout:
            if said := TOTALS.match(line):
                last = said
                continue
            print(line, end="", flush=True)
            if not line.startswith("ok "):
                remarkable.append(line)
        code = process.wait()
        counts = Counts(*(int(number or 0) for number in last.groups())) if last else Counts(failed=1)
        if code != 0 and not counts.failed:
            counts.failed = 1
        if counts.failed:
            self.failures.add(pathlib.Path(words[-1] if len(words) == 1 else words[1]).name, "".join(remarkable))
        return counts


PARTS = ("unit", "asan", "tsan", "fuzz", "check", "package", "hosts")
EVERYDAY = ("unit", "check", "hosts")


def chosen_parts(options, parser):
    unknown = set(options.part) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)} (there are {', '.join(PARTS)})")
    if options.part:
        return options.part
    if options.quick:
        return ("unit",)
    return PARTS if options.thorough else EVERYDAY


def main():
    parser = argparse.ArgumentParser(prog="scripts/test", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", help="only these parts")
    parser.add_argument("--quick", action="store_true", help="unit tests only")
    parser.add_argument("--thorough", action="store_true", help="all parts, and half of every table on hosts: about an hour")
    parser.add_argument("--soak", action="store_true", help="that, and longer: fuzzing for ten minutes each, the programs' unit tests under ASan, every row of every table on hosts, "
                        "and once more with sanitized programs")
    parser.add_argument("--filter", metavar="TEXT", help="only tests whose name holds TEXT")
    options = parser.parse_args()
    options.thorough |= options.soak
    suite, total, summary = Suite(options), Counts(), []
    for part in chosen_parts(options, parser):
        say(f"== {part}")
        started = time.monotonic()
        counts = getattr(suite, part)()
        summary.append(f"{part:7} {str(counts):45} {time.monotonic() - started:6.0f} s")
        total.add(counts)
    if str(suite.failures):
        say(f"\n{suite.failures}")
    say("\n" + "\n".join(summary))
    say(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
