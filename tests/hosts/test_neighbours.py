"""The server's NAT and firewall: what peers may, and how it gets along with the firewalls that are there already."""

import json

from . import addresses
from .capture import Capture
from .firewalls import CONTAINER, Docker, Firewalld, LegacyFirewall, Ufw
from .lab import PROGRAMS, PYTHON
from .ours import DONE
from .patience import eventually
from .sentences import sentence
from .test_data import ping
from .tunnel import WIREGUARD_GO, Facts, Tunnel, connected, pinging
from .wireguard import WireguardClient, pubkey

OTHER = {4: "10.66.0.9", 6: "fd66::9"}
MARK = "vpn-server-vpns"


def sees_the_site(lab, version=4):
    """The laptop gets there and back, under the VPS's address."""
    return lab.visit("address", addresses.SITE[version]) == {"address": addresses.VPS[version]}


def can_ping(host, address):
    return host.run("ping", "-n", "-c1", "-W1", address, code=None).code == 0


def two_peers(lab, **changes):
    """A tunnel of the laptop's, and a second peer's on the router, to a server with such a file."""
    tunnel = Tunnel(lab, client=WIREGUARD_GO)
    other = Facts(server_key=tunnel.facts.server_key, allowed_ips=list(addresses.TUNNEL_NETWORK.values()),
                  client_addresses=[f"{OTHER[4]}/32", f"{OTHER[6]}/128"])
    config = {**tunnel.server.config(), **changes}
    config["peers"].append({"name": "router", "public_key": pubkey(other.client_key), "addresses": other.client_addresses})
    tunnel.server.write(config)
    tunnel.up()
    WireguardClient(lab.router, other).up()
    return tunnel


def listed(server, key):
    return server.status()[key]


def flows(lab, *words):
    """Begins UDP flows on the laptop, and returns how many."""
    return json.loads(lab.laptop.run(*PYTHON, PROGRAMS / "flows.py", *words).out)["sent"]


# --- other firewalls ---------------------------------------------------------------------------------------------------------


@sentence("beside Docker's rules peers reach the site over IPv{version}, containers stay shut to them, iptables reads its tables as before, "
          "and a clean end leaves no rule", seconds=8, version=(4, 6))
def docker(lab, version):
    firewall = Docker(lab.vps)
    rules = firewall.rules()
    tunnel = connected(lab)
    assert sees_the_site(lab, version)
    assert listed(tunnel.server, "firewall_exceptions") == ["ip filter DOCKER-USER", "ip6 filter DOCKER-USER"]
    assert listed(tunnel.server, "firewall_obstacles") == []
    assert "firewall-exception" in tunnel.server.process.err
    with_ours = firewall.rules()
    assert f'-A DOCKER-USER -i vpns -o eth0 -m comment --comment {MARK} -j ACCEPT' in with_ours["iptables"].replace('"', ""), with_ours
    assert with_ours["iptables"].index(MARK) < with_ours["iptables"].index("-A DOCKER-USER -j RETURN")
    with Capture(lab.vps, "veth1", lambda packet: packet.destination == CONTAINER) as container:
        lab.laptop.run("ping", "-n", "-c3", "-i0.2", "-W1", CONTAINER, code=None)
    assert not container.packets, container.packets
    tunnel.server.down()
    assert firewall.rules() == rules


@sentence("an exception that somebody flushes comes again within a second, and what a crash leaves is the next run's", seconds=8)
def docker_flushed(lab):
    firewall = Docker(lab.vps)
    rules = firewall.rules()
    tunnel = connected(lab)
    with_ours = firewall.rules()
    firewall.restart_user_chain()
    eventually("the exception is back", lambda: firewall.rules() == with_ours, seconds=3)
    assert sees_the_site(lab)
    tunnel.server.process.kill()
    assert firewall.rules() == with_ours
    tunnel.server.up()
    assert firewall.rules() == with_ours, "rules pile up"
    tunnel.server.down()
    assert firewall.rules() == rules


