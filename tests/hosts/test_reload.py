"""The server's file changes while it runs: sessions stay."""

import json
import signal
import time

from . import addresses
from .capture import Capture
from .ours import BAD_CONFIG, SERVER_FILE
from .patience import eventually
from .sentences import sentence
from .test_interop import initiations
from .tunnel import connected, pinging
from .wireguard import genkey, pubkey

WAYS = {"SIGHUP": lambda server: server.process.send(signal.SIGHUP), "`reload`": lambda server: server.command("reload")}


def tablet():
    return {"name": "tablet", "public_key": pubkey(genkey()), "addresses": ["10.66.0.9/32", "fd66::9/128"]}


def change(tunnel, edit):
    """Edits the server's file as an owner does."""
    config = json.loads(tunnel.server.host.read(SERVER_FILE))
    edit(config)
    tunnel.server.write(config)


@sentence("{way} takes what the file says now and drops no session: no ping is lost, no handshake made", way=tuple(WAYS), seconds=5, suites=True)
def nothing_dropped(lab, way):
    tunnel = connected(lab)
    with Capture(lab.router, "lan0") as wire, pinging(lab.laptop, addresses.TUNNEL_SERVER[4], every=0.02) as pings:
        for _ in range(3):
            WAYS[way](tunnel.server)
            time.sleep(0.3)
        change(tunnel, lambda config: config["peers"].append(tablet()))
        WAYS[way](tunnel.server)
        eventually("the new peer is there", lambda: tunnel.server.peer_names() == ["laptop", "tablet"])
        change(tunnel, lambda config: config["peers"].pop())
        WAYS[way](tunnel.server)
        eventually("the new peer is gone", lambda: tunnel.server.peer_names() == ["laptop"])
        time.sleep(0.2)
    assert pings.lost == 0, f"lost {pings.lost} of {pings.sent}"
    assert not initiations(wire.packets), "the session was made anew"


@sentence("a peer that is taken out of the file loses its session with {way}", way=tuple(WAYS), seconds=5, suites=True)
def taken_out(lab, way):
    tunnel = connected(lab)
    change(tunnel, lambda config: config["peers"].clear())
    WAYS[way](tunnel.server)
    eventually("the peer is gone", lambda: tunnel.server.peer_names() == [])
    gone = lab.laptop.run("ping", "-n", "-c5", "-i0.1", "-W1", addresses.TUNNEL_SERVER[4], code=None)
    assert " 0 received" in gone.out, gone


@sentence("a preshared key that changes in the file counts for the next handshake, and the session goes on", seconds=5, suites=True)
def other_psk(lab):
    tunnel = connected(lab)
    with pinging(lab.laptop, addresses.TUNNEL_SERVER[4]) as pings:
        change(tunnel, lambda config: config["peers"][0].update(preshared_key=genkey()))
        tunnel.server.command("reload")
        time.sleep(0.5)
    assert pings.lost == 0, f"lost {pings.lost} of {pings.sent}"
    tunnel.client.disconnect()
    assert tunnel.client.connect("--timeout", "3s", code=4).reason == "wrong-psk"


@sentence("`reload` of a broken file says where it is broken, and everything goes on as it was", seconds=5, suites=True)
def broken(lab):
    tunnel = connected(lab)
    good = lab.vps.read(SERVER_FILE)
    with pinging(lab.laptop, addresses.TUNNEL_SERVER[4]) as pings:
        lab.vps.write(SERVER_FILE, good.replace('"networks"', '"netwroks"'))
        line = next(number for number, text in enumerate(good.splitlines(), 1) if '"networks"' in text)
        refused = tunnel.server.command("reload", code=BAD_CONFIG)
        assert f"{SERVER_FILE}:{line}" in refused.err and "netwroks" in refused.err, refused
        tunnel.server.process.send(signal.SIGHUP)
        time.sleep(0.3)
        assert tunnel.server.peer_names() == ["laptop"]
    assert tunnel.server.process.running and pings.lost == 0, f"lost {pings.lost} of {pings.sent}"
