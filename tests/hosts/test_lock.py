"""The lock: what belongs in the tunnel leaves by no other way, whoever gives the laptop addresses and routes, tunnel up or not."""

import json
import time

from . import addresses
from .lab import PROGRAMS, PYTHON
from .leaks import NEIGHBOUR, capture, in_clear, is_tunnels_own, try_everything
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


@sentence("with the lock over IPv6, only datagrams to the endpoint leave the laptop, and the website is reached through the tunnel", seconds=10)
def locked_over_ipv6(lab):
    connected(lab, lock=True, outer=6)
    with capture(lab) as wire:
        try_everything(lab.laptop)
        lab.laptop.run("ip", "-6", "neigh", "flush", "dev", "eth0")  # the router has to be found anew
        for version in (4, 6):
            assert lab.visit("address", addresses.SITE[version]) == {"address": addresses.VPS[version]}
    assert not in_clear(wire.packets), in_clear(wire.packets)
    assert [packet for packet in wire.packets if packet.from_laptop and packet.icmp6_type == 135], "nobody was looked for"
    assert [packet for packet in wire.packets if is_tunnels_own(packet) and packet.version == 6]


@sentence("without the lock, what these tests try does leave the laptop: multicast, broadcasts, and to neighbours", seconds=8)
def unlocked(lab):
    with capture(lab) as wire:
        try_everything(lab.laptop)
    seen = {packet.destination for packet in in_clear(wire.packets)}
    assert seen >= {"224.0.0.251", "239.255.255.250", "255.255.255.255", "ff02::fb", "ff02::c", NEIGHBOUR, addresses.ROUTER_LAN[4],
                    addresses.ROUTER_LAN[6], addresses.SITE[4]}, seen
    kinds = {packet.icmp6_type for packet in in_clear(wire.packets)}
    assert kinds >= {128, 133, 135, 137, 143}, kinds


DHCP_SERVER = """
import socket
doors = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)]
doors[0].setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
doors[0].bind(("", 67))
number = socket.if_nametoindex("lan0")
doors[1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, "ff02::1:2") + number.to_bytes(4, "little"))
doors[1].bind(("", 547))
print("ready", flush=True)
import select
while True:
    for door in select.select(doors, [], [])[0]:
        question, sender = door.recvfrom(2000)
        door.sendto(b"offer", (%r, 68) if door is doors[0] else sender)
"""
DHCP_CLIENT = """
import socket
number = socket.if_nametoindex("eth0")
for family, here, there in ((socket.AF_INET, ("", 68), ("255.255.255.255", 67)), (socket.AF_INET6, ("", 546), ("ff02::1:2", 547, 0, number))):
    with socket.socket(family, socket.SOCK_DGRAM) as door:
        door.settimeout(5)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        door.bind(here)
        door.sendto(b"discover", there)
        assert door.recvfrom(2000)[0] == b"offer"
"""


@sentence("the lock lets a link be kept up: DHCP of both families asks and is answered, and neighbours and routers are found", seconds=6)
def link_kept_up(lab):
    connected(lab, lock=True)
    server = lab.router.start(*PYTHON, "-c", DHCP_SERVER % addresses.LAPTOP[4], log="dhcp")
    eventually("the DHCP server is there", lambda: "ready" in server.out)
    with capture(lab) as wire:
        lab.laptop.run(*PYTHON, "-c", DHCP_CLIENT)
        lab.laptop.run("ip", "-6", "neigh", "flush", "dev", "eth0")
        lab.router.run("ip", "-6", "neigh", "flush", "dev", "lan0")
        # A question for the laptop has to be answered, though the ping itself has no answer in clear.
        lab.router.run("ping", "-n", "-c", "1", "-W", "1", addresses.LAPTOP[6], code=None)
        lab.laptop.run("ping", "-n", "-c", "1", "-W", "1", addresses.ROUTER_LAN[6], code=None)
    assert not in_clear(wire.packets), in_clear(wire.packets)
    upkeep = [packet for packet in wire.packets if packet.from_laptop and packet.is_link_upkeep]
    assert {packet.ports for packet in upkeep if packet.is_udp} == {(68, 67), (546, 547)}, upkeep
    assert 136 in {packet.icmp6_type for packet in upkeep}, upkeep
    assert addresses.LAPTOP[6] in lab.router.run("ip", "-6", "neigh", "show", "dev", "lan0").out


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
    assert not in_clear(wire.packets), in_clear(wire.packets)


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


