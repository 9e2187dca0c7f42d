"""While connected, names are asked of the tunnel's servers, whoever keeps the machine's resolvers; afterwards all is as it was."""

import signal

from . import addresses
from .capture import Capture
from .ours import CLIENT, FAILURE
from .patience import eventually
from .resolvers import RESOLV_CONF, STUB, DebianResolvconf, Openresolv, SystemdResolved, name_servers, resolv_conf, which
from .sentences import sentence
from .snapshot import Snapshot
from .tunnel import Tunnel, connected

INSIDE = addresses.SITE[4]
LAN = addresses.ROUTER_LAN[4]
SPLIT = ["10.66.0.0/24", "fd66::/64", *addresses.SITE_NETWORK.values()]
BY_HAND = f"# by hand\nnameserver {LAN}\noptions timeout:3"  # without a newline at the end
TWICE = ("once", "after kill -9 and a second `connect`")


def forget_what_a_restart_forgets(laptop):
    """All but the disk."""
    laptop.sh("rm -rf /run/vpn; ip rule flush; ip rule add table main priority 32766; ip rule add table default priority 32767; "
              "ip -6 rule flush; ip -6 rule add table main priority 32766; nft delete table inet vpn-client-laptop; "
              "echo 0 > /proc/sys/net/ipv4/conf/all/src_valid_mark")


def on_port_53(packet):
    return packet.protocol in (6, 17) and addresses.DNS_PORT in packet.ports


def back_end(tunnel):
    dns = tunnel.client.status()["dns"]
    assert dns["applied"], dns
    return dns["back_end"]


def kill(tunnel):
    """Ends the client and waits for its last breath: its program is gone some time before what it held is let go."""
    host, pids = tunnel.client.host, tunnel.client.pids
    host.run("kill", "-KILL", *pids)
    eventually("the client is gone", lambda: not set(pids) & set(host.pids()))


def come_and_go(tunnel, how):
    """Ends a connection, having crashed and connected it again if asked to."""
    if how != TWICE[0]:
        kill(tunnel)
        tunnel.client.connect()
    tunnel.client.disconnect()


@sentence("systemd-resolved: through a full tunnel every name is asked of the tunnel's server, and of the laptop's own again after it: {how}",
          seconds=6, how=TWICE)
def resolved_full(lab, how):
    SystemdResolved(lab.laptop)
    before = Snapshot(lab.laptop)
    tunnel = Tunnel(lab, dns=[INSIDE])
    tunnel.server.up()
    with Capture(lab.router, "lan0", on_port_53) as wire:
        tunnel.client.up()
        assert back_end(tunnel) == "systemd-resolved"
        for name in ("which.test", "www.home.test", "www.elsewhere.test"):
            assert which(lab.laptop, name) == "site", name
        assert lab.visit("lookup", "www.elsewhere.test")["addresses"] == sorted(addresses.SITE.values())
    assert not wire.packets, wire.packets
    assert f"{INSIDE} by systemd-resolved\n" in tunnel.client.command("status").out
    come_and_go(tunnel, how)
    assert which(lab.laptop) == "router"
    before.assert_unchanged("disconnect")


@sentence("systemd-resolved: through a split tunnel names in its domains alone are asked of the tunnel's server", seconds=6)
def resolved_split(lab):
    SystemdResolved(lab.laptop)
    tunnel = connected(lab, dns=[INSIDE, "corp.test", "~lab.test"], allowed_ips=SPLIT)
    for name in ("corp.test", "www.corp.test", "www.lab.test"):
        assert which(lab.laptop, name) == "site", name
    for name in ("which.test", "notcorp.test"):
        assert which(lab.laptop, name) == "router", name
    assert tunnel.client.status()["dns"] == {"servers": [INSIDE], "search": ["corp.test"], "routed": ["lab.test"], "every_name": False,
                                             "back_end": "systemd-resolved", "applied": True}
    tunnel.client.disconnect()
    assert which(lab.laptop, "www.corp.test") == "router"


@sentence("systemd-resolved is told again when it was restarted and knows nothing of the tunnel", seconds=8)
def resolved_restarted(lab):
    resolved = SystemdResolved(lab.laptop)
    connected(lab, dns=[INSIDE])
    assert which(lab.laptop) == "site"
    for _ in range(2):
        resolved.restart_and_forget()
        eventually("the tunnel's server is asked again", lambda: which(lab.laptop) == "site")


