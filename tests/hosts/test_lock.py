"""The lock: what belongs in the tunnel leaves by no other way, whoever gives the laptop addresses and routes, tunnel up or not."""

import json
import time

from . import addresses
from .capture import Capture, strangers
from .lab import PROGRAMS, PYTHON
from .ours import DONE, FAILURE, NO_TUNNEL, NOT_RUNNING
from .patience import eventually
from .sentences import sentence
from .snapshot import Snapshot
from .tunnel import Tunnel, connected, pinging

LOCAL = "192.0.2.0/24"


def kill(tunnel):
    """kill -9 to the client."""
    tunnel.client.host.run("kill", "-KILL", *tunnel.client.pids)
    eventually("the client is gone", lambda: not tunnel.client.pids)


def try_everything(laptop):
    """Sends what a laptop sends, to everywhere: TCP, UDP, ICMP, questions for names; how it ends does not matter."""
    a = addresses
    targets = [a.SITE[4], a.SITE[6], a.VPS[4], a.VPS[6], a.ROUTER_LAN[4], a.ROUTER_LAN[6], a.NOBODY[4]]
    laptop.sh("\n".join(f"ping -n -c 2 -i 0.2 -W 1 {target} >/dev/null 2>&1 &" for target in targets) + "\nwait || :")
    program = ("import socket, sys\n"
               "for target in sys.argv[1:]:\n"
               "    family = socket.AF_INET6 if ':' in target else socket.AF_INET\n"
               "    for port in (53, 80, 443, 5353):\n"
               "        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):\n"
               "            with socket.socket(family, kind) as s:\n"
               "                s.settimeout(0.2)\n"
               "                try:\n"
               "                    s.connect((target, port))\n"
               "                    s.send(b'in clear')\n"
               "                except OSError:\n"
               "                    pass\n")
    laptop.run("/usr/bin/python3", "-S", "-c", program, *targets, timeout=60)


def in_clear(packets):
    """What left the laptop in clear. ARP is no IP packet, and what others send to it is not its doing."""
    own = set(addresses.LAPTOP.values()) | set(addresses.TUNNEL_CLIENT.values())
    return [packet for packet in strangers(packets, 4) if packet.source in own]


def capture(lab):
    return Capture(lab.router, "lan0")


@sentence("with the lock, only datagrams to the endpoint leave the laptop, and the website is reached through the tunnel", seconds=10, suites=True)
def locked(lab):
    tunnel = connected(lab, lock=True)
    with capture(lab) as wire:
        try_everything(lab.laptop)
        assert lab.visit("address", addresses.SITE[4]) == {"address": addresses.VPS[4]}
    assert not in_clear(wire.packets), in_clear(wire.packets)
    assert wire.packets
    assert tunnel.client.status()["lock"]["state"] == "shut"
    assert "shut" in tunnel.client.command("status", "laptop").out


@sentence("TunnelVision: routes that somebody's DHCP server pushes lead nothing past the tunnel", seconds=10)
def tunnel_vision(lab):
    connected(lab, lock=True)
    gateway = addresses.ROUTER_LAN
    for route in ("0.0.0.0/1", "128.0.0.0/1", f"{addresses.SITE[4]}/32", f"{addresses.TUNNEL_SERVER[4]}/32"):
        lab.laptop.run("ip", "route", "add", route, "via", gateway[4], "dev", "eth0")
    lab.laptop.run("ip", "-6", "route", "add", f"{addresses.SITE[6]}/128", "via", gateway[6], "dev", "eth0")
    with capture(lab) as wire:
        try_everything(lab.laptop)
        for version in (4, 6):
            assert lab.visit("address", addresses.SITE[version]) == {"address": addresses.VPS[version]}
    assert not in_clear(wire.packets), in_clear(wire.packets)


@sentence("TunnelCrack LocalNet: a public network that claims to be the local one leads nothing past the tunnel", seconds=10)
def local_net(lab):
    connected(lab, lock=True)
    lab.laptop.run("ip", "addr", "add", "203.0.113.7/24", "dev", "eth0")
    lab.laptop.run("ip", "addr", "add", f"{addresses.SITE_NETWORK[6].replace('::/64', '::7/64')}", "dev", "eth0", "nodad")
    with capture(lab) as wire:
        try_everything(lab.laptop)
    own = {"203.0.113.7", addresses.SITE_NETWORK[6].replace("::/64", "::7")}
    leaked = [packet for packet in wire.packets if packet.source in own and not packet.is_neighbour_discovery] + in_clear(wire.packets)
    assert not leaked, leaked


