"""Who is measured: programs that play both ends of a tunnel, and nobody, which leaves the bare wire."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable

from hosts import addresses
from hosts.ours import SERVER, OurClient, OurServer
from hosts.wireguard import WireguardClient, WireguardServer

from . import openvpn

ROOT = pathlib.Path(__file__).resolve().parents[2]
NEWEST, STABLE = ROOT / ".deps" / "wireguard-go" / "wireguard-go", pathlib.Path("/usr/bin/wireguard-go")


def ours(suite, near, far, facts, offloads):
    """Our programs, in one suite. `offloads` is written to both files when somebody asked for it; None leaves the programs their default."""
    facts = dataclasses.replace(facts, suite=suite)
    server, client = OurServer(far, facts), OurClient(near, facts)
    server.changes = {"nat": "eth0", "host_services": ["*"]}
    for end in (server, client):
        config = end.config()
        if offloads is not None:
            config["interface"]["offloads"] = offloads
        end.write(config)
    return [server, client]


def wireguard_go(program, near, far, facts, _):
    return [WireguardServer(far, facts, str(program)), WireguardClient(near, facts, str(program))]


def open_vpn(near, far, facts, _):
    credentials = openvpn.generate(far)
    return [openvpn.Server(far, facts, credentials), openvpn.Client(near, facts, credentials)]


class BareWire:
    """No tunnel: the near host sends to the site by way of the far host, and to the far host itself."""

    pids = []

    def __init__(self, near):
        self._near = near

    def up(self):
        self._near.ip(f"route add {addresses.SITE_NETWORK[4]} via {addresses.ROUTER_LAN[4]}")


@dataclasses.dataclass(frozen=True)
class Peer:
    """`ends` makes the server on the far host and the client on the near one, in the order in which they are to start."""

    program: pathlib.Path | None
    ends: Callable
    brings_nat: bool = False
    far_address: str = addresses.TUNNEL_SERVER[4]

    @property
    def is_here(self):
        return self.program is None or self.program.exists()


PEERS = {
    "ours": Peer(SERVER, functools.partial(ours, "wireguard"), brings_nat=True),
    "hybrid": Peer(SERVER, functools.partial(ours, "hybrid"), brings_nat=True),
    "newest": Peer(NEWEST, functools.partial(wireguard_go, NEWEST), brings_nat=True),
    "stable": Peer(STABLE, functools.partial(wireguard_go, STABLE), brings_nat=True),
    "openvpn": Peer(openvpn.PROGRAM, open_vpn),
    "none": Peer(None, lambda near, far, facts, offloads: [BareWire(near)], far_address=addresses.ROUTER_LAN[4]),
}