@sentence("with firewall_exceptions false Docker's rules are left alone, and `status`, `check` and the log name the command that opens the way", seconds=8)
def docker_told(lab):
    firewall = Docker(lab.vps)
    rules = firewall.rules()
    tunnel = Tunnel(lab)
    tunnel.server.changes = {"firewall_exceptions": False}
    tunnel.up()
    assert firewall.rules() == rules
    assert not can_ping(lab.laptop, addresses.SITE[4]) and not can_ping(lab.laptop, addresses.SITE[6])
    obstacles = listed(tunnel.server, "firewall_obstacles")
    assert [one["firewall"] for one in obstacles] == ["docker", "docker"], obstacles
    for said in (tunnel.server.command("status").out, tunnel.server.command("check").err):
        assert all(f"run {one['command']}" in said for one in obstacles), said
    assert "firewall-obstacle" in tunnel.server.process.err
    for one in obstacles:
        lab.vps.sh(one["command"])
    eventually("nothing is in the way", lambda: listed(tunnel.server, "firewall_obstacles") == [])
    assert sees_the_site(lab, 4) and sees_the_site(lab, 6)


@sentence("beside ufw peers reach the site, through its reload too; that it shuts the listen port is told with the command, which opens it", seconds=20)
def ufw(lab):
    firewall = Ufw(lab.vps)
    tunnel = Tunnel(lab)
    tunnel.server.up()
    assert listed(tunnel.server, "firewall_exceptions") == ["ip filter ufw-user-forward", "ip6 filter ufw6-user-forward"]
    [obstacle] = listed(tunnel.server, "firewall_obstacles")
    assert obstacle["command"] == f"ufw allow {addresses.PORT}/udp", obstacle
    assert "ufw drops" in tunnel.server.command("check").err
    firewall.run(*obstacle["command"].split()[1:])
    eventually("nothing is in the way", lambda: listed(tunnel.server, "firewall_obstacles") == [])
    tunnel.client.up()
    for version in (4, 6):
        assert sees_the_site(lab, version)
    firewall.run("reload")
    eventually("the exception is back", lambda: MARK in lab.vps.run("iptables", "-S", "ufw-user-forward").out, seconds=3)
    assert MARK in lab.vps.run("ip6tables", "-S", "ufw6-user-forward").out
    assert sees_the_site(lab)
    tunnel.server.down()
    for version, chain in (("iptables", "ufw-user-forward"), ("ip6tables", "ufw6-user-forward")):
        assert lab.vps.run(version, "-S", chain).out.strip() == f"-N {chain}"
    firewall.run("status")


@sentence("beside firewalld `status` and `check` name the commands that let peers in and through, and they do", seconds=40)
def firewalld(lab):
    firewall = Firewalld(lab.vps)
    tunnel = Tunnel(lab)
    tunnel.server.up()
    obstacles = listed(tunnel.server, "firewall_obstacles")
    assert [one["drops"] for one in obstacles] == ["from peers to eth0", f"{addresses.PORT}/udp"], obstacles
    assert {one["firewall"] for one in obstacles} == {"firewalld"}
    assert listed(tunnel.server, "firewall_exceptions") == []
    assert "firewalld drops" in tunnel.server.command("check").err
    for one in obstacles:
        for command in one["command"].split(" && "):
            firewall.command(*command.split()[1:])
    eventually("nothing is in the way", lambda: listed(tunnel.server, "firewall_obstacles") == [])
    tunnel.client.up()
    for version in (4, 6):
        assert sees_the_site(lab, version)


