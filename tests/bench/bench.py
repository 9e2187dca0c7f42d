#!/usr/bin/python3
"""Measures tunnels beside each other and prints medians and ratios as a Markdown table.

Three hosts in a row, on this machine: near, far (the server) and a site behind it. Peers: `ours` (suite wireguard), `hybrid` (ours,
too), `newest` (wireguard-go of Debian testing), `stable` (wireguard-go of this machine's Debian), `openvpn` (userspace), and `none`:
the bare wire. They take turns in every round, each time on hosts of their own, since machines are noisy: only the ratios mean
something, those of each of ours to each of the rest.
"""

import argparse
import importlib.util
import json
import pathlib
import signal
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

from bench import about, costs, report, turns  # noqa: E402
from bench.measures import MEASURES, Visit  # noqa: E402
from bench.network import LINKS, Network  # noqa: E402
from bench.peers import PEERS  # noqa: E402
from bench.record import Record  # noqa: E402
from hosts import inside, machine  # noqa: E402

SWITCH = {"on": True, "off": False}
EVERYBODY, PROFILED = "ours,hybrid,newest,stable,openvpn", "ours,hybrid"


def visit(options):
    """One peer on one link, once: prints its figures, or its profiles, as a line of JSON."""
    with Network(options.inside, options.peers[0], options.links[0], SWITCH.get(options.offloads)) as network:
        if options.profile:
            print(json.dumps(costs.Sampler(network, options.seconds, options.inside).take()))
            return
        look = Visit(network, options.seconds)
        print(json.dumps({one.name: one.take(look) for one in MEASURES}))


def blank(options):
    """A record of the run to be, without rounds."""
    versions = {peer: about.VERSIONS[peer]() for peer in options.peers}
    return Record(about.machine(), about.tools(), versions, options.links, options.seconds, SWITCH.get(options.offloads))


def cannot_tell(record, options):
    """What was asked for and cannot be had of such a run, or None."""
    if options.plot and not record.pairs:
        return "a plot takes two tunnels at least, not both of them ours"
    if options.check and not report.has_targets(record):
        return f"--check takes `ours` or `hybrid`, `{report.TARGET_PEER}` beside it, and the link `{report.TARGET_LINK}`"
    return None


def tell(record, options):
    """Prints and writes what was asked for; the exit code."""
    text = "\n".join(report.markdown(record))
    print(text)
    if options.markdown:
        pathlib.Path(options.markdown).write_text(text + "\n", encoding="utf-8")
    if options.plot:
        from bench import plot
        plot.draw(record, options.plot)
    if not options.check:
        return 0
    lines, misses = report.verdicts(record)
    print("\n" + "\n".join(lines) + f"\n{len(lines) - misses} met, {misses} missed")
    return 1 if misses else 0


