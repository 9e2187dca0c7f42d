"""Other people's firewalls on a host, of Debian's own parts: the rules that dockerd makes, by iptables; ufw; firewalld on a bus of
its own. scripts/setup unpacks them beside the build, and a host sees them in its /usr; none is installed on the machine."""

import pathlib

from .patience import eventually
from .resolvers import BUS, make_own
from .sentences import Skip

PYTHON = "/usr/bin/python3"  # Debian's, which knows where Debian keeps its modules
UNPACKED = pathlib.Path(__file__).resolve().parents[2] / ".deps" / "firewalls"
BRIDGE = "172.17.0.1"
CONTAINER = "172.17.0.2"


def unpacked(host, *packages):
    """The host's /usr and /lib with these packages in them."""
    roots = [UNPACKED / package for package in packages]
    missing = [root.name for root in roots if not root.is_dir()]
    if missing:
        raise Skip(f"scripts/setup has not unpacked {', '.join(missing)}")
    host.sh(f"mount -t overlay overlay -o lowerdir={':'.join(str(root / 'usr') for root in roots)}:/usr /usr")


def with_iptables(host, *packages, kind="nft"):
    """iptables of one kind, nft or legacy, under its own names."""
    unpacked(host, "iptables", "libip4tc2", "libip6tc2", *packages)
    names = "iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore"
    host.sh(f"mkdir /run/names && for name in {names}; do ln -s /usr/sbin/xtables-{kind}-multi /run/names/$name; done\n"
            "mount -t overlay overlay -o lowerdir=/run/names:/usr/sbin /usr/sbin")


class Docker:
    """The rules that dockerd 24 makes for its bridge, in its order, and a container behind it that nobody is to reach."""

    def __init__(self, host):
        self.host = host
        with_iptables(host)
        host.ip("link add docker0 type bridge", f"addr add {BRIDGE}/16 dev docker0", "link set docker0 up",
                "link add veth0 type veth peer name veth1", "link set veth0 master docker0 up", "link set veth1 up",
                f"neigh replace {CONTAINER} lladdr 02:00:00:00:00:02 dev docker0")
        host.sysctl(ipv4__ip_forward=1)
        for version in ("iptables", "ip6tables"):
            self._rules(version)

    def _rules(self, iptables):
        lines = ["-N DOCKER", "-N DOCKER-ISOLATION-STAGE-1", "-N DOCKER-ISOLATION-STAGE-2",
                 "-I FORWARD -i docker0 -o docker0 -j ACCEPT", "-I FORWARD -i docker0 ! -o docker0 -j ACCEPT", "-I FORWARD -o docker0 -j DOCKER",
                 "-I FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-I FORWARD -j DOCKER-ISOLATION-STAGE-1",
                 "-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2", "-A DOCKER-ISOLATION-STAGE-1 -j RETURN",
                 "-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP", "-A DOCKER-ISOLATION-STAGE-2 -j RETURN",
                 "-N DOCKER-USER", "-A DOCKER-USER -j RETURN", "-I FORWARD -j DOCKER-USER", "-P FORWARD DROP"]
        self.host.sh("\n".join(f"{iptables} -w {line}" for line in lines))
        if iptables == "iptables":
            self.host.sh("iptables -w -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE")

    def rules(self):
        """As iptables lists them, counters left out. Fails if it can't read its table any more."""
        return {version: self.host.run(version, "-S").out for version in ("iptables", "ip6tables")}

    def restart_user_chain(self):
        """Somebody flushes DOCKER-USER, as firewall scripts do."""
        self.host.sh("for version in iptables ip6tables; do $version -w -F DOCKER-USER; $version -w -A DOCKER-USER -j RETURN; done")