def told_of_legacy(lab, chain):
    """`status`, `check` and the log of a server beside legacy tables; then what they tell to do is done, and the site is seen."""
    tunnel = Tunnel(lab)
    tunnel.up()
    assert not can_ping(lab.laptop, addresses.SITE[4]) and not can_ping(lab.laptop, addresses.SITE[6])
    obstacles = listed(tunnel.server, "firewall_obstacles")
    assert [one["chain"] for one in obstacles] == ["iptables-legacy filter FORWARD", "ip6tables-legacy filter FORWARD"], obstacles
    assert {one["drops"] for one in obstacles} == {"from peers to eth0"}
    for one, program in zip(obstacles, ("iptables-legacy", "ip6tables-legacy")):
        assert one["command"].startswith(f"{program} -I {chain} -i vpns -o eth0 -j ACCEPT && "), one
    for said in (tunnel.server.command("status").out, tunnel.server.command("check").err):
        assert all(f"run {one['command']}" in said for one in obstacles), said
    assert tunnel.server.process.err.count("firewall-obstacle") == 2
    assert listed(tunnel.server, "firewall_exceptions") == [] and listed(tunnel.server, "firewall_trouble") is None
    for one in obstacles:
        lab.vps.sh(one["command"])
    eventually("it is heard, though nobody asks", lambda: tunnel.server.process.err.count("firewall-obstacle-gone") == 2)
    assert listed(tunnel.server, "firewall_obstacles") == []
    assert not tunnel.server.command("check").err
    assert sees_the_site(lab, 4) and sees_the_site(lab, 6)
    return obstacles


@sentence("where iptables-legacy forwards for nobody, which nft does not show, `status`, `check` and the log name the command that opens the way, and it does",
          seconds=10)
def legacy_policy(lab):
    LegacyFirewall(lab.vps).rules("-P FORWARD DROP")
    assert {one["firewall"] for one in told_of_legacy(lab, "FORWARD")} == {"iptables"}


@sentence("beside a Docker that uses iptables-legacy the command is one for DOCKER-USER", seconds=10)
def legacy_docker(lab):
    LegacyFirewall(lab.vps).rules(*LegacyFirewall.DOCKER)
    assert {one["firewall"] for one in told_of_legacy(lab, "DOCKER-USER")} == {"docker"}


@sentence("where iptables-legacy lets peers out but no answer back, the command for answers is told, and it does", seconds=6)
def legacy_one_way(lab):
    LegacyFirewall(lab.vps).rules("-P FORWARD DROP", "-A FORWARD -i vpns -j ACCEPT", versions=(4,))
    tunnel = connected(lab)
    assert not can_ping(lab.laptop, addresses.SITE[4]) and sees_the_site(lab, 6)
    [obstacle] = listed(tunnel.server, "firewall_obstacles")
    assert obstacle["drops"] == "answers to peers from eth0", obstacle
    lab.vps.sh(obstacle["command"])
    assert listed(tunnel.server, "firewall_obstacles") == []
    assert sees_the_site(lab)


@sentence("beside a ufw that uses iptables-legacy its own commands are told, for peers and for the listen port, and they open the way", seconds=20)
def legacy_ufw(lab):
    firewall = Ufw(lab.vps, kind="legacy")
    tunnel = Tunnel(lab)
    tunnel.server.up()
    assert listed(tunnel.server, "firewall_exceptions") == []
    obstacles = listed(tunnel.server, "firewall_obstacles")
    assert {one["firewall"] for one in obstacles} == {"ufw"}, obstacles
    assert [one["command"] for one in obstacles] == ["ufw route allow in on vpns out on eth0", f"ufw allow {addresses.PORT}/udp"], obstacles
    for one in obstacles:
        firewall.run(*one["command"].split()[1:])
    assert listed(tunnel.server, "firewall_obstacles") == []
    tunnel.client.up()
    firewall.run("reload")
    for version in (4, 6):
        assert sees_the_site(lab, version)
    assert listed(tunnel.server, "firewall_obstacles") == []


