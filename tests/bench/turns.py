"""Everybody's turns: one visit after the other, each on hosts of its own."""

import json
import pathlib
import subprocess
import sys
import tempfile

from hosts import machine


class Failed(Exception):
    """A peer that could not be measured."""


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def visited(peer, link, options):
    """One peer on one link, once, in namespaces that are gone when this returns or is interrupted; the figures by name."""
    more = ["--offloads", options.offloads] if options.offloads else []
    more += ["--profile"] if options.profile else []
    with tempfile.TemporaryDirectory(prefix="vpn-bench-") as directory:
        words = machine.apart_from(machine.this_script(), "--inside", directory, "--peers", peer, "--links", link,
                                   "--seconds", options.seconds, *more)
        # Out of the terminal's reach: an interrupt is for this process, which takes the other one away.
        with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True) as child:
            try:
                out, _ = child.communicate(timeout=300 + 20 * options.seconds)
            except BaseException as reason:
                child.kill()
                child.communicate()  # ends when the last one that could write there has
                if isinstance(reason, subprocess.TimeoutExpired):
                    raise Failed(f"{peer} took too long\n{_logs(directory)}") from None
                raise
        if child.returncode:
            raise Failed(f"{peer} could not be measured\n{_logs(directory)}")
    return json.loads(out.splitlines()[-1])


def _logs(directory):
    return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-2000:]}" for path in sorted(pathlib.Path(directory).glob("*.err")))


def run(record, options):
    """All rounds, into the record. What is known so far is saved after each."""
    for number in range(options.rounds):
        # Everybody is first in some round: a machine that warms up favours nobody.
        shift = number % len(options.peers)
        figures = {link: {} for link in options.links}
        for link in options.links:
            for peer in options.peers[shift:] + options.peers[:shift]:
                turn = f"round {number + 1} of {options.rounds}, link {link}: {peer}"
                say(turn)
                figures[link][peer] = _measured(peer, link, options, lambda turn=turn: record.repeated.append(turn))
        record.rounds.append(figures)
        if options.json:
            record.save(options.json)


def _measured(peer, link, options, on_repeat):
    """The figures of one visit. One that fails is made once more, which is no secret."""
    try:
        return visited(peer, link, options)
    except Failed as failure:
        say(failure)
    on_repeat()
    try:
        return visited(peer, link, options)
    except Failed as failure:
        say(failure)
        raise