def parse():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", metavar="NAME,...",
                        help=f"who is measured; ratios are those of ours and hybrid, or else of the first, to the others' (default {EVERYBODY})")
    parser.add_argument("--links", metavar="NAME,...",
                        help="on which wires, a table each: plain, no-gso (without UDP segmentation offload and GRO), "
                             "no-checksum (without checksum offload) (default all three; with --quick plain)")
    parser.add_argument("--floor", action="store_true", help="also the wire without a VPN: the peer `none`")
    parser.add_argument("--offloads", choices=SWITCH, help="write interface.offloads to the files of ours (default: leave it out)")
    parser.add_argument("--seconds", type=int, default=5, help="how long each figure is taken; pings are counted instead (default 5)")
    parser.add_argument("--rounds", type=int, default=3, help="how often everybody has a turn (default 3)")
    parser.add_argument("--quick", action="store_true", help="one round of two seconds, on one link: a smoke test, no figures to quote")
    parser.add_argument("--check", action="store_true", help="compare ours and hybrid, or the one that is there, beside `newest` with what is to be reached; exit 1 on a miss")
    parser.add_argument("--output", metavar="DIR", help="write run.json, run.md and run.png there, into a directory that is made if need be")
    parser.add_argument("--markdown", metavar="FILE", help="write the table there too")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the ratios")
    parser.add_argument("--json", metavar="FILE", help="write every figure of every round")
    parser.add_argument("--from", dest="source", metavar="FILE", help="measure nothing: tell again what --json wrote")
    parser.add_argument("--profile", action="store_true",
                        help="measure nothing: sample with perf where the time of `ours` and `hybrid`, or of --peers, goes, under one "
                             "TCP stream, reversed, forwarded and NATed, and idle pings")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.peers = (options.peers or (PROFILED if options.profile else EVERYBODY)).split(",")
    if options.floor and "none" not in options.peers:
        options.peers.append("none")
    options.links = options.links.split(",") if options.links else ["plain"] if options.quick or options.profile else list(LINKS)
    for kind, names, known in (("peer", options.peers, PEERS), ("link", options.links, LINKS)):
        if unknown := set(names) - set(known):
            parser.error(f"no such {kind}: {', '.join(sorted(unknown))} (there are {', '.join(known)})")
    if len(set(options.peers)) < len(options.peers):
        parser.error("everybody is measured once in a round")
    if options.profile and (options.floor or "none" in options.peers):
        parser.error("nobody carries the bare wire: there is nothing to profile")
    if options.profile and any((options.source, options.check, options.plot, options.json, options.output)):
        parser.error("--profile goes with --peers, --links, --offloads, --seconds, --quick and --markdown only")
    if options.seconds < 1 or options.rounds < 1:
        parser.error("--seconds and --rounds are 1 at least")
    if options.quick:
        options.seconds, options.rounds = 2, 1
    if options.output:
        place_output(parser, options)
    return options


def place_output(parser, options):
    """--output stands for the three that name a file; what is named by itself stays."""
    directory = pathlib.Path(options.output)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--output: {error}")
    options.json = options.json or (None if options.source else directory / "run.json")
    options.markdown = options.markdown or directory / "run.md"
    options.plot = options.plot or directory / "run.png"


def why_not(options):
    """What keeps this machine from measuring, and the exit code for that."""
    if machine.why_not():
        return 5, machine.why_not()
    if missing := [peer for peer in options.peers if not PEERS[peer].is_here]:
        return 1, f"not built or not installed: {', '.join(missing)}"
    return None


def profile(options):
    """Samples, and tells; the exit code."""
    if not costs.PERF:
        turns.say("--profile takes perf: the package linux-perf")
        return 1
    if trouble := why_not(options):
        turns.say(trouble[1])
        return trouble[0]
    lines = []
    for link in options.links:
        for peer in options.peers:
            turns.say(f"profile, link {link}: {peer}")
            lines += ["", *costs.markdown(peer if link == "plain" else f"{peer}, link {link}", turns.visited(peer, link, options))]
    text = "\n".join(lines[1:])
    print(text)
    if options.markdown:
        pathlib.Path(options.markdown).write_text(text + "\n", encoding="utf-8")
    return 0


def carry_out(options):
    """Measures, unless a file already knows, and tells; the exit code."""
    if options.plot and not importlib.util.find_spec("matplotlib"):
        turns.say("--plot takes matplotlib: the package python3-matplotlib")
        return 1
    if not options.source and (trouble := why_not(options)):
        turns.say(trouble[1])
        return trouble[0]
    record = Record.load(options.source) if options.source else blank(options)
    if reason := cannot_tell(record, options):
        turns.say(reason)
        return 2
    if not options.source:
        turns.run(record, options)
    return tell(record, options)


def main():
    options = parse()
    if options.inside:
        inside.become_init()
        visit(options)
        return 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        return profile(options) if options.profile else carry_out(options)
    except turns.Failed:
        return 1
    except KeyboardInterrupt:
        turns.say("interrupted")
        return 130


if __name__ == "__main__":
    sys.exit(main())
