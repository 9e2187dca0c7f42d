"""Two suites on one port, and what is particular to the longer handshake."""

import dataclasses
import json

from . import addresses
from .ours import CLIENT
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


@sentence("over links of 1280 bytes a hybrid handshake is fragmented, and everything arrives: IPv{inner} over IPv{outer}", inner=(4, 6), outer=(4, 6),
          seconds=5)
def narrow(lab, inner, outer):
    lab.narrow(1280)
    tunnel = connected(lab, outer=outer, suite="hybrid")
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
