"""Afterwards a host's network is what it was: addresses, rules, routes, nftables, the resolver, every sysctl."""

import os
import pathlib
import re
import signal
import time

from . import addresses
from .ours import CLIENT, FAILURE, NOT_RUNNING, SERVER
from .patience import eventually
from .sentences import sentence
from .snapshot import Snapshot
from .tunnel import Tunnel, connected

SPLIT = ["10.66.0.0/24", "fd66::/64", *addresses.SITE_NETWORK.values()]
KINDS = {"a full tunnel": {}, "a split tunnel": {"allowed_ips": SPLIT}, "a full tunnel with DNS": {"dns": [addresses.SITE[4]]},
         "a full tunnel over IPv6": {"outer": 6}}


def value(host, name):
    return host.run("cat", f"/proc/sys/net/{name}").out.strip()


@sentence("after `disconnect` of {kind}, the laptop is as it was", kind=tuple(KINDS))
def disconnected(lab, kind):
    before = Snapshot(lab.laptop)
    tunnel = connected(lab, **KINDS[kind])
    assert "crashed" not in tunnel.client.command("disconnect").out
    before.assert_unchanged("disconnect")
    assert not tunnel.client.pids, "a daemon was left behind"
    tunnel.client.disconnect(code=NOT_RUNNING)


@sentence("after {name} to the client, the laptop is as it was: {how}", name=("SIGTERM", "SIGINT"), how=("in the background", "in the foreground"))
def client_ended(lab, name, how):
    before = Snapshot(lab.laptop)
    tunnel = Tunnel(lab, dns=[addresses.SITE[4]])
    tunnel.server.up()
    if how == "in the foreground":
        process = tunnel.client.start_foreground()
        eventually("the tunnel stands", lambda: tunnel.client.command("status", "laptop", code=None).code == 0, seconds=10)
        number = getattr(signal, name)
        # Both tell a service manager that it was asked to end: 0, and the signal itself.
        assert process.stop(number) in (0, -number), process.err
    else:
        tunnel.client.up()
        lab.laptop.run("kill", f"-{name.removeprefix('SIG')}", *tunnel.client.pids)
        eventually("the client has ended", lambda: not tunnel.client.pids)
    before.assert_unchanged(name)


@sentence("after {name} to the server, the VPS is as it was", name=("SIGTERM", "SIGINT"))
def server_ended(lab, name):
    before = Snapshot(lab.vps)
    tunnel = connected(lab)
    assert value(lab.vps, "ipv4/ip_forward") == "1" and value(lab.vps, "ipv6/conf/all/forwarding") == "1"
    assert tunnel.server.process.stop(getattr(signal, name)) == 0, tunnel.server.process.err
    before.assert_unchanged(name)


@sentence("a server that was killed starts again over what it left, and its clean end puts back what was there in the beginning", seconds=5,
          suites=True)
def server_killed(lab):
    before = Snapshot(lab.vps)
    tunnel = connected(lab)
    for _ in range(2):
        tunnel.server.process.kill()
        tunnel.server.up()
    tables = lab.vps.run("nft", "list", "tables").out.splitlines()
    assert len(tables) == len(set(tables)), tables
    assert lab.vps.run("nft", "list", "ruleset").out.count("masquerade") <= 4, "rules pile up"
    tunnel.server.down()
    before.assert_unchanged("kill -9, a second start and a clean end")


@sentence("a client that was killed connects again over what it left, and `disconnect` puts back what was there in the beginning", seconds=5,
          suites=True)
def client_killed(lab):
    before = Snapshot(lab.laptop)
    tunnel = connected(lab, dns=[addresses.SITE[4]])
    for _ in range(2):
        lab.laptop.run("kill", "-KILL", *tunnel.client.pids)
        eventually("the client is gone", lambda: not tunnel.client.pids)
        tunnel.client.connect()
    tunnel.client.disconnect()
    before.assert_unchanged("kill -9, a second connect and disconnect")


# What changes something outside of the process: files, netlink (with nftables), interfaces, sockets.
STEPS = "sendmsg,sendto,write,ioctl,bind,?rename,?renameat,?renameat2,?unlink,?unlinkat,?mkdir,?mkdirat,?symlink,?symlinkat,?link,?linkat,?chmod,fchmod,fchmodat"
# Every one of them where time is no matter, else some, from the first to the last.
EVERY_STEP = "VPN_SOAK" in os.environ
SOME_STEPS = 7


