"""Three hosts in a row, and whose tunnel runs over the first of the two wires between them.

    near eth0 ------ eth1 far eth0 ------ eth0 site

The far host plays the server, and masquerades what leaves it for the site. The site knows the far host and nobody else: a packet
with an address from inside the tunnel would get no answer from it.
"""

import contextlib

from hosts import addresses
from hosts.host import Host
from hosts.tunnel import Facts

from .peers import PEERS

NEAR, FAR = addresses.LAPTOP[4], addresses.ROUTER_LAN[4]
FAR_TO_SITE, SITE = addresses.ROUTER_SITE[4], addresses.SITE[4]
SITE_NETWORK = addresses.SITE_NETWORK[4]

MASQUERADE = 'table inet bench {\n chain out { type nat hook postrouting priority srcnat; oifname "eth0" masquerade; }\n}\n'

# What is taken from both ends of both wires: a veth pair carries super-packets over, as no cable does.
LINKS = {
    "plain": [],
    "no-gso": ["tx-udp-segmentation", "off", "gro", "off"],
    "no-checksum": ["tx", "off"],
}


class Network(contextlib.ExitStack):
    """The three hosts, wired, with a tunnel of one kind that stands. Leaving the context ends everything."""

    def __init__(self, directory, peer, link="plain", offloads=None):
        super().__init__()
        self._peer = PEERS[peer]
        self._ends = []
        try:
            self.near, self.far, self.site = (self.enter_context(Host(name, directory)) for name in ("near", "far", "site"))
            self._wire(self.near, NEAR, "eth1", FAR, LINKS[link])
            self._wire(self.site, SITE, "eth0", FAR_TO_SITE, LINKS[link])
            if not self._peer.brings_nat:
                self.far.sysctl(ipv4__ip_forward=1)
                self.far.nft(MASQUERADE)
            facts = Facts(endpoint=addresses.host_port(FAR, addresses.PORT), allowed_ips=[addresses.TUNNEL_NETWORK[4], SITE_NETWORK],
                          client_addresses=[f"{addresses.TUNNEL_CLIENT[4]}/32"])
            self._ends = self._peer.ends(self.near, self.far, facts, offloads)
            for end in self._ends:
                end.up()
        except BaseException:
            self.close()
            raise

    def _wire(self, host, address, far_name, far_address, features):
        """A veth pair from a host's eth0 to the far host."""
        host.ip(f"link add eth0 type veth peer name {far_name} netns {self.far.pid}")
        for end, name, own in ((host, "eth0", address), (self.far, far_name, far_address)):
            end.ip(f"addr add {own}/24 dev {name}", f"link set {name} up")
            if features:
                end.run("ethtool", "-K", name, *features)

    @property
    def far_address(self):
        """Where the near host reaches the far one, through the tunnel if there is one."""
        return self._peer.far_address

    @property
    def pids(self):
        """The processes that carry the tunnel, both ends."""
        return [pid for end in self._ends for pid in end.pids]
