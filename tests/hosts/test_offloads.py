"""Many packets at once, or one by one where a link or a file wants it so; and the marks of congested routers."""

from . import addresses
from .sentences import sentence
from .test_data import MEGABYTES_100, ping
from .tunnel import Tunnel, connected

LINKS = {
    "links without UDP segmentation and GRO": ("tx-udp-segmentation", "off", "gro", "off"),
    "links without checksumming": ("tx", "off"),
    "links without receive checksumming and GRO": ("rx", "off", "gro", "off"),
}


def transfers(lab):
    for version in (4, 6):
        down = lab.visit("get", addresses.SITE[version], MEGABYTES_100)
        up = lab.visit("put", addresses.SITE[version], MEGABYTES_100)
        assert down["right"] and up["right"], (down, up)
    echoed = lab.visit("udp", addresses.SITE[4], "0-1500", 4000, 65000)
    assert echoed == {"lost": []}, echoed


@sentence("with offloads off in {whose} everything arrives", whose=("the client's file", "the server's file", "both files"), seconds=15, suites=True)
def off_in_files(lab, whose):
    tunnel = Tunnel(lab)
    for end, name in ((tunnel.server, "server"), (tunnel.client, "client")):
        config = end.config()
        if name in whose or "both" in whose:
            config["interface"]["offloads"] = False
        end.write(config)
    tunnel.up()
    header = {end: "vnet_hdr on" in end.host.run("ip", "-d", "link", "show", end.interface).out for end in (tunnel.server, tunnel.client)}
    assert header == {tunnel.server: whose == "the client's file", tunnel.client: whose == "the server's file"}, header
    transfers(lab)


@sentence("over {links} everything arrives", links=tuple(LINKS), seconds=15, suites=True)
def poor_links(lab, links):
    for host, name in ((lab.laptop, "eth0"), (lab.router, "lan0"), (lab.router, "vps0"), (lab.vps, "eth0")):
        host.run("ethtool", "-K", name, *LINKS[links])
    connected(lab)
    transfers(lab)


@sentence("a path whose MTU shrinks to 1280 under a transfer costs nothing but time", seconds=8, suites=True)
def shrinking(lab):
    connected(lab)
    assert lab.visit("get", addresses.SITE[4], 1_000_000)["right"]
    lab.narrow(1280)
    for version in (4, 6):
        assert lab.visit("get", addresses.SITE[version], 20_000_000)["right"]
        assert lab.visit("put", addresses.SITE[version], 20_000_000)["right"]


def count(host, table):
    """Packets that the one counter of a table saw."""
    return int(host.run("nft", "list", "table", "inet", table).out.partition("packets ")[2].split()[0])


MARKING = "table inet marking {{\n chain forward {{ type filter hook forward priority 0; udp dport 51820 ip{six} ecn set ce; }}\n}}\n"
COUNTING = "table inet seen {{\n chain {hook} {{ type filter hook {hook} priority -500; {match} counter; }}\n}}\n"


@sentence("an inner mark is seen on the wire, and a router's mark inside: IPv{inner} over IPv{outer}", inner=(4, 6), outer=(4, 6), suites=True)
def marks(lab, inner, outer):
    connected(lab, outer=outer)
    ip_out, ip_in = (("ip" if version == 4 else "ip6") for version in (outer, inner))
    lab.router.nft(COUNTING.format(hook="prerouting", match=f"udp dport 51820 {ip_out} ecn ect1"))
    lab.vps.nft(COUNTING.format(hook="input", match=f'iifname "vpns" {ip_in} ecn ce'))
    ping(lab.laptop, addresses.TUNNEL_SERVER[inner], "-Q", 1)
    assert count(lab.router, "seen") >= 3 and count(lab.vps, "seen") == 0
    lab.router.nft(MARKING.format(six="" if outer == 4 else "6"))
    ping(lab.laptop, addresses.TUNNEL_SERVER[inner], "-Q", 1)
    assert count(lab.vps, "seen") >= 3


@sentence("a marked packet whose sender knows no marks is dropped, and counted")
def marks_unheard(lab):
    tunnel = connected(lab)
    lab.router.nft(MARKING.format(six=""))
    assert lab.laptop.run("ping", "-n", "-c", 3, "-i", 0.05, "-W", 1, addresses.TUNNEL_SERVER[4], code=None).code != 0
    assert tunnel.server.drops()["congested"] >= 3, tunnel.server.drops()