@sentence("where iptables-legacy lets nobody in, the command for the listen port is told, and it does", seconds=6)
def legacy_input(lab):
    LegacyFirewall(lab.vps).rules("-P INPUT DROP", "-A INPUT -p icmp -j ACCEPT", versions=(4,))
    tunnel = Tunnel(lab)
    tunnel.server.up()
    [obstacle] = listed(tunnel.server, "firewall_obstacles")
    assert obstacle["drops"] == f"{addresses.PORT}/udp" and obstacle["chain"] == "iptables-legacy filter INPUT", obstacle
    lab.vps.sh(obstacle["command"])
    assert listed(tunnel.server, "firewall_obstacles") == []
    tunnel.client.up()
    assert sees_the_site(lab)


@sentence("rules of iptables-legacy that let peers through already are understood: {rules}", seconds=6,
          rules=("-A FORWARD -i vpns -j ACCEPT", "-A FORWARD -i vp+ ! -o docker0 -m conntrack --ctstate NEW,ESTABLISHED -m comment --comment mine -j ACCEPT",
                 "-N mine; -A mine -i eth0 -j RETURN; -A mine ! -i eth0 -o eth0 -j ACCEPT; -A FORWARD -j LOG; -A FORWARD -g mine"))
def legacy_open(lab, rules):
    back = "-A FORWARD -o vpns -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
    LegacyFirewall(lab.vps).rules("-P FORWARD DROP", back, *rules.split("; "))
    tunnel = connected(lab)
    assert sees_the_site(lab, 4) and sees_the_site(lab, 6)
    assert listed(tunnel.server, "firewall_obstacles") == [] and listed(tunnel.server, "firewall_trouble") is None
    assert not tunnel.server.command("check").err
    assert "firewall" not in tunnel.server.process.err


@sentence("where iptables-legacy lets peers' networks out, and answers to them in, nothing is told", seconds=5)
def legacy_networks(lab):
    LegacyFirewall(lab.vps).rules("-P FORWARD DROP", "-A FORWARD -s 10.66.0.0/16 -j ACCEPT",
                                  "-A FORWARD -d 10.66.0.0/16 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT", versions=(4,))
    tunnel = connected(lab)
    assert sees_the_site(lab, 4) and sees_the_site(lab, 6)
    assert listed(tunnel.server, "firewall_obstacles") == []


@sentence("the first table of iptables-legacy, of IPv6 alone, is heard of while the server runs; one that was changed under another lock is seen by the next `status`",
          seconds=8)
def legacy_later(lab):
    firewall = LegacyFirewall(lab.vps)
    tunnel = connected(lab)
    assert listed(tunnel.server, "firewall_obstacles") == []
    firewall.rules("-P FORWARD DROP", versions=(6,))
    eventually("it is heard, though nobody asks", lambda: "firewall-obstacle " in tunnel.server.process.err)
    assert sees_the_site(lab, 4) and not can_ping(lab.laptop, addresses.SITE[6])
    assert [one["chain"] for one in listed(tunnel.server, "firewall_obstacles")] == ["ip6tables-legacy filter FORWARD"]
    lab.vps.run("ip6tables-legacy", "-P", "FORWARD", "ACCEPT", environment={"XTABLES_LOCKFILE": "/run/another.lock"})
    assert listed(tunnel.server, "firewall_obstacles") == []
    assert "firewall-obstacle-gone" in tunnel.server.process.err
    assert sees_the_site(lab, 6)


@sentence("where iptables-legacy has no table the server makes none: not at its start, its end, at `status`, `check` or `reload`", seconds=5)
def legacy_none(lab):
    firewall = LegacyFirewall(lab.vps)
    tunnel = connected(lab)
    assert listed(tunnel.server, "firewall_obstacles") == [] and listed(tunnel.server, "firewall_trouble") is None
    tunnel.server.command("check")
    tunnel.server.command("reload")
    assert sees_the_site(lab)
    tunnel.server.down()
    assert firewall.tables() == []
    firewall.rules("-L")
    assert firewall.tables() == ["filter", "filter"], "to ask is to make one"


