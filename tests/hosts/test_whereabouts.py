"""How soon a tunnel finds its way again: another network, waking, a server whose name has another address or several."""

import statistics
import time

from . import addresses
from .capture import Capture, read
from .lab import PROGRAMS, PYTHON
from .logind import Elogind
from .ours import BAD_CONFIG, CLIENT
from .patience import eventually
from .sentences import sentence
from .test_roaming import change_address
from .tunnel import Tunnel, connected, pinging

# What the project promises, in seconds.
FIRST_PACKET, ON_WAKING = 0.1, 2.0
RESOLVER, OTHER_RESOLVER = addresses.ROUTER_LAN[4], addresses.ROUTER_LAN[6]
NEW_VPS = {4: "198.51.100.20", 6: "2001:db8:100::20"}


def initiations(packets, source=None):
    return [packet for packet in packets if packet.is_initiation and source in (None, packet.source)]


def on_port_53(packet):
    return packet.protocol in (6, 17) and addresses.DNS_PORT in packet.ports


def signal(tunnel, name):
    tunnel.client.host.run("kill", f"-{name}", *tunnel.client.pids)


def change_back(lab, outer):
    length, nodad = {4: (24, ""), 6: (64, " nodad")}[outer]
    lab.laptop.ip(f"addr del {addresses.LAPTOP_MOVED[outer]}/{length} dev eth0", f"addr add {addresses.LAPTOP[outer]}/{length} dev eth0{nodad}",
                  f"route replace default via {addresses.ROUTER_LAN[outer]} dev eth0")


def delay_after(host, interface, change):
    """Seconds from a change to the first initiation after it began, as a wire showed it."""
    with Capture(host, interface, lambda packet: packet.is_initiation) as wire:
        began = time.time()
        change()
        done = time.time()
        time.sleep(0.4)
    after = [packet.time for packet in wire.packets if packet.time >= began]
    assert after, "no initiation at all"
    return after[0] - done


@sentence("the first handshake packet leaves within 100 milliseconds of a change of the IPv{outer} address", outer=(4, 6), seconds=8, suites=True)
def first_packet(lab, outer):
    connected(lab, outer=outer)
    time.sleep(0.2)
    # The machine that runs this may be busy for a moment: the middle one of five counts.
    delays = [delay_after(lab.router, "lan0", lambda change=change: change(lab, outer))
              for change in (change_address, change_back, change_address, change_back, change_address)]
    assert statistics.median(delays) <= FIRST_PACKET, delays


@sentence("the first handshake packet leaves by another network within 100 milliseconds of the way there, over IPv{outer}", outer=(4, 6), seconds=8)
def first_packet_elsewhere(lab, outer):
    lab.open_cafe()
    connected(lab, outer=outer)
    time.sleep(0.2)

    def home():
        lab.laptop.ip("link set eth0 up", f"addr replace {addresses.LAPTOP[6]}/64 dev eth0 nodad",
                      *(f"route del default via {addresses.ROUTER_CAFE[version]} dev wlan0" for version in (4, 6)),
                      *(f"route add default via {addresses.ROUTER_LAN[version]} dev eth0" for version in (4, 6)))
    delays = []
    for _ in range(2):
        delays += [delay_after(lab.router, "cafe0", lab.move_to_cafe), delay_after(lab.router, "lan0", home)]
    assert statistics.median_low(delays) <= FIRST_PACKET, delays


@sentence("what changes elsewhere on the machine is no reason for a handshake", seconds=4)
def not_every_change(lab):
    connected(lab)
    time.sleep(0.2)
    with Capture(lab.router, "lan0") as wire:
        lab.laptop.ip("link add other0 type veth peer name other1", "link set other1 up", "link set other0 up", "addr add 172.31.0.1/24 dev other0",
                      "route add 172.31.9.0/24 via 172.31.0.9 dev other0", f"route add 172.31.8.0/24 via {addresses.ROUTER_LAN[4]} dev eth0",
                      "addr add 192.0.2.77/24 dev eth0", "route add default via 172.31.0.9 dev other0 table 77", "link del other0")
        time.sleep(0.5)
    assert not initiations(wire.packets), wire.packets


@sentence("a client that was stopped for {gap} seconds under a ping goes on within two seconds of waking", gap=(3,), seconds=10, suites=True)
def stopped(lab, gap):
    wakes_in_time(lab, gap)


@sentence("a client that was stopped for {gap} seconds under a ping, keys too old, goes on within two seconds of waking", gap=(200,), seconds=215,
          apart=True, suites=True)
def stopped_for_long(lab, gap):
    wakes_in_time(lab, gap)


