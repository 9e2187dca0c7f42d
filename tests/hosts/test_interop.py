"""Debian stable's wireguard-go and `wg` at the other end, in both roles."""

import time

from . import addresses
from .capture import Capture, on_port
from .sentences import sentence
from .tunnel import OURS, WIREGUARD_GO, connected, pinging

MEGABYTES_20 = 20 * 1000 * 1000
ROLES = {"our client of wireguard-go's server": (WIREGUARD_GO, OURS), "wireguard-go's client of our server": (OURS, WIREGUARD_GO)}
PSK = {"with a preshared key": True, "without a preshared key": False}


@sentence("{who}, {key}, over IPv{outer}: pings, datagrams and transfers, IPv4 and IPv6", who=tuple(ROLES), key=tuple(PSK), outer=(4, 6),
          seconds=6, reference=True)
def speaks(lab, who, key, outer):
    server, client = ROLES[who]
    connected(lab, server=server, client=client, psk=PSK[key], outer=outer)
    for inner in (4, 6):
        lab.laptop.run("ping", "-n", "-c3", "-i0.05", "-W2", addresses.TUNNEL_SERVER[inner])
        lab.vps.run("ping", "-n", "-c3", "-i0.05", "-W2", addresses.TUNNEL_CLIENT[inner])
        assert lab.visit("address", addresses.SITE[inner]) == {"address": addresses.VPS[inner]}
        assert lab.visit("udp", addresses.SITE[inner], "0-100", "1300-1500", 9000) == {"lost": []}
    for way, inner in (("get", 4), ("put", 6)):
        done = lab.visit(way, addresses.SITE[inner], MEGABYTES_20)
        assert done["right"], done


@sentence("{who} goes on when the laptop moves to another network", who=tuple(ROLES), seconds=5, reference=True)
def roams(lab, who):
    server, client = ROLES[who]
    lab.open_cafe()
    connected(lab, server=server, client=client)
    with pinging(lab.laptop, addresses.TUNNEL_SERVER[4]) as pings:
        time.sleep(0.3)
        lab.move_to_cafe()
        time.sleep(2.5)
    assert pings.longest_silence <= 1, f"{pings.longest_silence:.2f} s without an answer"


INITIATIONS = {(1, 148), (5, 1396)}


def initiations(packets):
    """Handshake initiations among datagrams, of either suite, by their type and length."""
    return [packet for packet in packets if packet.is_udp and (int.from_bytes(packet.payload[8:12], "little"), len(packet.payload) - 8) in INITIATIONS]


@sentence("{who} renews its keys after 120 seconds, {key}, and no ping is lost", who="our client of our server", key=tuple(PSK),
          seconds=135, apart=True, reference=True, suites=True)
@sentence("{who} renews its keys after 120 seconds, {key}, and no ping is lost", who=tuple(ROLES), key=tuple(PSK),
          seconds=135, apart=True, reference=True)
def renews_keys(lab, who, key):
    server, client = ROLES.get(who, (OURS, OURS))
    tunnel = connected(lab, server=server, client=client, psk=PSK[key])
    end = next((end for end in (tunnel.server, tunnel.client) if hasattr(end, "handshake")), None)
    first = end.handshake() if end else 0
    with Capture(lab.router, "lan0", on_port(addresses.PORT)) as wire, pinging(lab.laptop, addresses.TUNNEL_SERVER[4], every=0.1) as pings:
        time.sleep(128)
    assert pings.lost == 0, f"lost {pings.lost} of {pings.sent}"
    assert initiations(wire.packets), "no handshake in 128 seconds"
    assert len(initiations(wire.packets)) <= 2, f"{len(initiations(wire.packets))} handshakes in 128 seconds"
    assert end is None or end.handshake() >= first + 115, "wg shows the old handshake"
