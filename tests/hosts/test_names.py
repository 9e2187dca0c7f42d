"""Where names of servers are asked for while a tunnel stands: of the network that the laptop is in now, past whatever has the tunnel's."""

import json
import time

from . import addresses
from .capture import Capture, read
from .lab import PROGRAMS, PYTHON
from .ours import CLIENT, OurClient
from .patience import eventually
from .resolvers import RESOLV_CONF, STUB_FILE, DebianResolvconf, Openresolv, SystemdResolved, name_servers
from .second_peer import PORT, endpoints, main_endpoint, second_answers, with_second_peer
from .sentences import sentence
from .test_roaming import change_address
from .test_whereabouts import NEW_VPS, move_server, on_port_53, write_zone
from .tunnel import Facts, Tunnel, pinging
from .wireguard import genkey, pubkey

INSIDE, HOME, CAFE = addresses.SITE[4], addresses.ROUTER_LAN[4], addresses.ROUTER_CAFE[4]
SERVER = "home.vps.test"
HOSTILE = "10.66.0.53"
FORGETS = ", which is told then that the network's are no more"


class File:
    """Whoever writes /etc/resolv.conf by himself."""

    def __init__(self, host):
        self.host = host

    def move(self, servers):
        self.host.write("/run/theirs", "".join(f"nameserver {server}\n" for server in servers))
        self.host.sh(f"cat /run/theirs > {RESOLV_CONF}")


class FileInItsPlace(File):
    """As a DHCP client does it that renames."""

    def move(self, servers):
        super().move(servers)
        self.host.sh(f"cp /run/theirs {RESOLV_CONF}.new; mv {RESOLV_CONF}.new {RESOLV_CONF}")


class NetworkManager(File):
    """Its own file, to which /etc/resolv.conf is a link."""

    def __init__(self, host):
        super().__init__(host)
        host.sh(f"mkdir -p /run/NetworkManager; echo nameserver {HOME} > /run/NetworkManager/resolv.conf; "
                f"ln -sfn ../run/NetworkManager/resolv.conf {RESOLV_CONF}")

    def move(self, servers):
        self.host.write("/run/NetworkManager/new", "".join(f"nameserver {server}\n" for server in servers))
        self.host.sh("mv /run/NetworkManager/new /run/NetworkManager/resolv.conf")


class Told:
    """A resolvconf, told by a DHCP client."""

    def __init__(self, host, kind):
        self.host = host
        kind(host)

    def move(self, servers):
        lines = "".join(f"nameserver {server}\\n" for server in servers)
        self.host.sh(f"resolvconf -d eth0.dhcp || :; printf '{lines}' | resolvconf -a wlan0.dhcp")


class Resolved:
    """systemd-resolved, told by whoever manages the links; nobody takes away what a link had that is down."""

    def __init__(self, host):
        self.resolved = SystemdResolved(host)

    def move(self, servers):
        self.resolved.control("dns", "wlan0", *servers)


class ListOfResolved(Resolved):
    """The same, but /etc/resolv.conf is a link to the list that it writes of all links' servers: nobody comes to it by the file."""

    def __init__(self, host):
        super().__init__(host)
        host.sh(f"ln -sfn /run/systemd/resolve/resolv.conf {RESOLV_CONF}")
        assert set(name_servers(host)) == {HOME}, name_servers(host)


class LateNetworkManager(NetworkManager):
    """Comes to a machine that has a file of its own, and knows the servers a moment after that."""

    def __init__(self, host):
        File.__init__(self, host)

    def move(self, servers):
        NetworkManager.__init__(self, self.host)
        self.host.sh("sleep 1")
        super().move(servers)


KEEPERS = {"a file": File, "a file that is renamed": FileInItsPlace, "NetworkManager's file": NetworkManager,
           "openresolv": lambda host: Told(host, Openresolv), "Debian's resolvconf": lambda host: Told(host, DebianResolvconf),
           "systemd-resolved": Resolved, "systemd-resolved's list": ListOfResolved, "NetworkManager's file, which comes later": LateNetworkManager}


def cafe(lab):
    """Another network, from which the name server of the first one is out of reach."""
    lab.open_cafe()
    lab.router.nft(f"table inet hide {{ chain in {{ type filter hook input priority 0; policy accept; "
                   f'iifname "cafe0" ip daddr {HOME} meta l4proto {{ tcp, udp }} th dport 53 drop; }}; }}')
    lab.nat()
    for host in (lab.router, lab.site):
        host.write("/run/zone", f"{SERVER} {addresses.VPS[4]} -\n", 0o644)