@sentence("TunnelCrack ServerIP: what goes to the server's address, but for the tunnel's own datagrams, goes through the tunnel or not at all", seconds=8)
def server_ip(lab):
    connected(lab, lock=True)
    with capture(lab) as wire:
        lab.laptop.sh(f"ping -n -c 2 -W 1 {addresses.VPS[4]} || :")
        lab.laptop.run("/usr/bin/python3", "-S", "-c",
                       "import socket\n"
                       "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                       f"s.sendto(b'in clear', ('{addresses.VPS[4]}', {addresses.PORT}))\n")
    clear = [packet for packet in wire.packets if b"in clear" in packet.raw or packet.destination == addresses.VPS[4] and not packet.is_udp]
    assert not clear, clear


@sentence("local networks that the file names are reached past the tunnel; questions for names there are refused all the same", seconds=6)
def local_networks(lab):
    connected(lab, lock=True, local_networks=[LOCAL], dns=[addresses.SITE[4]])
    with capture(lab) as wire:
        lab.laptop.run("ping", "-n", "-c", "1", "-W", "2", addresses.ROUTER_LAN[4])
        try_everything(lab.laptop)
    leaked = [packet for packet in in_clear(wire.packets) if not packet.destination.startswith("192.0.2.")]
    assert not leaked, leaked
    asked = [packet for packet in in_clear(wire.packets) if packet.protocol in (6, 17) and packet.ports[1] == 53]
    assert not asked, asked


@sentence("a full tunnel that excludes the local network is locked like any other, and that network is reached: {kind}", seconds=12,
          kind=("IPv4 alone", "both families"))
def excluded(lab, kind):
    everywhere = addresses.EVERYWHERE if kind == "both families" else ["0.0.0.0/0"]
    tunnel = connected(lab, lock=True, allowed_ips=[*everywhere, f"!{LOCAL}"], dns=[addresses.SITE[4]])
    assert addresses.ROUTER_LAN[4] not in lab.laptop.read("/etc/resolv.conf")
    for _ in range(2):
        with capture(lab) as wire:
            lab.laptop.run("ping", "-n", "-c", "1", "-W", "2", addresses.ROUTER_LAN[4])
            try_everything(lab.laptop)
        leaked = [packet for packet in in_clear(wire.packets) if not packet.destination.startswith("192.0.2.")]
        assert not leaked, leaked
        asked = [packet for packet in in_clear(wire.packets) if packet.protocol in (6, 17) and packet.ports[1] == 53]
        assert not asked, asked
        if tunnel.client.pids:
            assert lab.visit("address", addresses.SITE[4]) == {"address": addresses.VPS[4]}
            assert tunnel.client.status()["full_tunnel"]
            kill(tunnel)


@sentence("packets that the laptop forwards, for a container say, leave through the tunnel or not at all", seconds=10)
def forwarded(lab):
    laptop = lab.laptop
    laptop.sh("ip netns add inner 2>/dev/null || { mkdir -p /run/netns && ip netns add inner; }\n"
              "ip link add box0 type veth peer name eth0 netns inner\n"
              "ip addr add 172.31.0.1/24 dev box0; ip link set box0 up\n"
              "ip -n inner addr add 172.31.0.2/24 dev eth0; ip -n inner link set eth0 up; ip -n inner link set lo up\n"
              "ip -n inner route add default via 172.31.0.1\n"
              "echo 1 > /proc/sys/net/ipv4/ip_forward")
    laptop.nft('table ip box { chain out { type nat hook postrouting priority srcnat; ip saddr 172.31.0.0/24 masquerade; }; }\n')
    tunnel = connected(lab, lock=True, local_networks=["172.31.0.0/24"])

    def ping(code):
        laptop.run("ip", "netns", "exec", "inner", "ping", "-n", "-c", "1", "-W", "2", addresses.SITE[4], code=code)
    ping(DONE)
    laptop.run("ip", "route", "add", f"{addresses.SITE[4]}/32", "via", addresses.ROUTER_LAN[4], "dev", "eth0")
    ping(DONE)
    kill(tunnel)
    with capture(lab) as wire:
        ping(1)
    clear = [packet for packet in wire.packets if addresses.SITE[4] in (packet.source, packet.destination)]
    assert not clear, clear


@sentence("after kill -9 the lock stays shut, says how to open it, lets the next connect through, and `disconnect` opens it", seconds=12)
def killed(lab):
    before = Snapshot(lab.laptop)
    tunnel = connected(lab, lock=True)
    with capture(lab) as wire:
        for _ in range(2):
            kill(tunnel)
            try_everything(lab.laptop)
            tunnel.client.connect()
        kill(tunnel)
    assert not in_clear(wire.packets), in_clear(wire.packets)
    told = tunnel.client.command("status", "laptop", code=NOT_RUNNING)
    assert "lock" in told.err and "vpn-client disconnect laptop" in told.err, told.err
    told = tunnel.client.command("recover").out
    assert "vpn-client disconnect laptop" in told and "recovered" in told, told
    assert "vpn-lock-laptop" in lab.laptop.run("nft", "list", "tables").out
    tunnel.client.disconnect()
    before.assert_unchanged("kill -9 and disconnect")
    tunnel.client.disconnect(code=NOT_RUNNING)


@sentence("a lock that stands is not opened by {how}", seconds=8, how=("SIGTERM", "the interface's removal"))
def not_opened(lab, how):
    tunnel = connected(lab, lock=True)
    with capture(lab) as wire:
        if how == "SIGTERM":
            lab.laptop.run("kill", "-TERM", *tunnel.client.pids)
        else:
            lab.laptop.run("ip", "link", "del", tunnel.client.interface)
        eventually("the client has ended", lambda: not tunnel.client.pids)
        try_everything(lab.laptop)
    assert not in_clear(wire.packets), in_clear(wire.packets)
    tunnel.client.disconnect()


@sentence("a connect that fails opens the lock that it raised, and leaves alone one that stood before", seconds=12)
def failing(lab):
    before = Snapshot(lab.laptop)
    tunnel = Tunnel(lab, lock=True)
    tunnel.client.connect("--timeout", "2s", code=NO_TUNNEL)
    before.assert_unchanged("a connect that failed")
    tunnel.up()
    tunnel.server.down()
    kill(tunnel)
    tunnel.client.connect("--timeout", "2s", code=NO_TUNNEL)
    assert "vpn-lock-laptop" in lab.laptop.run("nft", "list", "tables").out
    tunnel.client.disconnect()
    before.assert_unchanged("disconnect")


@sentence("whoever removes or opens the lock's table while the client runs finds it put up again at once, a pause as it was: {how}", seconds=12,
          how=("flush ruleset", "delete table inet vpn-lock-laptop", "insert rule inet vpn-lock-laptop output accept",
               "flush chain inet vpn-lock-laptop output"))
def put_up_again(lab, how):
    tunnel = connected(lab, lock=True)
    tables = lab.laptop.run("nft", "-s", "list", "ruleset").out
    for route in ("0.0.0.0/1", "128.0.0.0/1"):
        lab.laptop.run("ip", "route", "add", route, "via", addresses.ROUTER_LAN[4], "dev", "eth0")

    def whole():
        now = lab.laptop.run("nft", "-s", "list", "ruleset").out
        return all(table in now for table in tables.split("\n}\n") if "owners" not in table)
    lab.laptop.run("nft", how)
    eventually("the tables are as they were", whole)
    assert tunnel.client.status()["lock"]["state"] == "shut"
    with capture(lab) as wire:
        try_everything(lab.laptop)
        assert lab.visit("address", addresses.SITE[4]) == {"address": addresses.VPS[4]}
    assert not in_clear(wire.packets), in_clear(wire.packets)
    tunnel.client.command("pause", "1h")
    lab.laptop.run("nft", how)
    eventually("the tables are as they were", lambda: "policy drop" in lab.laptop.run("nft", "list", "ruleset").out)
    assert tunnel.client.status()["lock"]["state"] == "paused"
    lab.laptop.run("ping", "-n", "-c", "1", "-W", "2", addresses.ROUTER_LAN[4])
    tunnel.client.command("pause", "0")
    kill(tunnel)
    with capture(lab) as wire:
        try_everything(lab.laptop)
    assert not in_clear(wire.packets), in_clear(wire.packets)


@sentence("`pause` lets everything past the tunnel and the lock, and both shut again by themselves", seconds=12)
def paused(lab):
    tunnel = connected(lab, lock=True)
    tunnel.client.command("pause", "3s")
    assert tunnel.client.status()["lock"]["state"] == "paused"
    with capture(lab) as wire:
        lab.laptop.run("ping", "-n", "-c", "1", "-W", "2", addresses.ROUTER_LAN[4])
    assert in_clear(wire.packets)
    eventually("the pause is over", lambda: tunnel.client.status()["lock"]["state"] == "shut", seconds=6)
    with capture(lab) as wire:
        try_everything(lab.laptop)
        assert lab.visit("address", addresses.SITE[4]) == {"address": addresses.VPS[4]}
    assert not in_clear(wire.packets), in_clear(wire.packets)


@sentence("while a split tunnel is paused nothing goes into it, and afterwards all of it does again", seconds=8)
def split_paused(lab):
    site = addresses.SITE_NETWORK
    tunnel = connected(lab, allowed_ips=["10.66.0.0/24", *site.values()])
    routes = {version: lab.laptop.run("ip", f"-{version}", "route").out for version in (4, 6)}
    assert site[4] in routes[4] and site[6] in routes[6]
    tunnel.client.command("pause", "1h")
    tunnel.client.command("pause", "1h")
    with Capture(lab.router, "lan0") as wire:
        for version in (4, 6):
            lab.laptop.run("ping", "-n", "-c", "1", "-W", "1", addresses.SITE[version], code=None)
            lab.laptop.run("ping", "-n", "-c", "1", "-W", "1", addresses.TUNNEL_SERVER[4], code=None)
    passed = {packet.destination for packet in in_clear(wire.packets)}
    assert passed >= {addresses.SITE[4], addresses.SITE[6], addresses.TUNNEL_SERVER[4]}, passed
    tunnel.client.command("pause", "0")
    assert routes == {version: lab.laptop.run("ip", f"-{version}", "route").out for version in (4, 6)}
    with Capture(lab.router, "lan0") as wire:
        for version in (4, 6):
            assert lab.visit("address", addresses.SITE[version]) == {"address": addresses.VPS[version]}
    assert not in_clear(wire.packets), in_clear(wire.packets)


@sentence("a pause ends by itself though the client was killed in the middle of it, and at once when it is told to", seconds=12)
def paused_and_killed(lab):
    tunnel = connected(lab, lock=True)
    tunnel.client.command("pause", "1h")
    tunnel.client.command("pause", "0")
    assert tunnel.client.status()["lock"]["state"] == "shut"
    tunnel.client.command("pause", "3s", "laptop")
    kill(tunnel)
    lab.laptop.run("ping", "-n", "-c", "1", "-W", "2", addresses.ROUTER_LAN[4])

    def shut():
        return lab.laptop.run("ping", "-n", "-c", "1", "-W", "1", addresses.ROUTER_LAN[4], code=None).code != 0
    eventually("the lock is shut", shut, seconds=8)
    tunnel.client.disconnect()


@sentence("no packet leaves in clear while the client is killed, started again and the server changed under load", seconds=15)
def reconnect_window(lab):
    tunnel = connected(lab, lock=True)
    with capture(lab) as wire, pinging(lab.laptop, addresses.SITE[4], every=0.01):
        for _ in range(3):
            kill(tunnel)
            tunnel.client.connect()
        tunnel.server.restart()
        time.sleep(1)
    assert not in_clear(wire.packets), in_clear(wire.packets)


@sentence("a full tunnel of IPv4 alone with a lock lets no IPv6 out, and says so at once", seconds=8)
def no_ipv6(lab):
    connected(lab, lock=True, allowed_ips=["0.0.0.0/0"])
    with capture(lab) as wire:
        started = time.monotonic()
        lab.laptop.run("ping", "-n", "-c", "1", "-W", "5", addresses.SITE[6], code=None)
        assert time.monotonic() - started < 4, "nobody told the program that it is of no use"
        try_everything(lab.laptop)
    assert not in_clear(wire.packets), in_clear(wire.packets)


@sentence("the lock of a split tunnel keeps what belongs in it from leaving otherwise, and nothing else", seconds=8)
def split(lab):
    tunnel = connected(lab, lock=True, allowed_ips=["10.66.0.0/24", addresses.SITE_NETWORK[4]])
    kill(tunnel)
    with capture(lab) as wire:
        lab.laptop.run("ping", "-n", "-c", "1", "-W", "1", addresses.SITE[4], code=None)
        lab.laptop.run("ping", "-n", "-c", "1", "-W", "2", addresses.ROUTER_LAN[4])
    clear = [packet for packet in wire.packets if packet.destination == addresses.SITE[4]]
    assert not clear, clear
    tunnel.client.disconnect()


@sentence("`lock` shuts before anything is connected, as at the start of the machine; connect works from there", seconds=8)
def before_network(lab):
    tunnel = Tunnel(lab, lock=True)
    tunnel.server.up()
    tunnel.client.write()
    tunnel.client.command("lock", tunnel.client.file)
    tunnel.client.command("lock", tunnel.client.file)
    with capture(lab) as wire:
        try_everything(lab.laptop)
        tunnel.client.connect()
        assert lab.visit("address", addresses.SITE[4]) == {"address": addresses.VPS[4]}
    assert not in_clear(wire.packets), in_clear(wire.packets)


@sentence("while a lock stands, another connection is refused and told whose it is; and a locked one does not cut off another", seconds=8)
def one_alone(lab):
    tunnel = connected(lab, lock=True)
    other = {**tunnel.client.config(), "peers": [{**tunnel.client.config()["peers"][0], "allowed_ips": ["10.99.0.0/24"]}]}
    other["interface"] = {**other["interface"], "lock": False}
    other["interface"].pop("probe")
    lab.laptop.write("/etc/vpn/other.json", json.dumps(other))
    told = tunnel.client.command("connect", "other", "--timeout", "3s", code=FAILURE)
    assert "laptop" in told.err and "vpn-client disconnect laptop" in told.err, told.err
    tunnel.client.disconnect()
    tunnel.client.command("connect", "other")
    told = tunnel.client.connect(code=FAILURE)
    assert "other" in told.err, told.err
    tunnel.client.command("disconnect", "other")


@sentence("an IPv6 address and a default route that a router advertises lead nothing past the tunnel: {kind}", seconds=10,
          kind=("a tunnel of both families", "a tunnel of IPv4 alone"))
def advertised(lab, kind):
    for version, length in ((4, 24), (6, 64)):
        lab.laptop.run("ip", f"-{version}", "route", "del", "default")
    lab.laptop.run("ip", "route", "add", "default", "via", addresses.ROUTER_LAN[4])
    connected(lab, lock=True, allowed_ips=addresses.EVERYWHERE if kind == "a tunnel of both families" else ["0.0.0.0/0"])
    lab.router.run(*PYTHON, PROGRAMS / "advertise.py", "lan0", 600)
    eventually("the laptop takes the route", lambda: "proto ra" in lab.laptop.run("ip", "-6", "route").out)
    with capture(lab) as wire:
        try_everything(lab.laptop)
    leaked = [packet for packet in wire.packets if packet.version == 6 and not packet.is_neighbour_discovery and packet.source != addresses.ROUTER_LAN[6]]
    assert not leaked + in_clear(wire.packets), leaked + in_clear(wire.packets)


@sentence("blind hijack: a SYN/ACK from the LAN to the tunnel's address gets no reset and no answer, over IPv{version}", seconds=6, version=(4, 6))
def blind_hijack(lab, version):
    connected(lab)
    inner = addresses.TUNNEL_CLIENT[version]
    via = ["via", addresses.LAPTOP[version], "dev", "lan0"]
    lab.router.run("ip", f"-{version}", "route", "add", inner, *via)
    with capture(lab) as wire:
        lab.router.run("ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", inner, code=1)
        lab.router.run("/usr/bin/python3", "-S", "-c",
                       "import socket\n"
                       f"s = socket.socket(socket.AF_INET{'6' if version == 6 else ''}, socket.SOCK_STREAM)\n"
                       "s.settimeout(1)\n"
                       "try:\n"
                       f"    s.connect(('{inner}', 4444))\n"
                       "except TimeoutError:\n"
                       "    print('silence')\n")
    answers = [packet for packet in wire.packets if packet.source == inner]
    assert not answers, answers
    assert [packet for packet in wire.packets if packet.destination == inner], "nothing was asked"