@sentence("a server whose table somebody flushes puts it up again, and the tunnel goes on", seconds=6)
def flushed(lab):
    tunnel = connected(lab)
    lab.vps.nft("flush ruleset")
    eventually("the table is back", lambda: "masquerade" in lab.vps.run("nft", "list", "ruleset").out)
    assert sees_the_site(lab)
    assert "firewall-put-up-again" in tunnel.server.process.err
    tunnel.server.down()
    assert not lab.vps.run("nft", "list", "ruleset").out


# --- what peers may ----------------------------------------------------------------------------------------------------------


@sentence("a peer reaches neither another peer nor the server's services, over IPv{version}; ping, and what host_services names, it does", seconds=8, version=(4, 6))
def isolated(lab, version):
    tunnel = two_peers(lab, host_services=["53/udp"])
    inside = addresses.TUNNEL_SERVER[version]
    lab.vps.start(*PYTHON, PROGRAMS / "website.py", log="website")
    eventually("the VPS has services", lambda: ":80 " in lab.vps.run("ss", "-ltn").out)
    ping(lab.laptop, inside)
    told = lab.visit("refused", inside, 80)
    assert told["error"] and told["seconds"] < 1, told
    told = lab.visit("refused", OTHER[version], 9)
    assert told["error"] and told["seconds"] < 1, told
    assert not can_ping(lab.laptop, OTHER[version])
    assert lab.visit("dns", inside, "which.test", "TXT")["answer"]
    config = json.loads(lab.vps.read(tunnel.server.file))
    lab.vps.write(tunnel.server.file, json.dumps({**config, "isolate_peers": False, "host_services": ["80/tcp"]}))
    tunnel.server.command("reload")
    assert can_ping(lab.laptop, OTHER[version])
    assert lab.visit("address", inside)["address"] in addresses.TUNNEL_CLIENT.values()


@sentence("one peer that opens connections without end has max_connections of them; the rest is dropped, counted and shown, and another peer goes on",
          seconds=12)
def capped(lab):
    tunnel = two_peers(lab, max_connections=40)
    with pinging(lab.router, addresses.TUNNEL_SERVER[4]) as others, pinging(lab.laptop, addresses.SITE[4]) as own:
        sent = flows(lab, addresses.SITE[4], 4000, 0, 4000)  # so fast that a busy machine loses none on the way
        flows(lab, addresses.SITE[6], 1000)
        flows(lab, addresses.TUNNEL_SERVER[4], 1000)
        kept = int(lab.vps.run("cat", "/proc/sys/net/netfilter/nf_conntrack_count").out)
    assert kept < 40 * 2 + 20, f"{kept} connections are kept"
    # The flood itself may cost a packet on a busy machine; a connection that is cut off is silent.
    assert others.longest_silence < 1 and own.longest_silence < 1, (others.longest_silence, own.longest_silence)
    status = tunnel.server.status()
    dropped = {peer["name"]: peer["drops"].get("over-connections", 0) for peer in status["peers"]}
    assert dropped["laptop"] > sent * 0.9 and dropped["router"] == 0, dropped
    assert status["drops"]["over-connections"] == dropped["laptop"]
    assert "over-connections" in tunnel.server.command("status").out
    config = json.loads(lab.vps.read(tunnel.server.file))
    lab.vps.write(tunnel.server.file, json.dumps({**config, "max_connections": 50}))
    tunnel.server.command("reload")
    assert "ct count over 50" in lab.vps.run("nft", "list", "ruleset").out
    assert tunnel.server.drops()["over-connections"] >= status["drops"]["over-connections"]


@sentence("all that lies behind one peer has max_connections together, over both families; what is too many is barred for a second and no longer, "
          "and nobody else is", seconds=10)
