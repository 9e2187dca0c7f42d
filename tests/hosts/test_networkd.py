"""systemd's networkd, the real one, beside a connection: named where it takes our interface, and kept off it by our drop-in."""

import json
import os
import pathlib

from .patience import eventually
from .sentences import Skip, sentence
from .tunnel import Tunnel, connected

NETWORKD = "/lib/systemd/systemd-networkd"
DROP_IN = pathlib.Path(__file__).resolve().parents[2] / "vpn-client" / "10-vpn.network"
TAKES_ALL = "[Match]\nName=*\n[Network]\nLinkLocalAddressing=no\nKeepConfiguration=yes\n"


class Networkd:
    """It runs on a host without udev: what udev would have said of each interface is written for it."""

    def __init__(self, host, marked=None):
        if not os.path.exists(NETWORKD):
            raise Skip("there is no systemd-networkd")
        self.host = host
        for name in filter(None, ("lo", "eth0", marked)):
            properties = "E:VPN_INTERFACE=1\n" if name == marked else ""
            host.write(f"/run/udev/data/n{self._index(name)}", f"I:1\n{properties}G:systemd\n", 0o644)
        host.write("/run/systemd/network/50-all.network", TAKES_ALL, 0o644)
        host.start(NETWORKD, log="networkd", environment={"SYSTEMD_LOG_LEVEL": "debug"})
        eventually("networkd manages eth0", lambda: self.state("eth0") == "configured", seconds=10)

    def _index(self, name):
        return self.host.run("cat", f"/sys/class/net/{name}/ifindex").out.strip()

    def state(self, name):
        """What it says of an interface; empty if nothing yet."""
        path = f"/run/systemd/netif/links/{self._index(name)}"
        lines = self.host.read(path).splitlines() if self.host.exists(path) else []
        return next((line.partition("=")[2] for line in lines if line.startswith("ADMIN_STATE=")), "")


def judged(tunnel, manager="networkd"):
    """What `doctor` says of a manager of the machine's network: the verdict, and the whole."""
    report = json.loads(tunnel.client.command("doctor", "laptop", "--json", code=None).out)
    (said,) = (each for each in report["checks"] if each["check"] == manager)
    return said["verdict"], said


@sentence("`doctor` names a systemd-networkd that manages our interface", seconds=5)
def named(lab):
    tunnel = connected(lab)
    networkd = Networkd(lab.laptop, "laptop")
    eventually("networkd takes our interface", lambda: networkd.state("laptop") not in ("", "pending", "initialized"))
    verdict, said = judged(tunnel)
    assert verdict == "fail" and "manages laptop" in said["says"] and "Unmanaged=yes" in said["fix"], said


@sentence("with our drop-in systemd-networkd leaves a marked interface alone, its addresses, routes and rules stay, and `doctor` is content", seconds=5)
def kept_off(lab):
    tunnel = connected(lab)
    laptop = lab.laptop
    laptop.write("/run/systemd/network/10-vpn.network", DROP_IN.read_text(), 0o644)
    look = "ip -o addr show dev laptop; ip rule; ip -6 rule; ip -o route show table all dev laptop; ip -6 -o route show table all dev laptop"
    before = laptop.sh(look).out
    networkd = Networkd(laptop, "laptop")
    eventually("networkd has looked at our interface", lambda: networkd.state("laptop") not in ("", "pending", "initialized"))
    assert networkd.state("laptop") == "unmanaged"
    assert laptop.sh(look).out == before
    verdict, said = judged(tunnel)
    assert verdict == "ok", said


@sentence("before connecting, `doctor` warns of a .network file that would take our interface, but not where our drop-in comes before it", seconds=6)
def before_connecting(lab):
    tunnel = Tunnel(lab)
    tunnel.server.up()
    tunnel.client.write()
    Networkd(lab.laptop)
    verdict, said = judged(tunnel)
    assert verdict == "warn" and "50-all.network speaks of laptop" in said["says"], said
    lab.laptop.write("/run/systemd/network/10-vpn.network", DROP_IN.read_text(), 0o644)
    verdict, said = judged(tunnel)
    assert verdict == "ok", said