def traced(*options):
    return ["strace", "-f", "-qq", "-e", f"trace={STEPS}", *options]


def killed_at(step):
    return traced("-o", "/dev/null", "-e", f"inject={STEPS}:signal=KILL:when={step}")


def unit_stop():
    """What the unit runs once its service has ended, however that was."""
    unit = (pathlib.Path(__file__).resolve().parents[2] / "vpn-client" / "vpn-client@.service.in").read_text(encoding="utf-8")
    return re.search(r"^ExecStopPost=@bindir@/vpn-client (.*)$", unit, re.MULTILINE).group(1).split()


def connect_to_the_end(tunnel):
    tunnel.client.connect()
    tunnel.client.disconnect()


WAYS_BACK = {"recover": lambda tunnel: tunnel.client.command("recover"), "the unit's stop": lambda tunnel: tunnel.client.command(*unit_stop()),
             "the next connect": connect_to_the_end}


class Killed:
    """Lets a client do something until it is killed at a step, as often as there are steps."""

    def __init__(self, lab, tunnel):
        self.tunnel, self.laptop = tunnel, lab.laptop
        self.started = 0

    def _start(self, *words):
        self.started += 1  # each has a log of its own
        return self.laptop.start(*words, log=f"traced-{self.started}")

    def _ended(self, process):
        eventually("the client is gone", lambda: not self.tunnel.client.pids, seconds=30)
        process.wait(20)

    def connect(self, how):
        """`connect`, until it is killed or connected."""
        process = self._start(*how, CLIENT, "connect", "--foreground", self.tunnel.client.file)
        eventually("it is killed or connected", lambda: not process.running or "connected: " in process.out, seconds=30)
        return process

    def disconnect(self, how):
        """`disconnect` of one that is connected, until its daemon is killed or has ended."""
        self.tunnel.client.connect("--timeout", "30s")
        daemon, = self.tunnel.client.pids
        process = self._start(*how, "-p", daemon)
        eventually("it is traced", lambda: "TracerPid:\t0\n" not in self.laptop.read(f"/proc/{daemon}/status") or not process.running)
        self.laptop.run(CLIENT, "disconnect", "laptop", code=None)
        self._ended(process)
        return process

    def count(self, what):
        """How many steps the main thread takes."""
        log = "/run/steps"
        process = getattr(self, what)(traced("-o", log))
        if process.running:  # connected
            self.laptop.run("kill", "-KILL", *self.tunnel.client.pids)
        self._ended(process)
        lines = self.laptop.read(log).splitlines()
        first = lines[0].split()[0]
        return sum(line.split()[0] == first and "(" in line and "resumed>" not in line for line in lines)

    def at(self, what, step):
        """True if it was killed there, false if it came to its end before."""
        process = getattr(self, what)(killed_at(step))
        survivors = self.tunnel.client.pids if process.running else []
        if survivors:
            self.laptop.run("kill", "-KILL", *survivors, code=None)  # it may be dying of the other one
        self._ended(process)
        return not survivors


@sentence("kill -9 at each step of {what}, {lock}: `recover`, the unit's stop and the next connect put back what was there, byte for byte, but for the lock",
          seconds=3600 if EVERY_STEP else 60, what=("connect", "disconnect"), lock=("without a lock", "with a lock"))
def killed_at_each_step(lab, what, lock):
    before = Snapshot(lab.laptop)
    tunnel = Tunnel(lab, lock=lock == "with a lock", dns=[addresses.SITE[4]])
    tunnel.server.up()
    tunnel.client.write()
    killed = Killed(lab, tunnel)
    steps = killed.count(what)
    assert steps > 20, f"{steps} steps are few"
    tunnel.client.disconnect(code=None)
    before.assert_unchanged(f"kill -9 at the end of {what}")
    spread = range(1, steps + 1) if EVERY_STEP else sorted({1 + round(i * (steps - 1) / (SOME_STEPS - 1)) for i in range(SOME_STEPS)})
    locked = deaths = 0
    for number, step in enumerate(spread):
        way = list(WAYS_BACK)[number % len(WAYS_BACK)]
        deaths += killed.at(what, step)
        WAYS_BACK[way](tunnel)
        if "vpn-lock-laptop" in lab.laptop.run("nft", "list", "tables").out:
            locked += 1
            tunnel.client.disconnect()
        before.assert_unchanged(f"kill -9 at step {step} of {steps} of {what}, and {way}")
    assert deaths >= len(spread) // 2, f"{deaths} of {len(spread)} times it was killed in the middle"
    assert not locked or lock == "with a lock"


