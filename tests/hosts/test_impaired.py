"""The wire drops, doubles, delays, reorders and spoils; nothing but those packets is lost."""

import json
import time

from . import addresses
from .patience import eventually
from .sentences import sentence
from .tunnel import Tunnel, connected, pinging

MEGABYTES_5 = 5 * 1000 * 1000
BAD_WIRE = ("--drop", 0.01, "--duplicate", 0.05, "--reorder", 0.02, "--corrupt", 0.01, "--jitter", 0.001)


def say(relay, line):
    relay.stdin.write(line.encode() + b"\n")
    relay.stdin.flush()


def counts(relay):
    """What the relay did so far."""
    before = relay.out
    say(relay, "stats")
    return json.loads(eventually("the relay's counts", lambda: relay.out[len(before):].endswith("\n") and relay.out[len(before):]))


@sentence("5 MB come {way} unharmed over a wire that drops, doubles, reorders, delays and spoils", way=("down", "up"), seconds=12, reference=True, suites=True)
def transfer(lab, way):
    relay, endpoint = lab.relay(*BAD_WIRE)
    connected(lab, endpoint=endpoint)
    done = lab.visit("get" if way == "down" else "put", addresses.SITE[4], MEGABYTES_5, timeout=90)
    assert done["right"], done
    did = counts(relay)
    assert all(did[what] for what in ("dropped", "duplicated", "corrupted", "reordered")), f"the wire was too good: {did}"


@sentence("datagrams that arrive twice are delivered once", seconds=4, reference=True, suites=True)
def duplicates(lab):
    relay, endpoint = lab.relay("--duplicate", 1)
    connected(lab, endpoint=endpoint)
    with pinging(lab.laptop, addresses.TUNNEL_SERVER[4], every=0.02) as pings:
        time.sleep(1.5)
    assert pings.lost == 0 and not pings.duplicates, f"lost {pings.lost}, twice {pings.duplicates}"
    assert counts(relay)["duplicated"] > 100


@sentence("datagrams that arrive out of order are delivered all the same", seconds=4, reference=True, suites=True)
def reordered(lab):
    relay, endpoint = lab.relay("--reorder", 0.3)
    connected(lab, endpoint=endpoint)
    with pinging(lab.laptop, addresses.TUNNEL_SERVER[4], every=0.005) as pings:
        time.sleep(1.5)
    # Those of the last 20 ms may still be held.
    assert pings.sent - pings.received <= 10, f"lost {pings.lost} of {pings.sent}"
    assert counts(relay)["reordered"] > 30


@sentence("a wire that spoils every datagram delivers nothing, and when it is good again the session simply goes on", seconds=5, reference=True, suites=True)
def corrupted(lab):
    relay, endpoint = lab.relay()
    connected(lab, endpoint=endpoint)
    say(relay, "set corrupt=1")
    spoilt = lab.laptop.run("ping", "-n", "-c20", "-i0.05", "-W1", addresses.TUNNEL_SERVER[4], code=None)
    assert " 0 received" in spoilt.out, spoilt
    say(relay, "set corrupt=0")
    lab.laptop.run("ping", "-n", "-c5", "-i0.05", "-W1", addresses.TUNNEL_SERVER[4])


@sentence("a long way is no obstacle: 300 ms there and back", seconds=6, reference=True, suites=True)
def far_away(lab):
    _, endpoint = lab.relay("--delay", 0.15)
    connected(lab, endpoint=endpoint)
    done = lab.visit("get", addresses.SITE[4], 500_000)
    assert done["right"], done


@sentence("the handshake gets through a wire that drops every third datagram", seconds=20, apart=True, reference=True, suites=True)
def lossy_handshake(lab):
    _, endpoint = lab.relay("--drop", 0.34, "--seed", 3)
    tunnel = Tunnel(lab, endpoint=endpoint)
    tunnel.server.up()
    tunnel.client.up(seconds=60)
