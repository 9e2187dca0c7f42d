"""How large packets may be on the way, where nobody says so: found by asking."""

import contextlib
import json
import time

from . import addresses
from .capture import Capture, on_port
from .lab import PROGRAMS, PYTHON
from .patience import eventually
from .sentences import sentence
from .tunnel import OURS, WIREGUARD_GO, Tunnel, connected

MEGABYTE = 1_000_000
OVERHEAD = {"wireguard": 32, "hybrid": 48}
HEADERS = {4: 28, 6: 48}

# A router that says nothing of what it swallows.
SILENCE = """
table inet silence {
    chain in { type filter hook input priority 0; icmp type destination-unreachable drop; icmpv6 type packet-too-big drop; }
    chain out {
        type filter hook output priority 0;
        icmp type destination-unreachable icmp code frag-needed drop
        icmpv6 type packet-too-big drop
    }
}
"""


def hush(lab):
    """From now on the router tells nobody what it swallows, and no run of datagrams slips through a veth whole."""
    lab.router.nft(SILENCE)
    lab.laptop.run("ethtool", "-K", "eth0", "tx-udp-segmentation", "off")


def narrow_silently(lab, mtu):
    """The router's end of the laptop's link takes and sends no more than this."""
    lab.router.ip(f"link set lan0 mtu {mtu}")


def narrow_aloud(lab, mtu):
    """Behind the router no more than this passes, and it says so as routers should."""
    lab.vps.ip(f"link set eth0 mtu {mtu}")
    lab.router.ip(f"link set vps0 mtu {mtu}")


def largest_segment(tunnel, path, inner):
    """What TCP inside is told of: packets that pass whole, even where the other side pads them."""
    room = min(path - HEADERS[tunnel.facts.outer] - OVERHEAD[tunnel.client.status()["peers"][0]["suite"]], tunnel.client.status()["mtu"])
    return (room - room % 16 if path < 1500 else room) - {4: 40, 6: 60}[inner]


def path_found(tunnel, path, seconds=20):
    """Waits until `status` says so, and looks at what followed from it."""
    eventually(f"the way is found to carry {path}", lambda: tunnel.client.status()["path_mtu"] == path, seconds)
    status = tunnel.client.status()
    suite = status["peers"][0]["suite"]
    mtu = max(1280, path - HEADERS[tunnel.facts.outer] - OVERHEAD[suite])
    assert status["mtu"] == mtu, status
    assert int(tunnel.client.host.sh(f"cat /sys/class/net/{tunnel.client.interface}/mtu").out) == mtu
    text = tunnel.client.command("status", tunnel.client.name).out
    assert f"MTU {mtu} (found by probing: the way carries {path})" in text, text


def downloads(lab):
    for inner in (4, 6):
        got = lab.visit("get", addresses.SITE[inner], MEGABYTE)
        assert got["right"], got


@contextlib.contextmanager
def uploading(lab, tunnel, inner=4):
    """What happens meanwhile happens in the middle of an upload, and it arrives whole."""
    counter = f"/sys/class/net/{tunnel.client.interface}/statistics/tx_bytes"
    before = int(lab.laptop.sh(f"cat {counter}").out)
    visitor = lab.laptop.start(*PYTHON, PROGRAMS / "visitor.py", "put", addresses.SITE[inner], 60 * MEGABYTE, log="upload")
    eventually("an upload is under way", lambda: int(lab.laptop.sh(f"cat {counter}").out) - before > 5 * MEGABYTE, seconds=20)
    yield
    assert visitor.wait(60) == 0, visitor.err
    assert json.loads(visitor.out)["right"], visitor.out


@sentence("a way that swallows what is larger than {path} in silence is found out, over IPv{outer} to {whom}: downloads pass, and `status` says so",
          path=(1400, 1280), outer=(4, 6), whom=(OURS, WIREGUARD_GO), seconds=8)
def silent_before(lab, path, outer, whom):
    hush(lab)
    narrow_silently(lab, path)
    tunnel = connected(lab, server=whom, outer=outer, suite="wireguard")
    path_found(tunnel, path)
    downloads(lab)


@sentence("without a probe in the file a name server behind {whom} is asked, IPv{inner} inside", whom=(OURS, WIREGUARD_GO), inner=(4, 6), seconds=6)
def name_server_asked(lab, whom, inner):
    hush(lab)
    narrow_silently(lab, 1400)
    tunnel = Tunnel(lab, server=whom, suite="wireguard", dns=[addresses.SITE[inner]])
    config = tunnel.client.config()
    config["interface"].pop("probe", None)
    tunnel.server.up()
    tunnel.client.write(config)
    tunnel.client.connect()
    path_found(tunnel, 1400)
    downloads(lab)