UNFINISHED = "find /etc/vpn /run/vpn /var/lib/vpn /run/given -name '*.unfinished-??????' 2>/dev/null || :"
# What a file that replaces another one is made by.
WRITING = "?open,?openat,flock,write,fchmod,?fsync,?rename,?renameat,?renameat2,?unlink,?unlinkat"


@sentence("kill -9 at each step of `peer add` leaves a good file, and what was half written is gone after the next command", seconds=40)
def peer_add_killed(lab):
    vps = lab.vps
    vps.run(SERVER, "init", "--endpoint", addresses.VPS[4])
    vps.sh("mkdir /run/given; : > /etc/vpn/server.json.backup; : > /etc/vpn/server.json.Ab3xYz")
    add = (SERVER, "peer", "add", "--output")
    vps.run("strace", "-f", "-qq", "-o", "/run/steps", "-e", f"trace={WRITING}", *add, "/run/given/0", "peer0")
    calls = [line.split()[1].split("(")[0] for line in vps.read("/run/steps").splitlines() if "(" in line]
    # Each as strace counts them: by their names. Those that come before the first file is begun change nothing.
    first = next(number for number, line in enumerate(vps.read("/run/steps").splitlines()) if ".unfinished-" in line)
    steps = [(call, calls[:number + 1].count(call)) for number, call in enumerate(calls)][first:]
    assert len(steps) > 8, steps
    halves = 0
    for step, (call, when) in enumerate(steps):
        killed = vps.run("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={when}",
                         *add, f"/run/given/killed{step}", f"killed{step}", code=None)
        assert killed.code != 0, f"{call} number {when} was none"
        halves += vps.sh(UNFINISHED).out.count("\n")
        vps.run(SERVER, "check")
        vps.run(*add, f"/run/given/killed{step}", f"next{step}", code=None)  # the same file, where it is not there yet
        vps.run(*add, f"/run/given/after{step}", f"after{step}")
        assert not vps.sh(UNFINISHED).out, f"{call} number {when}: {vps.sh(UNFINISHED).out}"
    assert halves > 4, "nothing was left half written: nothing was tested"
    assert vps.exists("/etc/vpn/server.json.backup") and vps.exists("/etc/vpn/server.json.Ab3xYz")


@sentence("what writers that were killed left half written is gone after {what}, and no other file", seconds=5,
          what=("`recover`", "`connect`", "the server's start"))
def half_written(lab, what):
    tunnel = Tunnel(lab)
    tunnel.server.up()
    tunnel.client.write()
    host = lab.vps if "server" in what else lab.laptop
    name = "server.json" if "server" in what else "laptop.json"
    left = (f"/etc/vpn/{name}", "/run/vpn/client-laptop.journal", "/var/lib/vpn/client-laptop.timestamps")
    kept = [f"/etc/vpn/{name}.{end}" for end in ("backup", "Ab3xYz", "unfinished", "unfinished-Ab3x")]
    for path in [f"{path}.unfinished-Ab3xYz" for path in left] + kept:
        host.write(path, "half")
    held = host.start("flock", f"/etc/vpn/{name}.unfinished-writes", "sleep", "1000", log="writer")  # as one who is alive
    eventually("it is held", lambda: host.run("flock", "-n", f"/etc/vpn/{name}.unfinished-writes", "true", code=None).code != 0)
    {"`recover`": lambda: tunnel.client.command("recover"), "`connect`": tunnel.client.connect, "the server's start": tunnel.server.restart}[what]()
    assert host.sh(UNFINISHED).out.split() == [f"/etc/vpn/{name}.unfinished-writes"], host.sh(UNFINISHED).out
    assert all(host.read(path) == "half" for path in kept)
    held.stop()


