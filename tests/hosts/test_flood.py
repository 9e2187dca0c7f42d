"""Handshakes flood, from somebody who knows the server's public key and no more: data goes on, and whoever is honest gets in."""

import dataclasses
import time

from . import addresses
from .lab import PROGRAMS, PYTHON
from .ours import OurClient
from .patience import eventually
from .sentences import sentence
from .test_garbage import resident
from .test_reasons import Trouble, fails
from .tunnel import Tunnel, pinging
from .wireguard import genkey, pubkey

INITIATION = {None: 1, "wireguard": 1, "hybrid": 5}
# A second: several times what a core answers; and enough to keep a server under load.
FLOOD, TRICKLE = 10_000, 5_000
LONGEST = 60
TABLET = "10.66.0.3"
MEGABYTES_20 = 20 * 1000 * 1000
# What becomes of an initiation that holds nothing: a cookie went back, it did not open, there was no room.
REASONS = ("bad-mac2", "bad-tag", "queue-full")


def flooding(lab, server_key, kind, sources, rate):
    """A flood from the router until it is stopped."""
    # Answers to those who do not exist are swallowed, as they would be somewhere in the internet.
    lab.router.run("ip", "route", "replace", "blackhole", "100.64.0.0/10")
    return lab.router.start(*PYTHON, PROGRAMS / "flood.py", addresses.VPS[4], addresses.PORT, pubkey(server_key), kind, sources, rate,
                            LONGEST, log="flood")


def dropped(server):
    drops = server.drops()
    return {reason: drops.get(reason, 0) for reason in REASONS}


def with_a_tablet(lab):
    """A tunnel whose server knows one more peer; how that one connects."""
    tunnel = Tunnel(lab)
    key = genkey()
    [laptop] = tunnel.server.config()["peers"]
    tablet = {**laptop, "name": "tablet", "public_key": pubkey(key), "addresses": [f"{TABLET}/32"]}
    tunnel.server.changes = {"peers": [laptop, tablet]}
    facts = dataclasses.replace(tunnel.facts, client_key=key, client_addresses=[f"{TABLET}/32"], allowed_ips=["10.66.0.0/24"])
    return tunnel.up(), lambda: OurClient(lab.site, facts, "tablet").connect("--timeout", "40s", timeout=50)


def honest_go_on(lab, attack, connect_tablet):
    """While somebody attacks, pings lose nothing, somebody new gets in, downloads are right. Prints what it cost them."""
    with pinging(lab.laptop, addresses.TUNNEL_SERVER[4], every=0.01) as pings:
        entered = connect_tablet()
        time.sleep(0.5)
    assert attack.running, "the new client had quiet"
    times = pings.milliseconds
    print(f"ping: median {times[len(times) // 2]} ms, p99 {times[len(times) * 99 // 100]} ms; the new client took {entered.seconds:.1f} s")
    assert not pings.overtaken, f"lost {pings.overtaken} of {pings.sent}"
    assert pings.sent - max(pings.answered) < 100, f"nothing behind {max(pings.answered)} of {pings.sent}"
    got = lab.visit("get", addresses.SITE[4], MEGABYTES_20)
    assert got["right"], got
    assert attack.running, "the download had quiet"
    print(f"download: {got['bytes'] * 8 / got['seconds'] / 1e6:.0f} Mbit/s")


@sentence("while initiations flood from {sources} addresses no ping inside is lost, a new client gets in, downloads go on, and all is counted",
          sources=(1, 100_000), seconds=16, suites=True)
def untouched(lab, sources):
    tunnel, connect_tablet = with_a_tablet(lab)
    memory = resident(tunnel.server)
    flood = flooding(lab, tunnel.facts.server_key, INITIATION[lab.suite], sources, FLOOD)
    eventually("the server is under load", lambda: dropped(tunnel.server)["bad-mac2"] > 0, seconds=20)
    honest_go_on(lab, flood, connect_tablet)
    eventually("every address had its turn", lambda: sum(dropped(tunnel.server).values()) >= sources, seconds=40)
    flood.stop()
    sent = int(flood.out)
    print(f"{sent} initiations: {dropped(tunnel.server)}")
    eventually("the flood is counted", lambda: sum(dropped(tunnel.server).values()) >= sent * 0.98)
    assert resident(tunnel.server) < memory + 20_000, "memory grows"
    assert len(tunnel.server.process.err.splitlines()) < 100, "a line is logged per initiation"


@sentence("`connect` to a server that answers nothing but cookies says that it is busy, and puts everything back", seconds=6, suites=True)
def busy(lab):
    server_key = genkey()

    def swamp(lab):
        flooding(lab, server_key, INITIATION["wireguard"], 0, TRICKLE)
        time.sleep(1)
    tunnel, _ = fails(lab, Trouble("busy", [["busy"], ["cookie"], ["again"]], facts={"suite": lab.suite, "server_key": server_key}, prepare=swamp))
    assert dropped(tunnel.server)["bad-mac2"] > 0, tunnel.server.status()
