"""Two hosts and a wire between, and whose tunnel runs over it."""

import contextlib
import os
import pathlib

from hosts import addresses
from hosts.host import Host
from hosts.ours import SERVER, OurClient, OurServer
from hosts.tunnel import Facts
from hosts.wireguard import WireguardClient, WireguardServer

ROOT = pathlib.Path(__file__).resolve().parents[2]
NEAR, FAR = "192.0.2.2", "192.0.2.1"
# Whose program plays both ends.
PEERS = {
    "ours": SERVER,
    "newest": ROOT / ".deps" / "wireguard-go" / "wireguard-go",
    "stable": pathlib.Path("/usr/bin/wireguard-go"),
}


class Pair(contextlib.ExitStack):
    """A near and a far host, joined by a veth pair, with a tunnel of one kind over it. What is measured runs from near to far."""

    def __init__(self, directory, peer):
        super().__init__()
        try:
            self.near, self.far = (self.enter_context(Host(name, directory)) for name in ("near", "far"))
            self.near.ip(f"link add eth0 type veth peer name eth0 netns {self.far.pid}")
            for host, address in ((self.near, NEAR), (self.far, FAR)):
                host.ip(f"addr add {address}/24 dev eth0", "link set eth0 up")
            facts = Facts(endpoint=addresses.host_port(FAR, addresses.PORT), allowed_ips=["10.66.0.0/24"], client_addresses=["10.66.0.2/32"])
            self._server, self._client = self._ends(peer, facts)
            self._server.up()
            self._client.up()
        except BaseException:
            self.close()
            raise

    def _ends(self, peer, facts):
        if peer == "ours":
            server = OurServer(self.far, facts)
            server.changes = {"nat": False, "host_services": ["*"]}
            return server, OurClient(self.near, facts)
        return WireguardServer(self.far, facts, str(PEERS[peer])), WireguardClient(self.near, facts, str(PEERS[peer]))

    @property
    def pids(self):
        """The processes that carry the tunnel, both ends."""
        return [*self._server.pids, *self._client.pids]

    def cpu_seconds(self):
        """What the tunnel's processes have used so far."""
        ticks = 0
        for pid in self.pids:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def peak_memory(self):
        """MiB that the larger of the two ends ever held."""
        def peak(pid):
            status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
            return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
        return max(map(peak, self.pids))
