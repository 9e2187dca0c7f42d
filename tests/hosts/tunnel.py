"""A tunnel between laptop and VPS: the facts that both ends are made from, and who plays which end."""

import contextlib
import dataclasses
import re
import signal

from . import addresses
from .ours import OurClient, OurServer
from .patience import eventually
from .sentences import is_reference
from .wireguard import WireguardClient, WireguardServer, genkey

OURS = "ours"
WIREGUARD_GO = "wireguard-go"


@dataclasses.dataclass
class Facts:
    """What both ends have to agree on."""

    outer: int = 4
    psk: str | None = None
    suite: str | None = None
    allowed_ips: list = dataclasses.field(default_factory=lambda: list(addresses.EVERYWHERE))
    keepalive: int = 0
    endpoint: str | None = None
    dns: list = dataclasses.field(default_factory=list)
    lock: bool = False
    local_networks: list = dataclasses.field(default_factory=list)
    server_key: str = dataclasses.field(default_factory=genkey)
    client_key: str = dataclasses.field(default_factory=genkey)
    server_addresses: list = dataclasses.field(default_factory=lambda: [f"{addresses.TUNNEL_SERVER[4]}/24", f"{addresses.TUNNEL_SERVER[6]}/64"])
    client_addresses: list = dataclasses.field(default_factory=lambda: [f"{addresses.TUNNEL_CLIENT[4]}/32", f"{addresses.TUNNEL_CLIENT[6]}/128"])

    def __post_init__(self):
        self.endpoint = self.endpoint or addresses.host_port(addresses.VPS[self.outer], addresses.PORT)


class Tunnel:
    """A server and a client of the chosen kinds, made and not yet started."""

    def __init__(self, lab, server=OURS, client=OURS, psk=False, **facts):
        self.facts = Facts(psk=genkey() if psk else None, **{"suite": lab.suite, **facts})
        if is_reference():
            server = client = WIREGUARD_GO
        self.server = {OURS: OurServer, WIREGUARD_GO: WireguardServer}[server](lab.vps, self.facts)
        self.client = {OURS: OurClient, WIREGUARD_GO: WireguardClient}[client](lab.laptop, self.facts)

    def up(self):
        """Starts the server, then the client, until an answer came through."""
        self.server.up()
        self.client.up()
        return self


def connected(lab, **choices):
    """A tunnel that stands."""
    return Tunnel(lab, **choices).up()


class Pings:
    """A continuous ping; `lost` tells what got no answer."""

    def __init__(self, host, address, every=0.05):
        self.every = every
        self._process = host.start("ping", "-n", "-i", f"{every:g}", "-s", "64", address, log=f"ping-{address.replace(':', '.')}")
        self.sent = self.received = 0

    @property
    def answered(self):
        """The sequence numbers that were answered until now."""
        return {int(number) for number in re.findall(r"icmp_seq=(\d+) ttl=", self._process.out)}

    @property
    def milliseconds(self):
        """How long the answers took until now, the quickest first."""
        return sorted(float(number) for number in re.findall(r" time=([\d.]+) ms", self._process.out))

    @property
    def overtaken(self):
        """Those without an answer although a later one has its own: lost, and not just on their way."""
        return sorted(set(range(1, max(self.answered) + 1)) - self.answered)

    @property
    def duplicates(self):
        """How many answers came twice."""
        return self._process.out.count("DUP!")

    def stop(self):
        self._process.stop(signal.SIGINT)
        self.sent, self.received = map(int, re.search(r"(\d+) packets transmitted, (\d+) received", self._process.out).groups())
        return self

    @property
    def lost(self):
        """How many got no answer; the last one may still be on its way."""
        return max(0, self.sent - self.received - 1)

    @property
    def longest_silence(self):
        """Seconds of the longest run of unanswered pings, by their numbers; for a stopped ping."""
        numbers = [0, *sorted(self.answered), self.sent + 1]
        return max(later - earlier - 1 for earlier, later in zip(numbers, numbers[1:])) * self.every


@contextlib.contextmanager
def pinging(host, address, every=0.05):
    """Pings while the context lasts, having seen a first answer."""
    pings = Pings(host, address, every)
    eventually(f"a first answer from {address}", lambda: pings.answered)
    yield pings
    pings.stop()