def wakes_in_time(lab, gap):
    tunnel = connected(lab)
    with pinging(lab.laptop, addresses.TUNNEL_SERVER[4], every=0.1):
        signal(tunnel, "STOP")
        time.sleep(gap)
        with Capture(lab.router, "lan0", lambda packet: packet.is_initiation) as wire:
            woke = time.time()
            signal(tunnel, "CONT")
            # What waited in the queue may come first: one that is sent after the waking counts.
            lab.laptop.run("ping", "-n", "-c", "1", "-W", "5", addresses.TUNNEL_SERVER[4])
            took = time.time() - woke
            eventually("a handshake", lambda: any(packet.is_initiation for packet in read(wire.path)))
    assert took <= ON_WAKING, f"{took:.2f} s"
    assert wire.packets and wire.packets[0].time - woke <= ON_WAKING, wire.packets


@sentence("a handshake begins when logind says that the machine has woken, not when it says that it goes to sleep", seconds=10)
def logind(lab):
    sleeper = Elogind(lab.laptop)
    tunnel = connected(lab)
    time.sleep(0.2)
    with Capture(lab.router, "lan0", lambda packet: packet.is_initiation) as wire:
        asleep, awake = sleeper.sleep()
        eventually("a handshake", lambda: any(packet.is_initiation for packet in read(wire.path)))
    assert awake - asleep > 1, (asleep, awake)
    assert wire.packets and asleep < awake <= wire.packets[0].time + 0.05, (asleep, awake, wire.packets)
    assert wire.packets[0].time - awake <= ON_WAKING, (asleep, awake, wire.packets)
    sleeper.bus.stop()
    time.sleep(0.3)
    assert delay_after(lab.router, "lan0", lambda: (signal(tunnel, "STOP"), signal(tunnel, "CONT"))) <= ON_WAKING
    lab.visit("address", addresses.SITE[4])


def write_zone(lab, name, four="-", six="-"):
    lab.router.write("/run/zone", f"{name} {four} {six}\n", 0o644)


def move_server(lab):
    """The VPS has other addresses from now on, and its name says so."""
    a = addresses
    lab.vps.ip(f"addr del {a.VPS[4]}/24 dev eth0", f"addr add {NEW_VPS[4]}/24 dev eth0", f"route replace default via {a.ROUTER_VPS[4]} dev eth0",
               f"addr del {a.VPS[6]}/64 dev eth0", f"addr add {NEW_VPS[6]}/64 dev eth0 nodad")
    write_zone(lab, "home.vps.test", NEW_VPS[4])


def resolvers_let_through(lab):
    listed = lab.laptop.run("nft", "list", "table", "inet", "vpn-lock-laptop").out
    return RESOLVER in listed


@sentence("a server whose name has another address is found there{lock}, and names are asked by marked sockets of the servers from before alone",
          lock=("", ", under the lock too"), seconds=45, apart=True)
def other_address(lab, lock):
    lab.nat()  # so that the server, which has not forgotten its client, can't speak first
    write_zone(lab, "home.vps.test", addresses.VPS[4])
    lab.laptop.nft('table inet watch { chain out { type filter hook output priority 100; policy accept; '
                   'oifname "eth0" meta l4proto { tcp, udp } th dport 53 meta mark 0x76706e counter comment "marked"; '
                   'oifname "eth0" meta l4proto { tcp, udp } th dport 53 meta mark != 0x76706e counter comment "bare"; }; }')
    tunnel = Tunnel(lab, endpoint=f"home.vps.test:{addresses.PORT}", lock=bool(lock), dns=[addresses.SITE[4]], keepalive=5).up()
    bare_before = counted(lab, "bare")
    with Capture(lab.router, "lan0", on_port_53) as wire, pinging(lab.laptop, addresses.TUNNEL_SERVER[4], every=0.2) as pings:
        move_server(lab)
        lost = max(pings.answered)
        eventually("an answer from the new address", lambda: max(pings.answered) > lost + 5, seconds=60)
    assert tunnel.client.status()["peers"][0]["endpoint"].startswith(NEW_VPS[4])
    asked = [packet for packet in wire.packets if packet.ports[1] == addresses.DNS_PORT]
    assert asked and all(packet.destination == RESOLVER for packet in asked), wire.packets
    assert all(b"\4home\3vps\4test" in packet.raw for packet in asked), wire.packets
    assert counted(lab, "marked") >= len(asked) and counted(lab, "bare") == bare_before, "not all of them were marked"
    if lock:
        eventually("the lock is shut for names again", lambda: not resolvers_let_through(lab))
        refused = lab.laptop.run(*PYTHON, PROGRAMS / "visitor.py", "dns", RESOLVER, "which.test", "TXT", code=None)
        assert refused.code != 0, refused


