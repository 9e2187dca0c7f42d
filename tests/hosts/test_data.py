"""What people do through a tunnel arrives, and comes back."""

from . import addresses
from .lab import PROGRAMS, PYTHON
from .sentences import sentence
from .tunnel import Tunnel, connected

MEGABYTES_100 = 100 * 1000 * 1000


def ping(host, address, *options):
    return host.run("ping", "-n", "-c", 3, "-i", 0.05, "-W", 2, *options, address)


@sentence("the laptop pings the server inside the tunnel: IPv{inner} over IPv{outer}", inner=(4, 6), outer=(4, 6), reference=True, suites=True)
def ping_server(lab, inner, outer):
    connected(lab, outer=outer)
    ping(lab.laptop, addresses.TUNNEL_SERVER[inner])


@sentence("the server pings the laptop inside the tunnel: IPv{inner}", inner=(4, 6), reference=True, suites=True)
def ping_laptop(lab, inner):
    connected(lab)
    ping(lab.vps, addresses.TUNNEL_CLIENT[inner])


@sentence("the laptop pings the website through the tunnel: IPv{inner} over IPv{outer}", inner=(4, 6), outer=(4, 6), reference=True, suites=True)
def ping_site(lab, inner, outer):
    assert lab.laptop.run("ping", "-c1", "-W1", addresses.SITE[inner], code=None).code != 0, "the lab shows the site to everybody"
    connected(lab, outer=outer)
    ping(lab.laptop, addresses.SITE[inner])


@sentence("the website sees the VPS's IPv{inner} address, not the laptop's", inner=(4, 6), reference=True, suites=True)
def site_sees_vps(lab, inner):
    connected(lab)
    assert lab.visit("address", addresses.SITE[inner]) == {"address": addresses.VPS[inner]}


@sentence("100 MB come down unharmed: TCP over IPv{inner} over IPv{outer}", inner=(4, 6), outer=(4, 6), seconds=6, reference=True, suites=True)
def download(lab, inner, outer):
    connected(lab, outer=outer)
    got = lab.visit("get", addresses.SITE[inner], MEGABYTES_100)
    assert got["right"], got


@sentence("100 MB go up unharmed: TCP over IPv{inner} over IPv{outer}", inner=(4, 6), outer=(4, 6), seconds=6, reference=True, suites=True)
def upload(lab, inner, outer):
    connected(lab, outer=outer)
    sent = lab.visit("put", addresses.SITE[inner], MEGABYTES_100)
    assert sent["right"], sent


@sentence("datagrams of every size from 0 to 2000 bytes, and some huge ones, are echoed: IPv{inner}", inner=(4, 6), reference=True, suites=True)
def datagrams(lab, inner):
    connected(lab)
    echoed = lab.visit("udp", addresses.SITE[inner], "0-2000", 4000, 9000, 30000, 65000)
    assert echoed == {"lost": []}, echoed


@sentence("pings of 1 byte to 60,000 bytes cross the tunnel: IPv{inner}", inner=(4, 6), reference=True, suites=True)
def large_pings(lab, inner):
    connected(lab)
    for size in (1, 100, 1391, 1392, 1393, 8000, 60000):
        ping(lab.laptop, addresses.TUNNEL_SERVER[inner], "-s", size)


@sentence("a DNS server behind the VPS answers through the tunnel: over IPv{inner}", inner=(4, 6), reference=True, suites=True)
def dns(lab, inner):
    connected(lab)
    server = addresses.SITE[inner]
    assert lab.visit("dns", server, "which.test", "TXT") == {"answer": "site"}
    assert lab.visit("dns", server, "www.test", "A") == {"answer": addresses.SITE[4]}
    assert lab.visit("dns", server, "www.test", "AAAA") == {"answer": addresses.SITE[6]}


@sentence("a laptop behind a home router's NAT reaches the website over IPv{outer}", outer=(4, 6), reference=True, suites=True)
def behind_nat(lab, outer):
    lab.nat()
    connected(lab, outer=outer)
    ping(lab.laptop, addresses.SITE[4])
    ping(lab.laptop, addresses.SITE[6])


@sentence("two transfers at a time, one each way, arrive unharmed", seconds=8, reference=True, suites=True)
def both_ways(lab):
    connected(lab)
    up = lab.laptop.start(*PYTHON, PROGRAMS / "visitor.py", "put", addresses.SITE[4], MEGABYTES_100, log="upload")
    down = lab.visit("get", addresses.SITE[6], MEGABYTES_100)
    assert up.wait(60) == 0 and '"right": true' in up.out, up.out + up.err
    assert down["right"], down