class LegacyFirewall:
    """iptables-legacy, whose tables nft does not see, with rules as each version's program takes them."""

    VERSIONS = {4: "iptables-legacy", 6: "ip6tables-legacy"}
    # Those that dockerd 28 makes for its bridge.
    DOCKER = ("-P FORWARD DROP", "-N DOCKER", "-N DOCKER-BRIDGE", "-N DOCKER-CT", "-N DOCKER-FORWARD", "-N DOCKER-ISOLATION-STAGE-1",
              "-N DOCKER-ISOLATION-STAGE-2", "-N DOCKER-USER", "-A FORWARD -j DOCKER-USER", "-A FORWARD -j DOCKER-FORWARD",
              "-A DOCKER ! -i docker0 -o docker0 -j DROP", "-A DOCKER-BRIDGE -o docker0 -j DOCKER",
              "-A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
              "-A DOCKER-FORWARD -j DOCKER-CT", "-A DOCKER-FORWARD -j DOCKER-ISOLATION-STAGE-1", "-A DOCKER-FORWARD -j DOCKER-BRIDGE",
              "-A DOCKER-FORWARD -i docker0 -j ACCEPT",
              "-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2",
              "-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP")

    def __init__(self, host):
        self.host = host
        unpacked(host, "iptables", "libip4tc2", "libip6tc2")

    def rules(self, *rules, versions=(4, 6)):
        self.host.sh("\n".join(f"{self.VERSIONS[version]} {rule}" for version in versions for rule in rules))

    def tables(self):
        """Those that the kernel has."""
        return self.host.run("cat", "/proc/net/ip_tables_names", "/proc/net/ip6_tables_names").out.split()


class Ufw:
    """ufw, enabled with its defaults: nothing in, nothing forwarded."""

    def __init__(self, host, kind="nft"):
        self.host = host
        with_iptables(host, "ufw", kind=kind)
        host.sh(f"mount -t overlay overlay -o lowerdir={UNPACKED}/ufw/lib:/usr/lib /usr/lib")
        make_own(host, "ufw")
        make_own(host, "default")
        host.sh(f"cp -r {UNPACKED}/ufw/etc/ufw/. /usr/share/ufw/iptables/*.rules /usr/share/ufw/ufw.conf /etc/ufw/\n"
                f"cp {UNPACKED}/ufw/etc/default/ufw /etc/default/ && : > /etc/ufw/sysctl.conf")
        self.run("--force", "enable")

    def run(self, *words):
        return self.host.run(PYTHON, "/usr/sbin/ufw", *words)


class Firewalld:
    """firewalld on a bus of its own, with Debian's configuration; eth0 is in a zone that is not the default one."""

    PACKAGES = ("firewalld", "python3-firewall", "python3-dbus", "python3-gi", "python3-nftables", "python3-cap-ng", "gir1.2-glib-2.0",
                "libgirepository-1.0-1", "libglib2.0-0")

    def __init__(self, host):
        self.host = host
        with_iptables(host, *self.PACKAGES)
        make_own(host, "firewalld")
        host.sh(f"cp -r {UNPACKED}/firewalld/etc/firewalld/. /etc/firewalld/ && mkdir -p /run/dbus")
        host.write("/run/bus.conf", BUS % (UNPACKED / "firewalld/usr/share/dbus-1/system.d/FirewallD.conf"), 0o644)
        host.start("dbus-daemon", "--config-file=/run/bus.conf", "--nofork", "--nopidfile", log="bus")
        eventually("the bus is there", lambda: host.exists("/run/dbus/system_bus_socket"))
        self.daemon = host.start(PYTHON, "/usr/sbin/firewalld", "--nofork", "--nopid", log="firewalld")
        eventually(f"firewalld runs ({self.daemon.err_path})", lambda: self.command("--state", code=None).code == 0, seconds=30)
        self.command("--permanent", "--zone=dmz", "--add-interface=eth0")
        self.command("--reload")

    def command(self, *words, code=0):
        return self.host.run(PYTHON, "/usr/bin/firewall-cmd", *words, code=code)
