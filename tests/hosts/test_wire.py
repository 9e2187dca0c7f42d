"""What somebody between sees, and which way packets take."""

import time

from . import addresses
from .capture import Capture, on_port, strangers
from .sentences import sentence
from .tunnel import connected

MARKER = "plain-as-day-" * 8


@sentence("a capture between shows UDP to and from the endpoint and no plaintext, over IPv{outer}", outer=(4, 6), reference=True, suites=True)
def ciphertext_only(lab, outer):
    tunnel = connected(lab, outer=outer)
    with Capture(lab.router, "lan0") as wire, Capture(lab.site, "eth0") as far:
        for inner in (4, 6):
            assert lab.visit("marker", addresses.SITE[inner], MARKER) == {"text": MARKER}
        lab.visit("udp", addresses.SITE[4], "100-110")
    assert far.bytes.count(MARKER.encode()) >= 4, "the marker does not travel as the test believes"
    assert wire.packets and MARKER.encode() not in wire.bytes and b"plain-as-day" not in wire.bytes
    assert not strangers(wire.packets, outer), strangers(wire.packets, outer)[:10]
    assert tunnel.facts.server_key not in str(wire.bytes)


@sentence("with the full tunnel, no packet for anywhere leaves beside it", reference=True, suites=True)
def nothing_beside(lab):
    connected(lab)
    with Capture(lab.router, "lan0") as wire:
        for elsewhere in (*addresses.NOWHERE.values(), "8.8.8.8", "2001:4860:4860::8888", *addresses.ROUTER_SITE.values()):
            lab.laptop.run("ping", "-n", "-c", 2, "-i", 0.05, "-W", 1, elsewhere, code=None)
    assert wire.packets, "nothing was captured"
    assert not strangers(wire.packets, 4), strangers(wire.packets, 4)[:10]


@sentence("with a split tunnel, its networks go through and everything else goes as before", reference=True, suites=True)
def split(lab):
    connected(lab, allowed_ips=["10.66.0.0/24", "fd66::/64", *addresses.SITE_NETWORK.values()])
    with Capture(lab.router, "lan0") as wire:
        for version in (4, 6):
            lab.laptop.run("ping", "-n", "-c1", "-W2", addresses.SITE[version])
            lab.laptop.run("ping", "-n", "-c1", "-W2", addresses.VPS[version])
    beside = strangers(wire.packets, 4)
    assert {packet.destination for packet in beside} >= set(addresses.VPS.values()), beside
    assert not {packet.destination for packet in beside} & set(addresses.SITE.values()), beside


@sentence("what is said to the endpoint's address inside a full tunnel is answered, and the tunnel does not swallow itself", reference=True, suites=True)
def endpoint_does_not_loop(lab):
    connected(lab)
    lab.laptop.run("ping", "-n", "-c3", "-i", 0.05, "-W2", addresses.VPS[4])
    lab.laptop.run("ping", "-n", "-c3", "-i", 0.05, "-W2", addresses.TUNNEL_SERVER[4])


@sentence("the server clamps the TCP segment size that the laptop offers to what fits the tunnel: IPv{inner}", inner=(4, 6), suites=True)
def mss_up(lab, inner):
    tunnel = connected(lab)
    _offer_too_much(lab, tunnel, inner)
    with Capture(lab.site, "eth0") as far:
        lab.visit("address", addresses.SITE[inner])
    offered = [packet.mss for packet in far.packets if packet.is_syn and packet.destination == addresses.SITE[inner]]
    most = _tunnel_mtu(tunnel) - (40 if inner == 4 else 60)
    assert offered and max(offered) <= most, f"offered {offered}, at most {most} fits"


@sentence("the TCP segment size that the website offers is clamped on its way to the laptop: IPv{inner}", inner=(4, 6), suites=True)
def mss_down(lab, inner):
    tunnel = connected(lab)
    with Capture(lab.laptop, tunnel.client.interface) as near, Capture(lab.site, "eth0") as far:
        lab.visit("address", addresses.SITE[inner])
    offered = [packet.mss for packet in near.packets if packet.is_syn and packet.source == addresses.SITE[inner]]
    meant = [packet.mss for packet in far.packets if packet.is_syn and packet.source == addresses.SITE[inner]]
    most = _tunnel_mtu(tunnel) - (40 if inner == 4 else 60)
    assert meant and max(meant) > most, f"the site offers {meant}: nothing to clamp"
    assert offered and max(offered) <= most, f"offered {offered}, at most {most} fits"


def _tunnel_mtu(tunnel):
    interface = tunnel.client.interface
    return int(tunnel.client.host.sh(f"cat /sys/class/net/{interface}/mtu").out)


def _offer_too_much(lab, tunnel, inner):
    """The laptop's own stack is made to offer 1460 (1440), as a host behind it would that knows nothing of the tunnel."""
    lab.laptop.run("ip", f"-{inner}", "route", "add", f"{addresses.SITE[inner]}/{32 if inner == 4 else 128}", "dev", tunnel.client.interface,
                   "advmss", 1460 if inner == 4 else 1440)


@sentence("the laptop is told at once when no peer takes its packet: IPv{inner}", inner=(4, 6))
def no_peer_on_laptop(lab, inner):
    tunnel = connected(lab, allowed_ips=["10.66.0.0/24", "fd66::/64"])
    stray = {4: "10.99.0.1", 6: "fd99::1"}[inner]
    lab.laptop.run("ip", f"-{inner}", "route", "add", stray, "dev", tunnel.client.interface)
    told_at_once(lab.laptop, lab, stray)


@sentence("the server's kernel is told at once when no peer takes its packet: IPv{inner}", inner=(4, 6))
def no_peer_on_server(lab, inner):
    connected(lab)
    told_at_once(lab.vps, lab, {4: "10.66.0.77", 6: "fd66::77"}[inner])


def told_at_once(host, lab, address):
    told = lab.visit("refused", address, 9, host=host)
    assert told["error"] and told["seconds"] < 0.5, told


@sentence("an idle tunnel is silent: no packet in 12 seconds without keepalive", seconds=26, apart=True, reference=True, suites=True)
def silence(lab):
    # With IPv6 inside, the kernel itself would now and then look for routers.
    connected(lab, allowed_ips=["10.66.0.0/24"], client_addresses=["10.66.0.2/32"])
    time.sleep(12)  # a passive keepalive may still be owed
    with Capture(lab.router, "lan0", on_port(addresses.PORT)) as wire:
        time.sleep(12)
    assert not wire.packets, wire.packets