def capped_behind(lab):
    tunnel = Tunnel(lab, client=WIREGUARD_GO)
    config = {**tunnel.server.config(), "max_connections": 40}
    config["peers"][0]["allowed_ips"] = ["192.168.77.0/24", "fd77::/64"]
    tunnel.server.write(config)
    tunnel.up()
    lab.laptop.ip("addr add 192.168.77.1/24 dev lo", "addr add 192.168.77.2/24 dev lo", "addr add fd77::1/64 dev lo nodad")
    barred = lambda: "expires" in lab.vps.run("nft", "list", "set", "inet", "vpn-server-vpns", "behind-0-barred").out
    kept = lambda: int(lab.vps.run("cat", "/proc/sys/net/netfilter/nf_conntrack_count").out)
    for site, source in ((addresses.SITE[4], "192.168.77.1"), (addresses.SITE[4], "192.168.77.2"), (addresses.SITE[6], "fd77::1")):
        flood = lab.laptop.start(*PYTHON, PROGRAMS / "flows.py", site, 40_000, 0, 2000, source, log="flows")
        eventually(f"what comes from {source} is barred", barred)
        flood.stop()
    assert kept() < 40 + 20, f"{kept()} connections are kept"
    assert sees_the_site(lab), "the peer's own address is counted apart"
    eventually("the bar is lifted", lambda: not barred(), seconds=15)
    lab.vps.run(*PYTHON, PROGRAMS / "forget_connections.py")
    flows(lab, addresses.SITE[4], 30, 0, 2000, "192.168.77.2")
    assert kept() >= 25, kept()


@sentence("while one peer opens {flows} flows, of which 4096 are kept, another browses on", seconds=25,
          flows=(10_000, 1_000_000))