def works(lab):
    return lab.laptop.run("ping", "-n", "-c", "1", "-W", "1", addresses.TUNNEL_SERVER[4], code=None).code == 0


def asked(packets):
    """Whom questions went to; all of them are for the server's name."""
    questions = [packet for packet in packets if packet.ports[1] == addresses.DNS_PORT]
    assert all(b"\4home\3vps\4test" in packet.raw for packet in questions), questions
    return {packet.destination for packet in questions}


@sentence("in another network the server's name is asked for there, and it is found where it is now within {bound} seconds: {keeper}, known {when} the way, {lock}",
          bound=(15,), keeper=tuple(KEEPERS), when=("before", "after"), lock=("without a lock", "under the lock"), seconds=15)
def new_network(lab, bound, keeper, when, lock):
    cafe(lab)
    machine = KEEPERS[keeper](lab.laptop)
    tunnel = Tunnel(lab, endpoint=f"{SERVER}:{addresses.PORT}", lock=lock == "under the lock", dns=[INSIDE]).up()
    with Capture(lab.router, "cafe0", on_port_53) as wire:
        move_server(lab)
        if when == "before":
            machine.move([HOSTILE, CAFE])
        lab.move_to_cafe()
        if when == "after":
            lab.laptop.sh("sleep 0.5")
            machine.move([CAFE])
        eventually("the tunnel works again", lambda: works(lab), seconds=bound)
    assert tunnel.client.status()["peers"][0]["endpoint"].startswith(NEW_VPS[4])
    assert asked(wire.packets) == ({HOSTILE, CAFE} if when == "before" else {HOME, CAFE}), asked(wire.packets)
    if lock == "under the lock":
        eventually("the lock is shut for names", lambda: CAFE not in lab.laptop.run("nft", "list", "table", "inet", "vpn-lock-laptop").out)
        refused = lab.laptop.run(*PYTHON, PROGRAMS / "visitor.py", "dns", CAFE, "which.test", "TXT", code=None)
        assert refused.code != 0, refused
    if keeper != "systemd-resolved":
        assert name_servers(lab.laptop)[0] == INSIDE
    tunnel.client.disconnect()
    if keeper != "systemd-resolved":
        assert CAFE in name_servers(lab.laptop)


@sentence("a network that gives the tunnel's own name server as its own does not have it asked in clear, and the ones from before are: {keeper}",
          keeper=("a file", "systemd-resolved"), seconds=15)
def tunnels_own(lab, keeper):
    cafe(lab)
    machine = KEEPERS[keeper](lab.laptop)
    tunnel = Tunnel(lab, endpoint=f"{SERVER}:{addresses.PORT}", dns=[INSIDE]).up()
    # Within reach from here as well, and answering by its own address.
    lab.router.nft(f"table inet hide {{}}\ndelete table inet hide\ntable ip within {{ chain in {{ type nat hook prerouting priority dstnat; "
                   f'iifname "cafe0" ip daddr {HOME} udp dport 53 dnat to {CAFE}; }}; }}')
    with Capture(lab.router, "cafe0", on_port_53) as wire:
        move_server(lab)
        machine.move([INSIDE, "127.0.0.1"])
        lab.move_to_cafe()
        eventually("the tunnel works again", lambda: works(lab), seconds=30)
    assert tunnel.client.status()["peers"][0]["endpoint"].startswith(NEW_VPS[4])
    assert asked(wire.packets) == {HOME}, wire.packets


@sentence("while the machine's bus hangs a change of name servers holds the client up for less than {bound} seconds", bound=(5,), seconds=15)
def bus_hangs(lab, bound):
    machine = Resolved(lab.laptop)
    lab.nat()
    write_zone(lab, SERVER, addresses.VPS[4])
    tunnel = Tunnel(lab, endpoint=f"{SERVER}:{addresses.PORT}").up()
    lab.laptop.run("kill", "-STOP", machine.resolved.bus.pid)
    lab.laptop.sh(f"ln -sfn {STUB_FILE} {RESOLV_CONF}; sleep 0.3")
    began = time.monotonic()
    assert tunnel.client.status()["peers"][0]["endpoint"]
    took = time.monotonic() - began
    lab.laptop.run("kill", "-CONT", machine.resolved.bus.pid)
    assert took < bound, took


def second_connection(tunnel, **facts):
    """Another of the server's peers: its file is written, under the name `second`."""
    key = genkey()
    config = tunnel.server.config()
    config["peers"].append({"name": "second", "public_key": pubkey(key), "addresses": ["10.66.0.9/32"]})
    tunnel.server.write(config)
    client = OurClient(tunnel.client.host, Facts(server_key=tunnel.facts.server_key, client_key=key, client_addresses=["10.66.0.9/32"], **facts), "second")
    client.write()
    return client


