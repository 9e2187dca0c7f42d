"""Datagrams of every length and content that nobody should send: counted by reason, and nothing else happens."""

import os

from . import addresses
from .capture import Capture, on_port
from .lab import PROGRAMS, PYTHON
from .patience import eventually
from .sentences import sentence
from .tunnel import connected, pinging


def throw(host, kind, *forged, version=4):
    """Throws garbage at the server; how many datagrams."""
    return int(host.run(*PYTHON, PROGRAMS / "garbage.py", addresses.VPS[version], addresses.PORT, kind, *forged).out)


def counted(server):
    return sum(server.drops().values())


@sentence("garbage of {kind} over IPv{version} is counted by reason and changes nothing; pings go on", kind=("lengths", "shapes"), version=(4, 6), seconds=6,
          suites=True)
def changes_nothing(lab, kind, version):
    tunnel = connected(lab, outer=version)
    before, memory = counted(tunnel.server), resident(tunnel.server)
    with pinging(lab.laptop, addresses.TUNNEL_SERVER[4]) as pings:
        thrown = throw(lab.router, kind, version=version)
        eventually("the garbage is counted", lambda: counted(tunnel.server) >= before + thrown * 0.98)
    assert pings.lost == 0, f"lost {pings.lost} of {pings.sent}"
    assert resident(tunnel.server) < memory + 20_000, "memory grows"
    assert len(tunnel.server.process.err.splitlines()) < 100, "a line is logged per packet"


@sentence("garbage forged to come from the client's own address and port changes nothing: pings go on and the endpoint stays", seconds=6,
          suites=True)
def forged(lab):
    tunnel = connected(lab)
    with Capture(lab.router, "lan0", on_port(addresses.PORT)) as wire:
        lab.laptop.run("ping", "-n", "-c2", "-i0.1", "-W1", addresses.TUNNEL_SERVER[4])
    port = next(packet.ports[0] for packet in wire.packets if packet.source == addresses.LAPTOP[4])
    with pinging(lab.laptop, addresses.TUNNEL_SERVER[4]) as pings:
        for kind in ("lengths", "shapes"):
            throw(lab.router, kind, addresses.LAPTOP[4], port)
            throw(lab.router, kind, addresses.LAPTOP_MOVED[4], port)
    assert pings.lost == 0, f"lost {pings.lost} of {pings.sent}"
    assert addresses.LAPTOP_MOVED[4] not in str(tunnel.server.status())


@sentence("garbage is answered by nothing", seconds=5, suites=True)
def no_answer(lab):
    tunnel = connected(lab)
    with Capture(lab.router, "vps0", lambda packet: packet.is_udp and packet.source == addresses.VPS[4]) as wire:
        for kind in ("lengths", "shapes"):
            throw(lab.router, kind)
    to_router = [packet for packet in wire.packets if packet.destination == addresses.ROUTER_VPS[4]]
    assert not to_router, to_router[:10]
    assert tunnel.server.process.running


@sentence("recorded datagrams that are sent again move nothing and deliver nothing", seconds=5, suites=True)
def replayed(lab):
    tunnel = connected(lab)
    with Capture(lab.router, "lan0", lambda packet: packet.is_udp and packet.destination == addresses.VPS[4]) as wire:
        tunnel.client.disconnect()
        tunnel.client.connect()
        lab.laptop.run("ping", "-n", "-c10", "-i0.02", "-W1", addresses.TUNNEL_SERVER[4])
    recorded = [packet.payload[8:] for packet in wire.packets]
    with pinging(lab.laptop, addresses.TUNNEL_SERVER[4]) as pings, Capture(lab.router, "lan0", lambda packet: packet.destination == addresses.LAPTOP[4]) as back:
        script = "import socket, sys\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n" \
                 "for line in sys.stdin: s.sendto(bytes.fromhex(line), (sys.argv[1], int(sys.argv[2])))\n"
        lab.router.run(*PYTHON, "-c", script, addresses.VPS[4], addresses.PORT, stdin="\n".join(data.hex() for data in recorded))
    assert pings.lost == 0 and not pings.duplicates, f"lost {pings.lost}, twice {pings.duplicates}"
    assert back.packets, "the answers went elsewhere"
    assert addresses.ROUTER_VPS[4] not in str(tunnel.server.status()), "the endpoint moved"


def resident(server):
    """KiB of memory that the daemon holds."""
    with open(f"/proc/{server.process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024
