"""Afterwards a host's network is what it was: addresses, rules, routes, nftables, the resolver, every sysctl."""

import re
import signal
import time

from . import addresses
from .ours import CLIENT, FAILURE, NOT_RUNNING
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


@sentence("a server that was killed starts again over what it left, and its clean end puts back what was there in the beginning", seconds=5)
def server_killed(lab):
    before = Snapshot(lab.vps)
    tunnel = connected(lab)
    for _ in range(2):
        tunnel.server.process.kill()
        tunnel.server.up()
    tables = lab.vps.run("nft", "list", "tables").out.splitlines()
    assert len(tables) == len(set(tables)), tables
    assert lab.vps.run("nft", "list", "ruleset").out.count("masquerade") <= 2, "rules pile up"
    tunnel.server.down()
    before.assert_unchanged("kill -9, a second start and a clean end")


@sentence("a client that was killed connects again over what it left, and `disconnect` puts back what was there in the beginning", seconds=5)
def client_killed(lab):
    before = Snapshot(lab.laptop)
    tunnel = connected(lab, dns=[addresses.SITE[4]])
    for _ in range(2):
        lab.laptop.run("kill", "-KILL", *tunnel.client.pids)
        eventually("the client is gone", lambda: not tunnel.client.pids)
        tunnel.client.connect()
    tunnel.client.disconnect()
    before.assert_unchanged("kill -9, a second connect and disconnect")


@sentence("kill -9 at any moment of {what}, {lock}: `recover` puts back what was there, byte for byte, but for the lock, which `disconnect` opens",
          seconds=25, what=("connect", "disconnect"), lock=("without a lock", "with a lock"))
def killed_at_any_moment(lab, what, lock):
    before = Snapshot(lab.laptop)
    tunnel = Tunnel(lab, lock=lock == "with a lock", dns=[addresses.SITE[4]])
    tunnel.server.up()
    tunnel.client.write()
    locked = 0
    for milliseconds in range(0, 45, 3):
        if what == "connect":
            process = tunnel.client.start_foreground()
            eventually("it runs", lambda: tunnel.client.pids or not process.running)
            time.sleep(milliseconds / 1000)
        else:
            tunnel.client.connect()
            ending = lab.laptop.start(CLIENT, "disconnect", "laptop", log="disconnect")
            time.sleep(milliseconds / 3000)
        pids = tunnel.client.pids
        if pids:
            lab.laptop.run("kill", "-KILL", *pids, code=None)
        eventually("the client is gone", lambda: not tunnel.client.pids)
        if what == "disconnect":
            ending.wait(5)
        tunnel.client.command("recover")
        if "vpn-lock-laptop" in lab.laptop.run("nft", "list", "tables").out:
            locked += 1
            tunnel.client.disconnect()
        before.assert_unchanged(f"kill -9 {milliseconds} ms into {what}, and recover")
    assert (locked > 0) == (lock == "with a lock"), f"the lock stood {locked} times"


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
        eventually("the routes are gone", lambda: "10.66.0.2" not in lab.laptop.run("ip", "route", "show", "table", "all", "dev", "laptop").out)
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


@sentence("the server ends within two seconds under traffic, and so does the client", seconds=5)
def ends_under_traffic(lab):
    tunnel = connected(lab)
    lab.laptop.start("ping", "-f", "-n", addresses.SITE[4], log="flood")
    time.sleep(0.5)
    tunnel.server.process.stop(signal.SIGTERM, patience=2)
    assert tunnel.client.disconnect().seconds < 2