@sentence("where systemd-resolved runs and /etc/resolv.conf does not lead to it, both are told", seconds=6)
def resolved_beside_a_file(lab):
    SystemdResolved(lab.laptop)
    lab.laptop.sh(f"rm {RESOLV_CONF}")
    lab.laptop.write(RESOLV_CONF, BY_HAND, 0o644)
    before = Snapshot(lab.laptop)
    tunnel = connected(lab, dns=[INSIDE])
    assert back_end(tunnel) == "systemd-resolved and resolv.conf"
    assert name_servers(lab.laptop) == [INSIDE]
    assert which(lab.laptop, server=STUB) == "site"
    tunnel.client.disconnect()
    before.assert_unchanged("disconnect")


STANDING = {
    "a file": lambda lab: lab.laptop.write(RESOLV_CONF, BY_HAND, 0o640),
    "a link": lambda lab: lab.laptop.sh(f"mv {RESOLV_CONF} /run/resolvers; ln -s ../run/resolvers {RESOLV_CONF}"),
    "a link that leads nowhere": lambda lab: lab.laptop.sh(f"ln -sfn /run/systemd/resolve/stub-resolv.conf {RESOLV_CONF}"),
    "nothing": lambda lab: lab.laptop.sh(f"rm {RESOLV_CONF}"),
    "a mounted file": lambda lab: lab.laptop.sh(f"cp {RESOLV_CONF} /run/mounted; mount --bind /run/mounted {RESOLV_CONF}"),
}


@sentence("/etc/resolv.conf is replaced through a full tunnel, and put back where {kind} stood: {how}", kind=tuple(STANDING), how=TWICE, seconds=4)
def file_full(lab, kind, how):
    STANDING[kind](lab)
    before = Snapshot(lab.laptop)
    tunnel = Tunnel(lab, dns=[INSIDE])
    tunnel.server.up()
    with Capture(lab.router, "lan0", on_port_53) as wire:
        tunnel.client.up()
        assert back_end(tunnel) == "resolv.conf"
        assert name_servers(lab.laptop) == [INSIDE]
        assert lab.visit("lookup", "www.test")["addresses"] == sorted(addresses.SITE.values())
    assert not wire.packets, wire.packets
    come_and_go(tunnel, how)
    before.assert_unchanged("disconnect")


@sentence("an /etc/resolv.conf of somebody else's comes back to the byte, though the daemon may give no file away")
def file_of_another(lab):
    lab.laptop.write(RESOLV_CONF, BY_HAND, 0o644)
    lab.laptop.sh(f"chown 7:7 {RESOLV_CONF}")
    tunnel = connected(lab, dns=[INSIDE])
    assert name_servers(lab.laptop) == [INSIDE]
    tunnel.client.disconnect()
    assert resolv_conf(lab.laptop) == BY_HAND


@sentence("beside a split tunnel the laptop's own servers stay in /etc/resolv.conf, behind the tunnel's")
def file_split(lab):
    before = Snapshot(lab.laptop)
    tunnel = connected(lab, dns=[INSIDE, "corp.test"], allowed_ips=SPLIT)
    assert name_servers(lab.laptop) == [INSIDE, LAN]
    assert "search corp.test\n" in resolv_conf(lab.laptop)
    tunnel.client.disconnect()
    before.assert_unchanged("disconnect")


@sentence("who rewrites /etc/resolv.conf while connected is overruled, and what he wrote is what is put back: {way}",
          way=("in place", "by another file", "by a link", "line by line", "line by line, and slowly"))
def rewritten(lab, way):
    tunnel = connected(lab, dns=[INSIDE])
    theirs = "nameserver 192.0.2.77\nnameserver 192.0.2.78\n"
    lab.laptop.write("/run/theirs", theirs)
    lab.laptop.sh({"in place": f"cat /run/theirs > {RESOLV_CONF}",
                   "by another file": f"cp /run/theirs {RESOLV_CONF}.new; mv {RESOLV_CONF}.new {RESOLV_CONF}",
                   "by a link": f"ln -sfn /run/theirs {RESOLV_CONF}",
                   "line by line": f"head -n 1 /run/theirs > {RESOLV_CONF}; tail -n 1 /run/theirs >> {RESOLV_CONF}",
                   "line by line, and slowly": f"head -n 1 /run/theirs > {RESOLV_CONF}; until grep -qw {INSIDE} {RESOLV_CONF}; do sleep 0.1; done; "
                                               f"tail -n 1 /run/theirs >> {RESOLV_CONF}"}[way])
    eventually("the tunnel's server is back", lambda: name_servers(lab.laptop) == [INSIDE])
    assert back_end(tunnel) == "resolv.conf"
    tunnel.client.disconnect()
    assert resolv_conf(lab.laptop) == theirs