@sentence("`run` beside a connection asks for its server's name of the name servers from before that, and of that connection's never in clear: {keeper}",
          keeper=("a file", "systemd-resolved", "openresolv", f"openresolv{FORGETS}", "systemd-resolved's list"), seconds=75, apart=True)
def run_beside(lab, keeper):
    KEEPERS[keeper.removesuffix(FORGETS)](lab.laptop)
    lab.nat()
    tunnel = Tunnel(lab, dns=[INSIDE])
    second = second_connection(tunnel, endpoint=f"{SERVER}:{addresses.PORT}", dns=[HOSTILE], allowed_ips=["10.66.0.0/24"], keepalive=5)
    for host in (lab.router, lab.site):
        host.write("/run/zone", f"{SERVER} {addresses.VPS[4]} -\n", 0o644)
    tunnel.up()
    with Capture(lab.router, "lan0", on_port_53) as wire:
        process = lab.laptop.start(CLIENT, "run", "second", "--", "ping", "-n", "-O", "-i", "0.5", addresses.TUNNEL_SERVER[4], log="run")

        def answers():
            return process.out.count("bytes from")
        eventually("the program has its way", lambda: answers() > 2, seconds=20)
        if keeper.endswith(FORGETS):
            lab.laptop.sh("resolvconf -d eth0.dhcp")
            assert name_servers(lab.laptop) == [INSIDE]
        move_server(lab)
        # Whoever else would be asked has his turn.
        lab.router.nft('table inet deaf { chain in { type filter hook input priority 0; iifname "lan0" udp dport 53 drop; }; }')
        eventually("it was asked for twice", lambda: sum(packet.destination == HOME for packet in read(wire.path)) >= 4, seconds=60)
        lab.router.nft("delete table inet deaf")
        before = answers()
        eventually("an answer from the new address", lambda: answers() > before + 5, seconds=60)
    assert second.status()["peers"][0]["endpoint"].startswith(NEW_VPS[4])
    assert asked(wire.packets) == {HOME}, wire.packets
    process.stop()


@sentence("a second connection asks for its server's name of the name servers from before the first, and of the first one's never in clear: {keeper}",
          keeper=("a file", "systemd-resolved's list"), seconds=40, apart=True)
def connect_beside(lab, keeper):
    KEEPERS[keeper](lab.laptop)
    lab.nat()
    inside = addresses.SITE[6]
    tunnel = Tunnel(lab, dns=[inside], allowed_ips=["10.66.0.0/24", "::/0"])
    second = second_connection(tunnel, endpoint=f"{SERVER}:{addresses.PORT}", allowed_ips=["10.66.1.0/24"], keepalive=5)
    config = second.config()
    config["interface"].pop("probe")
    second.write(config)
    for host in (lab.router, lab.site):
        host.write("/run/zone", f"{SERVER} {addresses.VPS[4]} -\n", 0o644)
    tunnel.up()
    assert name_servers(lab.laptop) == [inside]
    second.up()
    lab.laptop.start("ping", "-n", "-i", "0.5", "10.66.1.1", log="ping")  # there is something to send
    with Capture(lab.router, "lan0", on_port_53) as wire:
        move_server(lab)
        eventually("it is found", lambda: second.status()["peers"][0]["endpoint"].startswith(NEW_VPS[4]), seconds=60)
    # Beside it, both look for a captive portal once their server is silent.
    assert {packet.destination for packet in wire.packets if packet.ports[1] == addresses.DNS_PORT} == {HOME}, wire.packets


@sentence("a peer beside the main one whose name has another address is found there, and the main one stays where it is{lock}",
          lock=("", ", under the lock too"), seconds=60, apart=True)
def second_peer(lab, lock):
    lab.nat()
    lab.vps.ip(f"addr add {NEW_VPS[4]}/24 dev eth0")
    write_zone(lab, SERVER, addresses.VPS[4])
    tunnel = with_second_peer(lab, f"{SERVER}:{PORT}", keepalive=5, lock=bool(lock))
    tunnel.client.up()
    eventually("the other peer answers", lambda: second_answers(lab), seconds=20)
    with Capture(lab.router, "lan0", on_port_53) as wire, pinging(lab.laptop, addresses.TUNNEL_SERVER[4]) as pings:
        lab.router.nft(f"table inet deaf {{ chain pass {{ type filter hook forward priority 0; ip daddr {addresses.VPS[4]} udp dport {PORT} drop; "
                       f"ip saddr {addresses.VPS[4]} udp sport {PORT} drop; }}; }}")
        write_zone(lab, SERVER, NEW_VPS[4])
        eventually("the other peer answers from elsewhere", lambda: second_answers(lab), seconds=90)
    assert endpoints(tunnel) == {"vps": main_endpoint(), "other": f"{NEW_VPS[4]}:{PORT}"}, endpoints(tunnel)
    assert asked(wire.packets) == {HOME}, wire.packets
    assert pings.longest_silence < 1, pings.longest_silence
    names = [packet for packet in wire.packets if packet.ports[1] == addresses.DNS_PORT]
    assert len(names) <= 12, f"{len(names)} questions"


