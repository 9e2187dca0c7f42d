"""Four hosts: laptop - router - vps, and a website that the router shows to the VPS's side only.

    laptop eth0 ------ lan0 router vps0 ------ eth0 vps
           wlan0 ---- cafe0 router site0 ----- eth0 site

The router is the internet, and the wire between: captures are taken there. A packet from the laptop to the website's
network is refused by the router, so what reaches the site came through the VPS.
"""

import contextlib
import json
import pathlib
import subprocess

from . import addresses
from .host import Host
from .patience import eventually

PROGRAMS = pathlib.Path(__file__).parent / "programs"
PYTHON = ["/usr/bin/python3", "-S", "-u"]

# Somebody's own table on a machine: whoever flushes what is not theirs is found out.
OWNERS_TABLE = """
table inet owners {
    chain input { type filter hook input priority 10; policy accept; tcp dport 9 drop; }
}
"""

NAT = """
table ip nat {
    chain out { type nat hook postrouting priority srcnat; oifname "vps0" %s; }
}
table ip6 nat {
    chain out { type nat hook postrouting priority srcnat; oifname "vps0" %s; }
}
"""


class Lab(contextlib.ExitStack):
    """The hosts, wired and addressed. Leaving the context ends them all."""

    suite = None

    def __init__(self, directory):
        super().__init__()
        self.directory = pathlib.Path(directory)
        try:
            names = ("laptop", "router", "vps", "site")
            self.laptop, self.router, self.vps, self.site = (self.enter_context(Host(name, directory)) for name in names)
            self._wire()
            self._people_the_site()
        except BaseException:
            self.close()
            raise

    @property
    def hosts(self):
        return [self.laptop, self.router, self.vps, self.site]

    def _link(self, host, name, other, other_name):
        """A veth pair between two hosts, made in place: it never exists on the machine."""
        host.ip(f"link add {name} type veth peer name {other_name} netns {other.pid}")

    def _wire(self):
        for host in self.hosts:  # addresses are nobody else's: no second spent on asking
            host.sysctl(ipv6__conf__all__accept_dad=0, ipv6__conf__default__accept_dad=0)
        for host, name, end in ((self.laptop, "eth0", "lan0"), (self.vps, "eth0", "vps0"), (self.site, "eth0", "site0")):
            self._link(host, name, self.router, end)
        for host in (self.laptop, self.vps):
            host.nft(OWNERS_TABLE)
        a = addresses
        self.router.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
        self.router.ip(*_up("lan0", a.ROUTER_LAN), *_up("vps0", a.ROUTER_VPS), *_up("site0", a.ROUTER_SITE))
        self._hide_site_from("lan0")
        self.laptop.ip(*_up("eth0", a.LAPTOP), *_defaults("eth0", a.ROUTER_LAN))
        self.vps.ip(*_up("eth0", a.VPS), *_defaults("eth0", a.ROUTER_VPS))
        self.site.ip(*_up("eth0", a.SITE), *_defaults("eth0", a.ROUTER_SITE))

    def _hide_site_from(self, interface):
        for version, network in addresses.SITE_NETWORK.items():
            self.router.run("ip", f"-{version}", "rule", "add", "iif", interface, "to", network, "prohibit")

    def _people_the_site(self):
        self.site.start(*PYTHON, PROGRAMS / "website.py", log="website")
        self.router.start(*PYTHON, PROGRAMS / "website.py", "--dns-only", log="dns")
        self.laptop.write("/etc/resolv.conf", f"nameserver {addresses.ROUTER_LAN[4]}\n", 0o644)
        self.vps.write("/etc/resolv.conf", f"nameserver {addresses.SITE[4]}\n", 0o644)
        for host in (self.site, self.router):
            eventually(f"{host.name} is ready", lambda host=host: ":53 " in host.run("ss", "-lun").out)
        eventually("the website is open", lambda: ":80 " in self.site.run("ss", "-ltn").out)

    def narrow(self, mtu):
        """The laptop's link carries no more than this, and both its ends know."""
        self.laptop.ip(f"link set eth0 mtu {mtu}")
        self.router.ip(f"link set lan0 mtu {mtu}")

    def nat(self):
        """Puts the laptop behind the router's address, as at home."""
        self.router.nft(NAT % ("masquerade", "masquerade"))

    def change_mapping(self):
        """The home router forgets its mappings and leaves by another address from now on."""
        for version in (4, 6):
            length = 24 if version == 4 else 64
            self.router.run("ip", "addr", "add", f"{addresses.ROUTER_VPS_OTHER[version]}/{length}", "dev", "vps0",
                            *(["nodad"] if version == 6 else []))
        self.router.nft("flush ruleset\n" + NAT % tuple(f"snat to {addresses.ROUTER_VPS_OTHER[version]}" for version in (4, 6)))
        self.router.run(*PYTHON, PROGRAMS / "forget_connections.py")

    def open_cafe(self):
        """A second network for the laptop: a link `wlan0` that is up and addressed, without a default route."""
        self._link(self.laptop, "wlan0", self.router, "cafe0")
        self.router.ip(*_up("cafe0", addresses.ROUTER_CAFE, 25))
        self._hide_site_from("cafe0")
        self.laptop.ip(*_up("wlan0", addresses.CAFE, 25))

    def move_to_cafe(self):
        """The laptop loses its first network and goes on through the second."""
        self.laptop.ip("link set eth0 down", *_defaults("wlan0", addresses.ROUTER_CAFE))

    def relay(self, *options, version=4, port=51821):
        """A relay on the router that impairs what passes, and its address: an endpoint for clients."""
        listen, to = addresses.ROUTER_LAN[version], addresses.VPS[version]
        started = self.router.start(*PYTHON, PROGRAMS / "relay.py", "--listen", addresses.host_port(listen, port),
                                    "--to", addresses.host_port(to, addresses.PORT), *options, log="relay", stdin=subprocess.PIPE)
        eventually("the relay listens", lambda: f":{port} " in self.router.run("ss", "-lun").out)
        return started, addresses.host_port(listen, port)

    def visit(self, *words, host=None, timeout=60.0):
        """Lets the laptop (or another host) do something at a site: the last line of the visitor's output, parsed."""
        done = (host or self.laptop).run(*PYTHON, PROGRAMS / "visitor.py", *words, timeout=timeout)
        return json.loads(done.out.strip().splitlines()[-1])

    def routes_advertised(self, seconds=600):
        """The router advertises itself to the VPS's link, once."""
        self.router.run(*PYTHON, PROGRAMS / "advertise.py", "vps0", seconds)


def _up(interface, address, length=24):
    return [f"addr add {address[4]}/{length} dev {interface}", f"addr add {address[6]}/64 dev {interface} nodad", f"link set {interface} up"]


def _defaults(interface, gateway):
    return [f"route add default via {gateway[4]} dev {interface}", f"route add default via {gateway[6]} dev {interface}"]