@sentence("who rewrites /etc/resolv.conf again and again wins in the end, `status` says so, and his is left alone", seconds=5)
def rewritten_again_and_again(lab):
    tunnel = connected(lab, dns=[INSIDE])

    def lost():
        lab.laptop.write(RESOLV_CONF, "nameserver 192.0.2.77\n", 0o644)
        return not tunnel.client.status()["dns"]["applied"]
    eventually("the client gives up", lost, seconds=10, every=0.2)
    assert "not in force" in tunnel.client.command("status").out
    tunnel.client.disconnect()
    assert name_servers(lab.laptop) == ["192.0.2.77"]


@sentence("after a restart of the machine that came while connected, the next `connect` finds the laptop's own /etc/resolv.conf")
def power_cut(lab):
    before = Snapshot(lab.laptop)
    tunnel = connected(lab, dns=[INSIDE])
    kill(tunnel)
    forget_what_a_restart_forgets(lab.laptop)
    found = lab.laptop.run(CLIENT, "doctor", code=None).out
    assert "left its name servers behind" in found and "vpn-client recover" in found, found
    tunnel.client.connect()
    assert "left its name servers behind" not in lab.laptop.run(CLIENT, "doctor", code=None).out
    tunnel.client.disconnect()
    before.assert_unchanged("a restart, connect and disconnect")


@sentence("after {what}, a server that is known by its name is found again, though /etc/resolv.conf still names a server inside the tunnel", seconds=8,
          what=("kill -9", "a restart of the machine"))
def found_again_by_name(lab, what):
    before = Snapshot(lab.laptop)
    tunnel = connected(lab, dns=[INSIDE], endpoint=f"vps.test:{addresses.PORT}")
    kill(tunnel)
    assert name_servers(lab.laptop) == [INSIDE]
    if what == "a restart of the machine":
        forget_what_a_restart_forgets(lab.laptop)
    tunnel.client.connect("--timeout", "15s")
    tunnel.client.disconnect()
    before.assert_unchanged(f"{what}, connect and disconnect")


@sentence("of two connections that replaced /etc/resolv.conf the first may go first: what stood before both is put back", seconds=5)
def two_connections(lab):
    before = Snapshot(lab.laptop)
    tunnel = Tunnel(lab, dns=[INSIDE], allowed_ips=[f"{INSIDE}/32", "10.66.0.1/32"])
    tunnel.server.up()
    tunnel.client.up()
    second = Tunnel(lab, dns=["10.66.0.53"], allowed_ips=["10.66.0.53/32"], server_key=tunnel.facts.server_key, client_addresses=["10.66.0.9/32"]).client
    second.name = second.interface = "second"
    second.file = "/etc/vpn/second.json"
    config = second.config()
    config["interface"]["private_key"] = tunnel.facts.client_key
    config["interface"].pop("probe")
    second.write(config)
    # Nobody answers inside the second one; its name servers are set all the same while it waits.
    waiting = lab.laptop.start(CLIENT, "connect", "--foreground", "--timeout", "0", second.file, log="second")
    eventually("the second one stands on the first", lambda: name_servers(lab.laptop)[:2] == ["10.66.0.53", INSIDE])
    tunnel.client.disconnect()
    assert name_servers(lab.laptop)[0] == "10.66.0.53"
    waiting.stop(signal.SIGINT)
    eventually("the second one has ended", lambda: not tunnel.client.pids)
    before.assert_unchanged("both")


@sentence("openresolv is told where it makes /etc/resolv.conf, and forgets again: {tunnel}, {how}", seconds=5,
          tunnel=("a full tunnel", "a split tunnel"), how=TWICE)
def openresolv(lab, tunnel, how):
    Openresolv(lab.laptop)
    before = Snapshot(lab.laptop)
    full = tunnel == "a full tunnel"
    stands = connected(lab, dns=[INSIDE, "corp.test"], allowed_ips=addresses.EVERYWHERE if full else SPLIT)
    assert back_end(stands) == "resolvconf"
    assert name_servers(lab.laptop) == ([INSIDE] if full else [INSIDE, LAN])
    come_and_go(stands, how)
    before.assert_unchanged("disconnect")