@sentence("a hybrid tunnel over IPv{outer} finds a narrow, silent way too", outer=(4, 6), seconds=8)
def silent_hybrid(lab, outer):
    hush(lab)
    narrow_silently(lab, 1460)
    tunnel = connected(lab, outer=outer, suite="hybrid")
    path_found(tunnel, 1460)
    downloads(lab)


@sentence("where a way becomes narrow in silence under an upload it goes on, over IPv{outer}; a change of the network finds it wide again",
          outer=(4, 6), seconds=12, suites=True)
def silent_later(lab, outer):
    hush(lab)
    tunnel = connected(lab, outer=outer)
    path_found(tunnel, 1500)
    with uploading(lab, tunnel):
        narrow_silently(lab, 1400)
        path_found(tunnel, 1400)
    downloads(lab)
    narrow_silently(lab, 1500)
    lab.laptop.ip("link set eth0 mtu 1492")  # another network, as far as anybody can see
    path_found(tunnel, 1492)
    downloads(lab)


@sentence("where a router says that a way became narrow an upload to {whom} goes on, over IPv{outer}; behind another network's link the way is wide again",
          outer=(4, 6), whom=(OURS, WIREGUARD_GO), seconds=12)
def told_later(lab, outer, whom):
    tunnel = connected(lab, server=whom, outer=outer, suite="wireguard")
    path_found(tunnel, 1500)
    with uploading(lab, tunnel):
        narrow_aloud(lab, 1300)
        path_found(tunnel, 1300)
    downloads(lab)
    narrow_aloud(lab, 1500)
    lab.open_cafe()
    lab.move_to_cafe()
    path_found(tunnel, 1500)
    downloads(lab)


@sentence("where a way shrinks to {path} and its ICMP is filtered an upload goes on, IPv{inner} over IPv{outer}",
          path=(1280, 1400), inner=(4, 6), outer=(4, 6), seconds=10, suites=True)
def filtered(lab, path, inner, outer):
    hush(lab)
    tunnel = connected(lab, outer=outer)
    path_found(tunnel, 1500)
    with uploading(lab, tunnel, inner):
        narrow_aloud(lab, path)  # but nobody hears it
        path_found(tunnel, path)
    downloads(lab)


@sentence("nobody may fragment a probe, and every router anything else, to {whom}", whom=OURS, seconds=6, suites=True)
@sentence("nobody may fragment a probe, and every router anything else, to {whom}", whom=WIREGUARD_GO, seconds=6)
def fragmentable(lab, whom):
    with Capture(lab.router, "lan0", on_port(addresses.PORT)) as first:
        tunnel = connected(lab, server=whom)
        path_found(tunnel, 1500)
    whole = [packet for packet in first.packets if packet.raw[6] & 0x40 and packet.source == addresses.LAPTOP[4]]
    assert {576, 1280, 1400, 1500} <= {len(packet.raw) for packet in whole}, whole
    with Capture(lab.router, "lan0", on_port(addresses.PORT)) as then:
        lab.laptop.run("ping", "-n", "-c", 3, "-i", 0.05, "-M", "do", "-s", 1300, addresses.TUNNEL_SERVER[4])
        downloads(lab)
    sent = [packet for packet in then.packets if packet.source == addresses.LAPTOP[4]]
    assert [packet for packet in sent if len(packet.raw) > 1328], sent
    # A busy tunnel asks now and then whether the way still carries what it did: those two sizes are probes.
    whole = [packet for packet in sent if packet.raw[6] & 0x40 and len(packet.raw) not in (576, 1500)]
    assert not whole, whole


@sentence("TCP inside is told of segments that a narrow way carries whole: IPv{inner} over IPv{outer}", inner=(4, 6), outer=(4, 6), seconds=5, suites=True)
def segments(lab, inner, outer):
    hush(lab)
    narrow_silently(lab, 1460)
    tunnel = connected(lab, outer=outer)
    path_found(tunnel, 1460)
    with Capture(lab.site, "eth0") as capture:
        assert lab.visit("get", addresses.SITE[inner], MEGABYTE)["right"]
    offered = {packet.mss for packet in capture.packets if packet.is_syn and packet.destination == addresses.SITE[inner]}
    assert offered == {largest_segment(tunnel, 1460, inner)}, offered


@sentence("an MTU in the file is the MTU, and nobody looks for another", seconds=4)
def fixed(lab):
    tunnel = Tunnel(lab)
    config = tunnel.client.config()
    config["interface"]["mtu"] = 1300
    tunnel.client.write(config)
    tunnel.up()
    time.sleep(0.5)
    status = tunnel.client.status()
    assert (status["mtu"], status["path_mtu"]) == (1300, None), status