def a_million(lab, flows):
    tunnel = two_peers(lab, host_services=["80/tcp"])
    lab.vps.start(*PYTHON, PROGRAMS / "website.py", log="website")
    eventually("the VPS has a page", lambda: ":80 " in lab.vps.run("ss", "-ltn").out)
    browse = lambda: lab.visit("get", addresses.TUNNEL_SERVER[4], 200_000, host=lab.router)
    alone = browse()
    flood = lab.laptop.start(*PYTHON, PROGRAMS / "flows.py", addresses.SITE[4], flows, 0, min(30_000, flows // 2), log="flows")
    pages = []
    while flood.running:
        pages.append(browse())
    assert json.loads(flood.out)["sent"] == flows
    kept = int(lab.vps.run("cat", "/proc/sys/net/netfilter/nf_conntrack_count").out)
    slowest = max(page["seconds"] for page in pages)
    print(f"{flood.out.strip()}: {kept} connections kept; {len(pages)} pages of 200 kB, the slowest in {slowest:.2f} s, {alone['seconds']:.2f} s before")
    assert pages and all(page["right"] for page in pages), pages
    assert slowest < 5, slowest
    # Its own, and the few of everybody else.
    assert 4096 <= kept < 4096 + 200, kept
    counted = {peer["name"]: peer["drops"].get("over-connections", 0) for peer in tunnel.server.status()["peers"]}
    assert counted["router"] == 0 and 0 < counted["laptop"] <= flows - 4000, counted


@sentence("a peer that sends from the server's own port gets another behind the masquerade, and the tunnel's datagrams are nobody's connection", seconds=8)
def port_shadow(lab):
    tunnel = two_peers(lab)
    with Capture(lab.site, "eth0", lambda packet: packet.is_udp and packet.source == addresses.VPS[4]) as seen:
        flows(lab, addresses.SITE[4], 300, addresses.PORT)
    ports = {packet.ports[0] for packet in seen.packets}
    assert len(ports) > 100 and addresses.PORT not in ports, sorted(ports)
    tracked = lab.vps.run("cat", "/proc/net/nf_conntrack", code=None)
    if tracked.code == 0:
        assert not [line for line in tracked.out.splitlines() if "udp" in line and f"src={addresses.LAPTOP[4]}" in line], tracked.out
    assert can_ping(lab.router, addresses.TUNNEL_SERVER[4])
    assert sees_the_site(lab)
    assert tunnel.server.command("status", code=None).code == DONE


@sentence("a packet that comes out of the tunnel's interface under a source that no peer has is dropped by the table itself: IPv{version}", seconds=6,
          version=(4, 6))
def source_again(lab, version):
    connected(lab)
    # The engine would drop it long before: so it is put behind the engine, as if that had a fault.
    lab.vps.ip("link add inject type veth peer name injected", "link set injected address 02:00:00:00:00:01 up", "link set inject up")
    lab.vps.sysctl(ipv4__conf__all__rp_filter=0, ipv4__conf__vpns__rp_filter=0)
    lab.vps.run("tc", "qdisc", "add", "dev", "injected", "ingress")
    lab.vps.run("tc", *"filter add dev injected parent ffff: protocol all u32 match u32 0 0 action mirred ingress redirect dev vpns".split())
    strange = {4: "10.99.0.9", 6: "fd99::9"}[version]

    def seen_from(source):
        with Capture(lab.vps, "eth0", lambda packet: packet.is_udp and packet.destination == addresses.SITE[version]) as out:
            lab.vps.run(*PYTHON, PROGRAMS / "inject.py", "inject", source, addresses.SITE[version], 4001)
        return [packet.source for packet in out.packets]
    assert seen_from(addresses.TUNNEL_CLIENT[version]) == [addresses.VPS[version]], "what is put in does not come out"
    assert seen_from(strange) == []
    lab.vps.run("nft", "flush", "chain", "inet", "vpn-server-vpns", "prerouting")
    assert seen_from(strange) == [strange], "something else drops it"


# --- the way out -------------------------------------------------------------------------------------------------------------


@sentence("where the VPS has no IPv6, or no IPv4, to the internet the laptop is told at once: IPv{version}", seconds=6, version=(4, 6))
def unreachable(lab, version):
    lab.vps.run("ip", f"-{version}", "route", "del", "default")
    outer = 10 - version
    connected(lab, outer=outer)
    told = lab.visit("refused", addresses.SITE[version], 80)
    assert told["error"] and told["seconds"] < 0.5, told
    assert sees_the_site(lab, outer)


@sentence("a global IPv6 network that is routed to the VPS is not hidden, and only answers come in", seconds=8)
def routed(lab):
    network, server, laptop = "2001:db8:77::/64", "2001:db8:77::1", "2001:db8:77::2"
    lab.router.run("ip", "-6", "route", "add", network, "via", addresses.VPS[6])
    tunnel = Tunnel(lab, server_addresses=["10.66.0.1/24", f"{server}/64"], client_addresses=["10.66.0.2/32", f"{laptop}/128"])
    tunnel.server.changes = {"networks": ["10.66.0.0/24", network]}
    tunnel.up()
    assert lab.visit("address", addresses.SITE[6]) == {"address": laptop}
    assert sees_the_site(lab, 4)
    assert not can_ping(lab.site, laptop)


@sentence("the masquerade follows when the way out moves to another interface within a second, and so does Docker's exception", seconds=10)
def way_out_moves(lab):
    Docker(lab.vps)
    tunnel = connected(lab)
    assert sees_the_site(lab)
    lab.vps.ip("link set eth0 down", "link set eth0 name wan0", "link set wan0 up", f"route replace default via {addresses.ROUTER_VPS[4]} dev wan0",
               f"addr replace {addresses.VPS[6]}/64 dev wan0 nodad", f"route replace default via {addresses.ROUTER_VPS[6]} dev wan0")
    eventually("it is seen", lambda: "uplink-changed" in tunnel.server.process.err, seconds=3)
    eventually("the laptop is back", lambda: can_ping(lab.laptop, addresses.SITE[4]), seconds=10)
    assert sees_the_site(lab, 4) and sees_the_site(lab, 6)
    assert "wan0" in lab.vps.run("iptables", "-S", "DOCKER-USER").out and "eth0" not in lab.vps.run("iptables", "-S", "DOCKER-USER").out
