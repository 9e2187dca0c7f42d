"""NetworkManager and udev, the real ones, beside a connection: named where it takes our interface, and kept off it by our files."""

import pathlib
import re

from .patience import eventually
from .resolvers import BUS, make_own
from .sentences import Skip, sentence
from .test_networkd import judged
from .tunnel import connected

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNPACKED = ROOT / ".deps" / "managers"
PACKAGES = ("network-manager", "libnm0", "libndp0", "libteamdctl0", "libjansson4", "libcurl3-gnutls", "libbluetooth3", "libmm-glib0", "libnewt0.52", "udev")
RULES, KEYFILE = ROOT / "vpn-client" / "90-vpn.rules", ROOT / "vpn-client" / "90-vpn.conf"
LOOK = ("ip -o addr show dev {0} scope global; ip rule; ip -6 rule; ip -o route show table all dev {0}; "
        "ip -6 -o route show table all dev {0} | grep -v fe80")


class NetworkManager:
    """On a bus of its own, beside interfaces that udev's rules were asked about: those of the tree, if `rules`."""

    def __init__(self, host, rules=False, keyfile=False):
        missing = [package for package in PACKAGES if not (UNPACKED / package).is_dir()]
        if missing:
            raise Skip(f"scripts/setup has not unpacked {', '.join(missing)}")
        self.host = host
        host.sh(f"mount -t overlay overlay -o lowerdir={':'.join(str(UNPACKED / package / 'usr') for package in PACKAGES)}:/usr /usr")
        make_own(host, "NetworkManager")
        host.sh("mkdir -p /run/dbus /run/udev/rules.d /run/udev/data /var/lib/NetworkManager && touch /run/udev/control")
        if rules:
            host.write("/run/udev/rules.d/90-vpn.rules", RULES.read_text(), 0o644)
        if keyfile:
            host.write("/etc/NetworkManager/conf.d/90-vpn.conf", KEYFILE.read_text(), 0o644)
        for name in sorted(self.interfaces()):
            host.write(f"/run/udev/data/n{self._index(name)}", f"I:1\n{self._properties(name)}G:systemd\n", 0o644)
        host.write("/etc/NetworkManager/NetworkManager.conf", "[main]\nplugins=keyfile\ndns=none\nauth-polkit=false\n", 0o644)
        host.write("/run/bus.conf", BUS % (UNPACKED / "network-manager/usr/share/dbus-1/system.d/org.freedesktop.NetworkManager.conf"), 0o644)
        host.start("dbus-daemon", "--config-file=/run/bus.conf", "--nofork", "--nopidfile", log="bus")
        eventually("the bus is there", lambda: host.exists("/run/dbus/system_bus_socket"))
        daemon = host.start("/usr/sbin/NetworkManager", "--no-daemon", log="network-manager")
        eventually(f"NetworkManager knows every interface ({daemon.err_path})", lambda: set(self.states()) == self.interfaces(), seconds=30)
        eventually("NetworkManager has settled", lambda: not any("connecting" in state for state in self.states().values()), seconds=30)

    def interfaces(self):
        return set(self.host.run("ls", "/sys/class/net").out.split())

    def _index(self, name):
        return self.host.run("cat", f"/sys/class/net/{name}/ifindex").out.strip()

    def _properties(self, name):
        """What udev's rules say of an interface, as udev would write it down."""
        said = self.host.run(UNPACKED / "udev" / "bin" / "udevadm", "test", "--action=add", f"/sys/class/net/{name}").out
        return "".join(f"E:{each}\n" for each in re.findall(r"^((?:NM|VPN)_\w+=.*)$", said, re.MULTILINE))

    def states(self):
        """Interface -> what nmcli says of it."""
        said = self.host.run("nmcli", "--terse", "--fields", "DEVICE,STATE", "device", code=None)
        return dict(line.split(":", 1) for line in said.out.splitlines()) if said.code == 0 else {}

    def off_and_on(self):
        """Lets go of all that it has, and takes it up again."""
        before = self.states()
        self.host.run("nmcli", "networking", "off")
        eventually("NetworkManager has let go of every link", lambda: not any("connected" in state for state in self.states().values()))
        self.host.run("nmcli", "networking", "on")
        eventually("NetworkManager has taken up what it had", lambda: {name for name, state in self.states().items() if state != "unmanaged"} ==
                   {name for name, state in before.items() if state != "unmanaged"}, seconds=20)


@sentence("`doctor` names a NetworkManager that manages our interface", seconds=8)
def named(lab):
    tunnel = connected(lab)
    manager = NetworkManager(lab.laptop)
    assert manager.states()["laptop"] != "unmanaged", manager.states()
    verdict, said = judged(tunnel, "NetworkManager")
    assert verdict == "fail" and "manages laptop" in said["says"] and "nmcli device set laptop managed no" in said["fix"], said
    lab.laptop.run("nmcli", "device", "set", "laptop", "managed", "no")
    eventually("the fix has mended it", lambda: judged(tunnel, "NetworkManager")[0] == "ok")


@sentence("with our udev rule NetworkManager leaves our interface alone, and no other one; addresses, routes and rules stay when it is switched off and on", seconds=10)
def kept_off(lab):
    tunnel = connected(lab)
    look = LOOK.format("laptop")
    before = lab.laptop.sh(look).out
    manager = NetworkManager(lab.laptop, rules=True)
    assert manager.states()["laptop"] == "unmanaged" and manager.states()["eth0"] != "unmanaged", manager.states()
    verdict, said = judged(tunnel, "NetworkManager")
    assert verdict == "ok", said
    manager.off_and_on()
    assert lab.laptop.sh(look).out == before


@sentence("with our file NetworkManager leaves the server's interface alone, without any help of udev", seconds=8)
def server_kept_off(lab):
    connected(lab)
    look = LOOK.format("vpns")
    before = lab.vps.sh(look).out
    manager = NetworkManager(lab.vps, keyfile=True)
    states = manager.states()
    assert states["vpns"] == "unmanaged" and all(state != "unmanaged" for name, state in states.items() if name != "vpns"), states
    manager.off_and_on()
    assert lab.vps.sh(look).out == before