def link_local(host, link):
    """The address that the kernel gave to a link of this host."""
    listed = json.loads(host.run("ip", "-j", "-6", "addr", "show", "dev", link).out)[0]["addr_info"]
    return next(each["local"] for each in listed if each["scope"] == "link")


ASK_IN_CLEAR = """
import socket
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as door:
    try:
        door.connect((%r, 53, 0, socket.if_nametoindex("eth0")))
        door.send(b"in clear")
    except PermissionError:
        pass
"""


@sentence("where the only name server is link-local, the server's name is asked for there, by its interface, and nowhere else: {keeper}, {lock}",
          keeper=("a file", "a file, by number", "NetworkManager's file", "openresolv", "systemd-resolved"), lock=("without a lock", "under the lock"), seconds=12)
def of_link(lab, keeper, lock):
    lab.nat()
    write_zone(lab, SERVER, addresses.VPS[4])
    machine = KEEPERS[keeper.removesuffix(", by number")](lab.laptop)
    router = link_local(lab.router, "lan0")
    zone = lab.laptop.run("cat", "/sys/class/net/eth0/ifindex").out.strip() if keeper.endswith("by number") else "eth0"
    told = f"{router}%{zone}"
    if keeper == "systemd-resolved":
        machine.resolved.control("dns", "eth0", router)
        # Its list is read where it is slow to answer, and says so only at its next change.
        lab.laptop.sh(f"echo nameserver {told} > /run/systemd/resolve/resolv.conf")
    elif keeper == "openresolv":
        lab.laptop.sh(f"resolvconf -d eth0.dhcp || :; echo 'nameserver {told}' | resolvconf -a eth0.ra")
    else:
        machine.move([told])
    tunnel = Tunnel(lab, endpoint=f"{SERVER}:{addresses.PORT}", lock=lock == "under the lock", dns=[INSIDE])
    tunnel.server.up()
    tunnel.client.write()
    if lock == "under the lock":  # it stands before there is a tunnel, too
        tunnel.client.command("lock", tunnel.client.file)
    with Capture(lab.router, "lan0", on_port_53) as first:
        tunnel.client.connect()
    with Capture(lab.router, "lan0", on_port_53) as wire:
        move_server(lab)
        change_address(lab, 4)
        eventually("the tunnel works again", lambda: works(lab), seconds=20)
    assert tunnel.client.status()["peers"][0]["endpoint"].startswith(NEW_VPS[4])
    assert asked(wire.packets) == {router}, asked(wire.packets)
    if lock == "under the lock":
        assert asked(first.packets) == {router}, asked(first.packets)  # without one the machine asks by itself
        eventually("the lock is shut for names", lambda: router not in lab.laptop.run("nft", "list", "table", "inet", "vpn-lock-laptop").out)
        with Capture(lab.router, "lan0", on_port_53) as wire:
            lab.laptop.run(*PYTHON, "-c", ASK_IN_CLEAR % router)
        assert not wire.packets, wire.packets


@sentence("`doctor` looks names up beside each other: with four that nobody answers it takes less than twice as long as with one", seconds=25)
def doctor_beside(lab):
    lab.laptop.write(RESOLV_CONF, f"nameserver {addresses.NOBODY[4]}\noptions timeout:30\n", 0o644)
    tunnel = Tunnel(lab)
    took = {}
    for count in (1, 4):
        config = tunnel.client.config()
        config["peers"][0]["endpoint"] = [f"a{number}.test:51820" for number in range(count)]
        tunnel.client.write(config)
        done = lab.laptop.run("sh", "-c", f"date +%s.%N; {CLIENT} doctor laptop --json; date +%s.%N", timeout=60).out
        began, *said, ended = done.strip().splitlines()
        findings = json.dumps(json.loads("\n".join(said)))
        assert all(f"a{number}.test" in findings for number in range(count)), findings
        took[count] = float(ended) - float(began)
    assert took[4] < 2 * took[1], took