@sentence("Debian's resolvconf is told beside a split tunnel; through a full one, where it would keep others in, the file is replaced: {how}",
          seconds=6, how=TWICE)
def debian_resolvconf(lab, how):
    DebianResolvconf(lab.laptop)
    before = Snapshot(lab.laptop)
    split = connected(lab, dns=[INSIDE, "corp.test"], allowed_ips=SPLIT)
    assert back_end(split) == "resolvconf"
    assert name_servers(lab.laptop) == [INSIDE, LAN]
    come_and_go(split, how)
    before.assert_unchanged("disconnect")
    split.client.facts.allowed_ips = addresses.EVERYWHERE
    split.client.write()
    split.client.connect()
    assert back_end(split) == "resolv.conf"
    assert name_servers(lab.laptop) == [INSIDE]
    come_and_go(split, how)
    before.assert_unchanged("disconnect of a full tunnel")


@sentence("name servers that can't be set are a reason not to connect, and all is put back")
def impossible(lab):
    lab.laptop.sh(f"rm {RESOLV_CONF}; mkdir {RESOLV_CONF}")
    before = Snapshot(lab.laptop)
    tunnel = Tunnel(lab, dns=[INSIDE])
    tunnel.server.up()
    said = tunnel.client.connect(code=FAILURE)
    assert RESOLV_CONF in said.err and "leave dns out" in said.err, said
    assert not tunnel.client.pids
    before.assert_unchanged("a refused connect")


@sentence("a name server that no peer takes is not asked, and `connect` and `check` say so")
def server_outside(lab):
    tunnel = Tunnel(lab, dns=["9.9.9.9"], allowed_ips=SPLIT)
    tunnel.server.up()
    said = tunnel.client.connect()
    assert "9.9.9.9" in said.err and "allowed_ips" in said.err, said
    assert "9.9.9.9" in tunnel.client.command("check", tunnel.client.file).err
    assert name_servers(lab.laptop) == [LAN]


@sentence("under the lock systemd-resolved asks the tunnel's server, and nobody else can ask anybody else", seconds=6)
def under_the_lock(lab):
    SystemdResolved(lab.laptop)
    before = Snapshot(lab.laptop)
    tunnel = Tunnel(lab, dns=[INSIDE])
    config = tunnel.client.config()
    config["interface"]["lock"] = True
    tunnel.client.write(config)
    tunnel.server.up()
    tunnel.client.up()
    with Capture(lab.router, "lan0", on_port_53) as wire:
        assert which(lab.laptop) == "site"
        assert which(lab.laptop, server=LAN).startswith("nobody")
    assert not wire.packets, wire.packets
    assert "crashed" not in tunnel.client.command("disconnect").out
    before.assert_unchanged("disconnect")


@sentence("during a pause the laptop's own servers are asked, and the tunnel's again after it: {keeper}", seconds=6,
          keeper=("systemd-resolved", "resolv.conf"))
def paused(lab, keeper):
    if keeper == "systemd-resolved":
        SystemdResolved(lab.laptop)
    server = STUB if keeper == "systemd-resolved" else None

    def answers():
        return which(lab.laptop, server=server or name_servers(lab.laptop)[0])
    tunnel = connected(lab, dns=[INSIDE])
    assert answers() == "site"
    tunnel.client.command("pause", "5m")
    assert answers() == "router"
    assert "not during the pause" in tunnel.client.command("status", code=None).out
    tunnel.client.command("pause", "0")
    eventually("the tunnel's server is asked again", lambda: answers() == "site")
    assert back_end(tunnel) == keeper


@sentence("`{command}` puts back the laptop's own /etc/resolv.conf, also after a restart of the machine: {left}",
          command=("recover", "disconnect laptop"), left=("all journals", "what survives a restart"))
def recovered(lab, command, left):
    before = resolv_conf(lab.laptop)
    tunnel = connected(lab, dns=[INSIDE])
    kill(tunnel)
    if left == "what survives a restart":
        lab.laptop.sh("rm -rf /run/vpn")
    assert name_servers(lab.laptop) == [INSIDE]
    said = tunnel.client.command(*command.split())
    assert {"recover": "recovered"}.get(command, "put back") in said.out, said
    assert resolv_conf(lab.laptop) == before
    assert "nothing to recover" in tunnel.client.command("recover").out