@sentence("under `run`, a server whose name has another address is found there: names are asked, outside, of whom the machine asks at that moment",
          seconds=60, apart=True)
def other_address_under_run(lab):
    lab.nat()
    write_zone(lab, "home.vps.test", addresses.VPS[4])
    tunnel = Tunnel(lab, endpoint=f"home.vps.test:{addresses.PORT}", dns=[addresses.SITE[4]], keepalive=5)
    tunnel.server.up()
    tunnel.client.write()
    process = lab.laptop.start(CLIENT, "run", "laptop", "--", "ping", "-n", "-O", "-i", "0.5", addresses.TUNNEL_SERVER[4], log="run")

    def answers():
        return process.out.count("bytes from")
    eventually("the program has its way", lambda: answers() > 2, seconds=20)
    # As another network's DHCP does it: the machine has other name servers now than when the program was started.
    lab.laptop.sh(f"echo nameserver {OTHER_RESOLVER} > /etc/resolv.conf")
    with Capture(lab.router, "lan0", on_port_53) as wire:
        move_server(lab)
        time.sleep(3)
        before = answers()
        eventually("an answer from the new address", lambda: answers() > before + 5, seconds=60)
    assert tunnel.client.status()["peers"][0]["endpoint"].startswith(NEW_VPS[4])
    asked = [packet for packet in wire.packets if packet.ports[1] == addresses.DNS_PORT]
    assert asked and all(packet.destination == OTHER_RESOLVER and b"\4home\3vps\4test" in packet.raw for packet in asked), wire.packets
    process.stop()


def counted(lab, comment):
    """Packets that a rule of the watching table has seen."""
    for line in lab.laptop.run("nft", "list", "table", "inet", "watch").out.splitlines():
        if comment in line:
            return int(line.split("packets ")[1].split()[0])
    raise AssertionError(f"no rule {comment}")


@sentence("after a change of the network the server's name is asked for at once, and it is found where it is now", seconds=12)
def other_address_elsewhere(lab):
    lab.nat()
    write_zone(lab, "home.vps.test", addresses.VPS[4])
    tunnel = Tunnel(lab, endpoint=f"home.vps.test:{addresses.PORT}").up()
    move_server(lab)
    change_address(lab, 4)
    eventually("the tunnel works again", lambda: lab.laptop.run("ping", "-n", "-c", "1", "-W", "1", addresses.TUNNEL_SERVER[4], code=None).code == 0,
               seconds=20)
    assert tunnel.client.status()["peers"][0]["endpoint"].startswith(NEW_VPS[4])


@sentence("of a name with both families, the one that answers is taken a quarter of a second later: IPv{deaf} is deaf", deaf=(4, 6), seconds=6)
def raced(lab, deaf):
    heard = 10 - deaf
    write_zone(lab, "both.test", addresses.VPS[4], addresses.VPS[6])
    lab.router.nft(f'table inet deaf {{ chain pass {{ type filter hook forward priority 0; {"ip" if deaf == 4 else "ip6"} daddr '
                   f'{addresses.VPS[deaf]} udp dport {addresses.PORT} drop; }}; }}')
    tunnel = Tunnel(lab, endpoint=f"both.test:{addresses.PORT}")
    tunnel.server.up()
    with Capture(lab.router, "lan0", lambda packet: packet.is_initiation) as wire:
        tunnel.client.up()
    assert tunnel.client.status()["peers"][0]["endpoint"] == addresses.host_port(addresses.VPS[heard], addresses.PORT)
    first, *others = wire.packets
    if first.version == deaf:  # the one that is preferred
        assert others and others[0].version == heard, wire.packets
        assert 0.24 <= others[0].time - first.time < 2.5, others[0].time - first.time
        assert others[0].payload[8:] == first.payload[8:], "not the same initiation"


@sentence("where IPv6 is taken away from a network, a server of both families is found by IPv4 within a second", seconds=8)
def family_lost(lab):
    write_zone(lab, "both.test", addresses.VPS[4], addresses.VPS[6])
    tunnel = Tunnel(lab, endpoint=f"both.test:{addresses.PORT}").up()
    assert tunnel.client.status()["peers"][0]["endpoint"].startswith("[")
    with pinging(lab.laptop, addresses.TUNNEL_SERVER[4]) as pings:
        time.sleep(0.5)
        lab.laptop.run("ip", "-6", "route", "del", "default")
        time.sleep(2.5)
    assert pings.longest_silence <= 1.0, f"{pings.longest_silence:.2f} s without an answer"
    assert tunnel.client.status()["peers"][0]["endpoint"] == addresses.host_port(addresses.VPS[4], addresses.PORT)