@sentence("a forwarding that was on before stays on after the server")
def forwarding_was_on(lab):
    lab.vps.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
    before = Snapshot(lab.vps)
    tunnel = Tunnel(lab)
    tunnel.server.up()
    tunnel.server.down()
    before.assert_unchanged("a server's life")


@sentence("while the server runs, accept_ra is 2 where it was 1, stays 0 where it was 0, and is put back", seconds=4)
def accept_ra(lab):
    lab.vps.ip("link add quiet type veth peer name quiet2", "link set quiet up", "link set quiet2 up")
    lab.vps.sysctl(ipv6__conf__quiet__accept_ra=0)
    before = Snapshot(lab.vps)
    tunnel = Tunnel(lab)
    tunnel.server.up()
    assert value(lab.vps, "ipv6/conf/eth0/accept_ra") == "2"
    assert value(lab.vps, "ipv6/conf/quiet/accept_ra") == "0"
    tunnel.server.down()
    before.assert_unchanged("a server's life")


@sentence("a default route that a router advertised outlives the server's start, and its end", seconds=4)
def advertised_route(lab):
    def advertised():
        return "proto ra" in lab.vps.run("ip", "-6", "route").out
    lab.vps.run("ip", "-6", "route", "del", "default")
    lab.routes_advertised()
    eventually("the VPS takes the route", advertised)
    tunnel = Tunnel(lab, outer=4)
    tunnel.server.up()
    assert advertised(), "lost when forwarding was switched on"
    tunnel.client.up()
    assert lab.visit("address", addresses.SITE[6]) == {"address": addresses.VPS[6]}
    tunnel.server.down()
    assert advertised(), "lost when forwarding was switched off"


@sentence("a client whose interface somebody removes ends, says so, and puts everything back", seconds=5)
def interface_removed(lab):
    before = Snapshot(lab.laptop)
    tunnel = connected(lab, dns=[addresses.SITE[4]])
    lab.laptop.run("ip", "link", "del", tunnel.client.interface)
    eventually("the client has ended", lambda: not tunnel.client.pids)
    before.assert_unchanged("the interface's removal")


@sentence("an interface that somebody sets down and up is as it was, and works: {kind}", seconds=8, kind=("a full tunnel", "a split tunnel"))
def interface_down_and_up(lab, kind):
    tunnel = connected(lab, **KINDS[kind])
    look = "ip addr show dev laptop; ip route show table all dev laptop; ip -6 route show table all dev laptop; ip rule; ip -6 rule; nft -s list ruleset"

    def state():
        return re.sub(r" (metric|pref) \S+", "", lab.laptop.sh(look).out)
    before = state()
    for _ in range(2):
        lab.laptop.ip("link set laptop down")
        routes = lab.laptop.run("ip", "route", "show", "table", "all", "dev", "laptop").out.splitlines()
        assert all(route.startswith("local ") for route in routes), f"the kernel took nothing away: {routes}"
        lab.laptop.ip("link set laptop up")
        eventually("all is as it was", lambda: sorted(state().splitlines()) == sorted(before.splitlines()))
    for version in (4, 6):
        assert lab.visit("address", addresses.SITE[version]) == {"address": addresses.VPS[version]}
    tunnel.client.disconnect()


@sentence("a server whose interface somebody removes ends with exit 1, says so, and puts everything back", seconds=5)
def server_interface_removed(lab):
    before = Snapshot(lab.vps)
    tunnel = connected(lab)
    lab.vps.run("ip", "link", "del", tunnel.server.interface)
    assert tunnel.server.process.wait(5) == FAILURE, tunnel.server.process.err
    assert tunnel.server.interface in tunnel.server.process.err
    before.assert_unchanged("the interface's removal")


@sentence("the server ends within two seconds under traffic, and so does the client", seconds=5, suites=True)
def ends_under_traffic(lab):
    tunnel = connected(lab)
    lab.laptop.start("ping", "-f", "-n", addresses.SITE[4], log="flood")
    time.sleep(0.5)
    tunnel.server.process.stop(signal.SIGTERM, patience=2)
    assert tunnel.client.disconnect().seconds < 2
