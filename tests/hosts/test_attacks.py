"""Somebody who knows nothing but the server's address, or has listened, does his worst: honest peers keep their speed, and new ones get in."""

from . import addresses
from .capture import Capture
from .lab import PROGRAMS, PYTHON
from .patience import eventually
from .sentences import sentence
from .test_flood import honest_go_on, with_a_tablet
from .test_garbage import counted, resident
from .tunnel import connected

RATE, LONGEST = 20_000, 60


def recorded(lab, tunnel):
    """What the laptop says to the server in a new session, handshake and all."""
    with Capture(lab.router, "lan0", lambda packet: packet.is_udp and packet.destination == addresses.VPS[4]) as wire:
        tunnel.client.disconnect()
        tunnel.client.connect()
        lab.laptop.run("ping", "-n", "-c50", "-i0.01", "-W1", addresses.TUNNEL_SERVER[4])
    return [packet.payload[8:] for packet in wire.packets]


def assaulting(lab, kind, messages=()):
    lab.router.write("/run/recorded", "".join(message.hex() + "\n" for message in messages))
    return lab.router.start(*PYTHON, PROGRAMS / "assault.py", addresses.VPS[4], addresses.PORT, kind, RATE, LONGEST, "/run/recorded", log="assault")


@sentence("while somebody sends {kind} no ping inside is lost, a new client gets in, downloads go on, and all is counted",
          kind=("trains", "data", "replay"), seconds=14, suites=True)
def untouched(lab, kind):
    tunnel, connect_tablet = with_a_tablet(lab)
    messages = recorded(lab, tunnel) if kind == "replay" else []
    before, memory = counted(tunnel.server), resident(tunnel.server)
    attack = assaulting(lab, kind, messages)
    eventually("the attack is counted", lambda: counted(tunnel.server) > before + RATE / 10)
    honest_go_on(lab, attack, connect_tablet)
    attack.stop()
    sent = int(attack.out)
    print(f"{sent} datagrams: {tunnel.server.drops()}")
    eventually("all of it is counted", lambda: counted(tunnel.server) >= before + sent * 0.98)
    assert resident(tunnel.server) < memory + 20_000, "memory grows"
    assert len(tunnel.server.process.err.splitlines()) < 100, "a line is logged per datagram"
    peers = {peer["name"]: peer for peer in tunnel.server.status()["peers"]}
    assert addresses.ROUTER_VPS[4] not in str(peers), "an endpoint moved"


@sentence("what was recorded before a restart of the server opens nothing after it: ended by {ending}", ending=("SIGTERM", "SIGKILL"), seconds=8,
          suites=True)
def replayed_after_restart(lab, ending):
    tunnel = connected(lab)
    messages = recorded(lab, tunnel)
    eventually("the handshake's timestamp is on disk", lambda: tunnel.server.host.exists("/var/lib/vpn/server-vpns.timestamps"))
    tunnel.client.disconnect()
    if ending == "SIGKILL":
        tunnel.server.process.kill()
        tunnel.server.up()
    else:
        tunnel.server.restart()
    before = counted(tunnel.server)
    with Capture(lab.router, "vps0", lambda packet: packet.is_udp and packet.destination == addresses.ROUTER_VPS[4]) as answers:
        attack = assaulting(lab, "replay", messages)
        eventually("the replays are counted", lambda: counted(tunnel.server) > before + 2 * len(messages))
        attack.stop()
    assert not answers.packets, answers.packets[:5]
    assert not any(peer["online"] for peer in tunnel.server.status()["peers"])