@sentence("packets that the laptop forwards, for a container say, leave through the tunnel or not at all, over IPv{version}", seconds=10, version=(4, 6))
def forwarded(lab, version):
    laptop = lab.laptop
    box = {4: ("172.31.0.1", "172.31.0.2", 24, "172.31.0.0/24"), 6: ("fd31::1", "fd31::2", 64, "fd31::/64")}[version]
    here, there, length, network = box
    nodad = "nodad" if version == 6 else ""
    laptop.sh("ip netns add inner 2>/dev/null || { mkdir -p /run/netns && ip netns add inner; }\n"
              "ip link add box0 type veth peer name eth0 netns inner\n"
              f"ip addr add {here}/{length} dev box0 {nodad}; ip link set box0 up\n"
              f"ip -n inner addr add {there}/{length} dev eth0 {nodad}; ip -n inner link set eth0 up; ip -n inner link set lo up\n"
              f"ip -n inner -{version} route add default via {here}\n"
              "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding")
    family = {4: "ip", 6: "ip6"}[version]
    laptop.nft(f"table {family} box {{ chain out {{ type nat hook postrouting priority srcnat; {family} saddr {network} masquerade; }}; }}\n")
    tunnel = connected(lab, lock=True, local_networks=[network])
    site = addresses.SITE[version]

    def ping(code):
        laptop.run("ip", "netns", "exec", "inner", "ping", "-n", "-c", "1", "-W", "2", site, code=code)
    ping(DONE)
    laptop.run("ip", f"-{version}", "route", "add", f"{site}/{32 if version == 4 else 128}", "via", addresses.ROUTER_LAN[version], "dev", "eth0")
    ping(DONE)
    kill(tunnel)
    with capture(lab) as wire:
        ping(1)
    clear = [packet for packet in wire.packets if site in (packet.source, packet.destination)]
    assert not clear + in_clear(wire.packets), clear + in_clear(wire.packets)


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
    with capture(lab) as wire:
        for version in (4, 6):
            lab.laptop.run("ping", "-n", "-c", "1", "-W", "1", addresses.SITE[version], code=None)
            lab.laptop.run("ping", "-n", "-c", "1", "-W", "1", addresses.TUNNEL_SERVER[4], code=None)
    passed = {packet.destination for packet in in_clear(wire.packets)}
    assert passed >= {addresses.SITE[4], addresses.SITE[6], addresses.TUNNEL_SERVER[4]}, passed
    tunnel.client.command("pause", "0")
    assert routes == {version: lab.laptop.run("ip", f"-{version}", "route").out for version in (4, 6)}
    with capture(lab) as wire:
        for version in (4, 6):
            assert lab.visit("address", addresses.SITE[version]) == {"address": addresses.VPS[version]}
    assert not in_clear(wire.packets), in_clear(wire.packets)


@sentence("a pause whose end the kernel refuses is tried again until it is over, and whoever asked is told: lock {lock}", seconds=8, lock=(False, True))
def pause_end_refused(lab, lock):
    tunnel = connected(lab, lock=lock)
    state = lambda: [lab.laptop.run("ip", f"-{version}", *words).out for version in (4, 6) for words in (("rule",), ("route", "show", "table", "all"))]
    before = state()
    tunnel.client.command("pause", "1h")
    assert state() != before
    lab.laptop.ip(f"link set {tunnel.client.interface} down")
    told = tunnel.client.command("pause", "0", code=FAILURE).err
    assert "cannot end the pause: " in told and "tried again" in told, told
    assert (lab.laptop.run("ping", "-n", "-c", "1", "-W", "1", addresses.ROUTER_LAN[4], code=None).code != 0) == lock
    lab.laptop.ip(f"link set {tunnel.client.interface} up")
    eventually("the pause is over", lambda: state() == before)
    assert lab.visit("address", addresses.SITE[4]) == {"address": addresses.VPS[4]}


@sentence("a pause that the kernel refuses is none: whoever asked is told, and everything goes on through the tunnel", seconds=8)
def pause_refused(lab):
    tunnel = connected(lab, lock=True)
    state = lambda: [lab.laptop.run("ip", f"-{version}", *words).out for version in (4, 6) for words in (("rule",), ("route", "show", "table", "all"))]
    before = state()

    def refused():
        told = tunnel.client.command("pause", "1h", code=None)
        if told.code == DONE:
            tunnel.client.command("pause", "0", code=None)
        return told.code != DONE and told
    # Whenever the client puts its table up again.
    pest = lab.laptop.start("sh", "-c", "while :; do nft delete table inet vpn-lock-laptop 2>/dev/null; done", log="pest")
    told = eventually("a pause is refused", refused, seconds=20)
    pest.kill()
    assert told.code == FAILURE and "cannot pause: " in told.err, told
    assert state() == before
    eventually("the lock stands", lambda: tunnel.client.status()["lock"]["state"] == "shut")
    assert lab.visit("address", addresses.SITE[4]) == {"address": addresses.VPS[4]}


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
    assert not in_clear(wire.packets), in_clear(wire.packets)


@sentence("blind hijack: SYN/ACKs from the LAN to the tunnel's address get no reset and no answer, on the LAN or through the tunnel: over IPv{version}", seconds=8,
          version=(4, 6))
def blind_hijack(lab, version):
    tunnel = connected(lab, outer=4)
    inner = addresses.TUNNEL_CLIENT[version]
    lab.router.run("ip", f"-{version}", "route", "add", inner, "via", addresses.LAPTOP[version], "dev", "lan0")

    def entered():
        return int(lab.laptop.read(f"/sys/class/net/{tunnel.client.interface}/statistics/tx_packets"))
    with capture(lab) as wire:
        lab.router.run("ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", inner, code=1)
        before = entered()
        for source in (addresses.ROUTER_LAN[version], addresses.SITE[version]):
            lab.router.run(*PYTHON, PROGRAMS / "synack.py", source, inner, 20)
        time.sleep(0.5)
        assert entered() == before, "something was answered through the tunnel"
    asked = [packet for packet in wire.packets if packet.destination == inner and packet.protocol == 6]
    assert len(asked) == 40 and all(packet.payload[13] == 0x12 for packet in asked), asked
    answers = [packet for packet in wire.packets if packet.source == inner]
    assert not answers, answers
    # Whoever is asked at an address that is no secret does answer: these SYN/ACKs are good ones.
    with capture(lab) as wire:
        lab.router.run(*PYTHON, PROGRAMS / "synack.py", addresses.ROUTER_LAN[version], addresses.LAPTOP[version], 2)
    resets = [packet for packet in wire.packets if packet.source == addresses.LAPTOP[version] and packet.protocol == 6 and packet.payload[13] & 4]
    assert resets, wire.packets
