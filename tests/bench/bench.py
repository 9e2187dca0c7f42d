#!/usr/bin/python3
"""Measures tunnels beside each other, on two hosts joined by a veth pair, and prints medians and ratios as a Markdown table.

Peers: `ours`, `newest` (wireguard-go of Debian testing) and `stable` (wireguard-go of this machine's Debian). They take turns
in every round, since machines are noisy: only the ratios mean something.
"""

import argparse
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

from bench.measures import MEASURES, Visit  # noqa: E402
from bench.pair import PEERS, Pair  # noqa: E402
from hosts import inside, machine  # noqa: E402


def visit(peer, seconds, directory):
    """One peer, once: prints its figures as a line of JSON."""
    with Pair(directory, peer) as pair:
        look = Visit(pair, seconds)
        print(json.dumps({one.name: one.take(look) for one in MEASURES}))


def measured(peer, seconds):
    """The same in namespaces of its own; the figures by name."""
    with tempfile.TemporaryDirectory(prefix="vpn-bench-") as directory:
        words = machine.apart_from(machine.this_script(), "--inside", directory, "--peers", peer, "--seconds", seconds)
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            logs = "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-2000:]}" for path in sorted(pathlib.Path(directory).glob("*.err")))
            raise SystemExit(f"bench: {peer} could not be measured\n{logs}")
    return json.loads(done.stdout.splitlines()[-1])


def version(peer):
    said = subprocess.run([PEERS[peer], "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"v?\d+\.\d+\S*", said)
    return f"{'this tree' if peer == 'ours' else 'wireguard-go'} {found.group(0) if found else '?'}"


def about_this_machine():
    cpus = [line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if line.startswith("model name")]
    iperf = subprocess.run(["iperf3", "--version"], capture_output=True, text=True, check=False).stdout.split("\n")[0].partition(" (")[0]
    return f"{len(cpus) or os.cpu_count()} x {cpus[0] if cpus else platform.machine()}, Linux {platform.release()}, {iperf}"


def table(rounds, peers, seconds):
    """The medians of all rounds, and how the first peer stands to each of the others."""
    first, *others = peers
    often = f"medians of {len(rounds)} rounds" if len(rounds) > 1 else "one round"
    yield f"{about_this_machine()}; {often}, {seconds} s a figure; both ends and iperf3 on the same cores."
    yield ""
    yield "| what | " + " | ".join(version(peer) if peer == "ours" else f"{peer}: {version(peer)}" for peer in peers) \
        + "".join(f" | {first} / {other}" for other in others) + " |"
    yield "|---|" + "---:|" * (len(peers) + len(others))
    for one in MEASURES:
        medians = {peer: statistics.median(figures[peer][one.name] for figures in rounds) for peer in peers}
        ratios = "".join(f" | {medians[first] / medians[other]:.2f}" if medians[other] else " | -" for other in others)
        yield f"| {one.name} | " + " | ".join(one.shown.format(medians[peer]) for peer in peers) + ratios + " |"


def parse():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default="ours,newest,stable", help="who is measured; ratios are the first one's to the others'")
    parser.add_argument("--seconds", type=int, default=5, help="how long each figure is taken (default 5)")
    parser.add_argument("--rounds", type=int, default=3, help="how often everybody has a turn (default 3)")
    parser.add_argument("--quick", action="store_true", help="one round of two seconds: a smoke test, no figures to quote")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.peers = options.peers.split(",")
    if unknown := set(options.peers) - set(PEERS):
        parser.error(f"no such peer: {', '.join(unknown)} (there are {', '.join(PEERS)})")
    if options.quick:
        options.seconds, options.rounds = 2, 1
    return options


def main():
    options = parse()
    if options.inside:
        inside.become_init()
        visit(options.peers[0], options.seconds, options.inside)
        return 0
    if machine.why_not():
        print(f"bench: {machine.why_not()}", file=sys.stderr)
        return 5
    if missing := [peer for peer in options.peers if not PEERS[peer].exists()]:
        print(f"bench: not built or not installed: {', '.join(missing)}", file=sys.stderr)
        return 1
    rounds = []
    for number in range(options.rounds):
        rounds.append({})
        for peer in options.peers:
            print(f"bench: round {number + 1} of {options.rounds}: {peer}", file=sys.stderr, flush=True)
            rounds[-1][peer] = measured(peer, options.seconds)
    print("\n".join(table(rounds, options.peers, options.seconds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
