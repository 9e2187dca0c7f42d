"""Two suites on one port, and what is particular to the longer handshake."""

import dataclasses
import json
import statistics

from . import addresses
from .capture import Capture, on_port
from .ours import CLIENT, CLIENT_NO_AES, SERVER_FILE, SERVER_NO_AES
from .sentences import sentence
from .test_data import ping
from .test_peers import hand_over, initialised
from .tunnel import Tunnel, connected
from .wireguard import WireguardClient, genkey, pubkey

PHONE = "10.66.0.3"


@sentence("one server has a hybrid client of ours and a phone's WireGuard at the same time, on one port", seconds=5)
def both_at_once(lab):
    tunnel = Tunnel(lab, suite="hybrid")
    phone_key = genkey()
    [laptop] = tunnel.server.config()["peers"]
    tunnel.server.changes = {"peers": [laptop, {"name": "phone", "public_key": pubkey(phone_key), "addresses": [f"{PHONE}/32"]}]}
    tunnel.up()
    facts = dataclasses.replace(tunnel.facts, client_key=phone_key, client_addresses=[f"{PHONE}/32"], allowed_ips=["10.66.0.0/24"],
                                endpoint=f"{addresses.VPS[4]}:{addresses.PORT}")
    WireguardClient(lab.router, facts).up()
    ping(lab.router, addresses.TUNNEL_SERVER[4])
    ping(lab.laptop, addresses.SITE[6])
    shown = {peer["name"]: peer["suite"] for peer in tunnel.server.status()["peers"]}
    assert shown == {"laptop": "hybrid", "phone": "wireguard"}, shown


@sentence("what `peer add` writes untold speaks hybrid, and `status` says so on both sides", seconds=5)
def hybrid_by_default(lab):
    server = initialised(lab)
    lab.laptop.run(CLIENT, "connect", hand_over(lab, "laptop"))
    ping(lab.laptop, addresses.SITE[4])
    for status in server.status(), json.loads(lab.laptop.run(CLIENT, "status", "laptop", "--json").out):
        assert [peer["suite"] for peer in status["peers"]] == ["hybrid"], status
    assert int(lab.vps.sh("cat /sys/class/net/vpns/mtu").out) == 1404, "the server began without hybrid peers, and its MTU follows"


@sentence("`peer add --suite wireguard` writes that into both files, the laptop's connects, and `status` says so on both sides", seconds=5)
def wireguard_when_asked(lab):
    server = initialised(lab)
    file = hand_over(lab, "laptop", None, "--suite", "wireguard")
    for written in json.loads(lab.vps.read(SERVER_FILE)), json.loads(lab.laptop.read(file)):
        assert [peer.get("suite", "wireguard") for peer in written["peers"]] == ["wireguard"], written
    with Capture(lab.router, "lan0", on_port(addresses.PORT)) as wire:
        lab.laptop.run(CLIENT, "connect", file)
        ping(lab.laptop, addresses.SITE[4])
    types = {packet.datagram[0] for packet in wire.packets}
    assert types == {1, 2, 4}, types
    for status in server.status(), json.loads(lab.laptop.run(CLIENT, "status", "laptop", "--json").out):
        assert [peer["suite"] for peer in status["peers"]] == ["wireguard"], status


@sentence("over links of 1280 bytes a hybrid handshake is fragmented, and everything arrives: IPv{inner} over IPv{outer}", inner=(4, 6), outer=(4, 6),
          seconds=5)
def narrow(lab, inner, outer):
    lab.narrow(1280)
    with Capture(lab.router, "lan0") as wire:
        tunnel = connected(lab, outer=outer, suite="hybrid")
    handshake = {kind: [packet for packet in wire.packets if packet.datagram[:4] == bytes([kind, 0, 0, 0])] for kind in (5, 6)}
    assert handshake[5] and handshake[6], wire.packets
    assert all(packet.is_fragment for packet in handshake[5]), handshake[5]
    pieces = [packet for packet in wire.packets if packet.is_fragment and packet.source == addresses.LAPTOP[outer]]
    assert len(pieces) >= 2 * len(handshake[5]), pieces
    assert not any(packet.dont_fragment for packet in pieces + handshake[6]), pieces + handshake[6]
    mtu = int(lab.laptop.sh(f"cat /sys/class/net/{tunnel.client.interface}/mtu").out)
    assert mtu == 1280, mtu
    ping(lab.laptop, addresses.SITE[inner], "-s", 1200)
    got = lab.visit("get", addresses.SITE[inner], 5_000_000)
    assert got["right"], got


@sentence("MTU \"auto\" leaves room for suite {suite} over IPv{outer}", suite=("wireguard", "hybrid"), outer=(4, 6))
def mtu_auto(lab, suite, outer):
    tunnel = connected(lab, outer=outer, suite=suite)
    around = {"wireguard": 32, "hybrid": 48}[suite] + 8 + {4: 20, 6: 40}[outer]
    assert tunnel.client.status()["mtu"] == 1500 - around, tunnel.client.status()
    assert int(lab.vps.sh("cat /sys/class/net/vpns/mtu").out) == {"wireguard": 1420, "hybrid": 1404}[suite]


@sentence("where neither machine has AES instructions a hybrid tunnel works, and `peer add` and `status` say that it is slow, and what is faster",
          seconds=6)
def without_aes(lab):
    tunnel = Tunnel(lab, suite="hybrid")
    tunnel.server.program, tunnel.client.program = SERVER_NO_AES, CLIENT_NO_AES
    tunnel.up()
    for inner in (4, 6):
        ping(lab.laptop, addresses.SITE[inner])
        got = lab.visit("get", addresses.SITE[inner], 2_000_000)
        assert got["right"], got
    for said in (tunnel.server.command("status").out, tunnel.client.command("status", "laptop").out,
                 tunnel.server.command("peer", "add", "tablet", "--output", "/run/tablet.json").err):
        for words in ("no AES instructions", "slow", "suite wireguard is faster, without protection from quantum computers"):
            assert words in said, said
    for status in tunnel.server.status(), tunnel.client.status():
        assert status["peers"][0]["suite_is_slow"] is True, status


@sentence("from typing `connect` to \"connected\" it takes less than 100 ms, the median of five: suite {suite}", suite=("wireguard", "hybrid"), seconds=4,
          quiet=True)
def quick(lab, suite):
    tunnel = connected(lab, suite=suite)
    taken = []
    for _ in range(5):
        tunnel.client.disconnect()
        taken.append(tunnel.client.connect().seconds)
    print(f"connect took {', '.join(f'{seconds * 1000:.0f}' for seconds in sorted(taken))} ms")
    assert statistics.median(taken) < 0.1, taken