@sentence("under a lock that stands already, `connect` finds its server by name, and asks nobody else for it", seconds=8)
def locked_before(lab):
    tunnel = Tunnel(lab, endpoint=f"vps.test:{addresses.PORT}", lock=True)
    tunnel.server.up()
    tunnel.client.write()
    tunnel.client.command("lock", tunnel.client.file)
    with Capture(lab.router, "lan0", on_port_53) as wire:
        asked = lab.laptop.run(*PYTHON, PROGRAMS / "visitor.py", "dns", RESOLVER, "which.test", "TXT", code=None)
        assert asked.code != 0, asked
        tunnel.client.connect()
        assert not resolvers_let_through(lab)
    assert wire.packets and all(b"\3vps\4test" in packet.raw and RESOLVER in (packet.source, packet.destination) for packet in wire.packets), wire.packets
    tunnel.client.disconnect()


def with_endpoints(tunnel, *endpoints):
    """The client's file with a list of them."""
    config = tunnel.client.config()
    config["peers"][0]["endpoint"] = list(endpoints)
    tunnel.client.write(config)


@sentence("of several endpoints the first that answers is taken, in their order, whatever is wrong with those before: {wrong}", seconds=10,
          wrong=("nobody lives there", "its name does not resolve", "no way leads there"))
def in_order(lab, wrong):
    if wrong == "no way leads there":
        lab.laptop.run("ip", "route", "add", "prohibit", addresses.NOWHERE[4])
    bad = {"nobody lives there": f"{addresses.NOBODY[4]}:{addresses.PORT}", "its name does not resolve": f"missing.test:{addresses.PORT}",
           "no way leads there": f"{addresses.NOWHERE[4]}:{addresses.PORT}"}[wrong]
    tunnel = Tunnel(lab)
    with_endpoints(tunnel, bad, f"vps.test:{addresses.PORT}", f"{addresses.VPS[4]}:9")
    tunnel.server.up()
    told = tunnel.client.connect("--timeout", "20s")
    assert ("missing.test" in told.err) == (wrong == "its name does not resolve"), told
    assert tunnel.client.status()["peers"][0]["endpoint"].endswith(f":{addresses.PORT}")
    lab.visit("address", addresses.SITE[4])


@sentence("a server that falls silent is left for the next in the list, and found again where it was{lock}", lock=("", ", under the lock too"), seconds=50, apart=True)
def falls_silent(lab, lock):
    tunnel = Tunnel(lab, lock=bool(lock), keepalive=5)
    lab.vps.ip(f"addr add {NEW_VPS[4]}/24 dev eth0")
    with_endpoints(tunnel, f"{addresses.VPS[4]}:{addresses.PORT}", f"{NEW_VPS[4]}:{addresses.PORT}")
    tunnel.server.up()
    tunnel.client.connect()

    def deafen(address):
        lab.router.nft(f"table inet deaf {{}}\ndelete table inet deaf\ntable inet deaf {{ chain pass {{ type filter hook forward priority 0; "
                       f"ip daddr {address} udp dport {addresses.PORT} drop; ip saddr {address} udp sport {addresses.PORT} drop; }}; }}")

    def endpoint():
        return tunnel.client.status()["peers"][0]["endpoint"].partition(":")[0]
    assert endpoint() == addresses.VPS[4]
    with pinging(lab.laptop, addresses.TUNNEL_SERVER[4], every=0.2) as pings:
        for deaf, heard in ((addresses.VPS[4], NEW_VPS[4]), (NEW_VPS[4], addresses.VPS[4])):
            deafen(deaf)
            lost = max(pings.answered)
            eventually(f"an answer from {heard}", lambda lost=lost: max(pings.answered) > lost + 10, seconds=60)
            assert endpoint() == heard


@sentence("a list of endpoints that is none is refused with its line, and wg-quick's text has room for the first alone, which is said", seconds=3)
def list_of_endpoints(lab):
    tunnel = Tunnel(lab)
    for wrong, complaint in (([], "names no server"), (["a.test:1", 7], "must be a string"), (["a.test:1", "a.test:1"], "listed twice"),
                             ([f"a{number}.test:1" for number in range(9)], "9 items"), (["a.test"], "the port is missing")):
        with_endpoints(tunnel, *wrong)
        told = tunnel.client.command("check", tunnel.client.file, code=BAD_CONFIG)
        assert complaint in told.err and f"{tunnel.client.file}:" in told.err, told
    with_endpoints(tunnel, "a.test:1", "b.test:2")
    told = tunnel.client.command("export", tunnel.client.file, "--format", "wg")
    assert "Endpoint = a.test:1\n" in told.out and "b.test" not in told.out, told
    assert "only the first" in told.err and "a.test:1" in told.err, told
