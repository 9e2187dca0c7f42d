"""What a server holds its peers to, and how it takes them out and in while it runs."""

import contextlib
import datetime
import json

from . import addresses
from .ours import FAILURE, NO_TUNNEL
from .patience import eventually
from .sentences import sentence
from .tunnel import OURS, WIREGUARD_GO, Facts, Tunnel, connected, pinging
from .wireguard import WireguardClient, pubkey

INSIDE = addresses.TUNNEL_SERVER[4]
USAGE_FILE = "/var/lib/vpn/server-vpns.usage"


def answers(host, address=INSIDE):
    return host.run("ping", "-n", "-c1", "-W1", address, code=None).code == 0


def is_silent(host):
    return " 0 received" in host.run("ping", "-n", "-c3", "-i0.2", "-W1", INSIDE, code=None).out


def laptop_of(server):
    return next(peer for peer in json.loads(server.command("peer", "list", "--json").out)["peers"] if peer["name"] == "laptop")


def limited(lab, **limits):
    """A tunnel of wireguard-go to a server whose file says so of the laptop."""
    tunnel = Tunnel(lab, client=WIREGUARD_GO)
    config = tunnel.server.config()
    config["peers"][0].update(limits)
    tunnel.server.write(config)
    return tunnel.up()


@contextlib.contextmanager
def knocking(host):
    """Pings the server, answered or not: wireguard-go makes a new handshake when nothing comes back."""
    process = host.start("ping", "-n", "-i0.2", INSIDE, log="knocking")
    yield
    process.kill()


@sentence("`peer disable` ends the session at once; what the peer tries is counted by name; `peer enable` lets it in again", seconds=30)
def disabled(lab):
    tunnel = limited(lab)
    tunnel.server.command("peer", "disable", "laptop")
    assert is_silent(lab.laptop)
    assert not lab.vps.run("ping", "-n", "-c1", "-W1", addresses.TUNNEL_CLIENT[4], code=None).code == 0
    assert laptop_of(tunnel.server)["state"] == "disabled"
    assert json.loads(lab.vps.read(tunnel.server.file))["peers"][0]["disabled"] is True
    with knocking(lab.laptop):
        eventually("its handshakes are counted", lambda: tunnel.server.drops()["disabled-peer"] >= 2, seconds=60)
        assert "peer-refused" in tunnel.server.process.err and "disabled-peer" in tunnel.server.process.err
        tunnel.server.command("peer", "enable", "laptop")
        eventually("it is back", lambda: answers(lab.laptop), seconds=30)
    assert laptop_of(tunnel.server)["state"] == "online"


@sentence("a peer is renamed while it pings: none is lost, and `peer list` has the new name", seconds=5)
def renamed(lab):
    tunnel = limited(lab)
    with pinging(lab.laptop, INSIDE) as pings:
        tunnel.server.command("peer", "rename", "laptop", "notebook")
        assert tunnel.server.peer_names() == ["notebook"]
    assert pings.lost == 0, f"lost {pings.lost} of {pings.sent}"


@sentence("`peer rekey` ends the old key's session at once, and what it prints connects", seconds=10)
def rekeyed(lab):
    tunnel = limited(lab)
    handed = json.loads(tunnel.server.command("peer", "rekey", "laptop").out)
    assert is_silent(lab.laptop)
    assert tunnel.server.drops()["unknown-session"] > 0
    lab.laptop.write("/etc/vpn/new.key", handed["interface"]["private_key"])
    lab.laptop.write("/etc/vpn/new.psk", handed["peers"][0]["preshared_key"])
    lab.laptop.run("wg", "set", "wg0", "private-key", "/etc/vpn/new.key", "peer", handed["peers"][0]["public_key"], "preshared-key", "/etc/vpn/new.psk")
    eventually("the new key is taken", lambda: answers(lab.laptop), seconds=30)
    assert laptop_of(tunnel.server)["public_key"] == pubkey(handed["interface"]["private_key"])


@sentence("a peer's session ends when its time is over, and not before; more time lets it in again", seconds=30)
def expires(lab):
    tunnel = limited(lab)
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=6)
    tunnel.server.command("peer", "limit", "laptop", "--expires", end.strftime("%Y-%m-%dT%H:%M:%SZ"))
    served = answers(lab.laptop)
    assert served or datetime.datetime.now(datetime.timezone.utc) > end - datetime.timedelta(seconds=2), "it ended too early"
    eventually("its time is over", lambda: laptop_of(tunnel.server)["state"] == "expired", seconds=20)
    assert is_silent(lab.laptop)
    assert "expired" in tunnel.server.command("peer", "list").out and "peer-expired" in tunnel.server.process.err
    tunnel.server.restart()
    assert laptop_of(tunnel.server)["state"] == "expired"
    with knocking(lab.laptop):
        eventually("its handshakes are counted", lambda: tunnel.server.drops()["expired-peer"] >= 1, seconds=60)
        tunnel.server.command("peer", "limit", "laptop", "--expires", "30d")
        eventually("it is back", lambda: answers(lab.laptop), seconds=30)


@sentence("a peer that has used up its quota is out, a restart gives it no other, and `peer reset --quota` does", seconds=30)
def quota(lab):
    tunnel = limited(lab, quota="2MB")
    before = laptop_of(tunnel.server)
    assert before["state"] == "online" and 0 < before["quota_used"] < 20_000, before
    lab.laptop.run("ping", "-n", "-f", "-c2000", "-s1000", "-W1", INSIDE, code=None, timeout=60)
    spent = laptop_of(tunnel.server)
    assert spent["state"] == "over-quota" and 2_000_000 <= spent["quota_used"] < 2_100_000, spent
    assert is_silent(lab.laptop)
    assert "peer-over-quota" in tunnel.server.process.err
    assert " of 1.9 MiB" in tunnel.server.command("peer", "show", "laptop").out
    tunnel.server.restart()
    again = laptop_of(tunnel.server)
    assert (again["state"], again["quota_used"]) == ("over-quota", spent["quota_used"]), again
    with knocking(lab.laptop):
        eventually("its handshakes are counted", lambda: tunnel.server.drops()["over-quota"] >= 1, seconds=60)
        tunnel.server.command("peer", "reset", "laptop", "--quota")
        eventually("it is back", lambda: answers(lab.laptop), seconds=30)
    tunnel.server.down()
    kept = json.loads(tunnel.server.command("peer", "list", "--json").out)["peers"][0]["quota_used"]
    assert 0 < kept < 1_000_000, kept
    tunnel.server.command("peer", "reset", "laptop", "--quota")
    assert json.loads(tunnel.server.command("peer", "list", "--json").out)["peers"][0]["quota_used"] == 0


@sentence("what a peer used is kept through a crash of the server", seconds=30)
def quota_after_crash(lab):
    tunnel = limited(lab, quota="1GB")
    lab.laptop.run("ping", "-n", "-f", "-c500", "-s1000", "-W1", INSIDE, timeout=60)
    eventually("it is on disk", lambda: lab.vps.exists(USAGE_FILE) and int(lab.vps.read(USAGE_FILE).split()[-1]) > 1_000_000, seconds=30)
    tunnel.server.process.kill()
    tunnel.server.up()
    assert laptop_of(tunnel.server)["quota_used"] > 1_000_000


@sentence("`peer reset --quota` of a peer without a quota says so")
def no_quota(lab):
    tunnel = limited(lab)
    assert "no quota" in tunnel.server.command("peer", "reset", "laptop", "--quota", code=FAILURE).err


def tcp(host, address, *options, seconds=8):
    """Bits a second that an iperf3 client's transfer had at whoever received it."""
    said = json.loads(host.run("iperf3", "-c", address, "-J", "-t", seconds, *options, timeout=seconds + 60).out)
    return said["end"]["sum_received"]["bits_per_second"]


def udp(host, address, *options, payload=1200, seconds=6):
    """Bits a second of the IP packets that arrived of three times a peer's rate in datagrams."""
    said = json.loads(host.run("iperf3", "-c", address, "-J", "-u", "-b", "30M", "-l", payload, "-t", seconds, *options, timeout=seconds + 60).out)
    total = said["end"]["sum"]
    return (total["packets"] - total["lost_packets"]) * (payload + 28) * 8 / total["seconds"]


@sentence("a peer gets its rate, within a tenth, in UDP, and no more in TCP, {way}, and another peer at the same time several times that", way=("down", "up"),
          seconds=30)
def rate(lab, way):
    limit = 10_000_000
    tunnel = Tunnel(lab, client=WIREGUARD_GO)
    other = Facts(server_key=tunnel.facts.server_key, allowed_ips=[addresses.TUNNEL_NETWORK[4]], client_addresses=["10.66.0.9/32"])
    config = tunnel.server.config()
    config["host_services"] = ["5201/tcp", "5201/udp", "5202/tcp"]
    config["peers"][0]["rate"] = "10mbit"
    config["peers"].append({"name": "router", "public_key": pubkey(other.client_key), "addresses": other.client_addresses})
    tunnel.server.write(config)
    tunnel.up()
    WireguardClient(lab.router, other).up()
    servers = [lab.vps.start("iperf3", "-s", "-p", port, log=f"iperf3-{port}") for port in (5201, 5202)]
    eventually("iperf3 listens", lambda: all(f":{port} " in lab.vps.run("ss", "-ltn").out for port in (5201, 5202)))
    options = ["-R"] if way == "down" else []
    slow = lab.laptop.start("iperf3", "-c", INSIDE, "-J", "-t", 10, *options, log="slow")
    fast = tcp(lab.router, INSIDE, "-p", 5202, *options, seconds=6)
    assert slow.wait(60) == 0, slow.err
    got = json.loads(slow.out)["end"]["sum_received"]["bits_per_second"]
    datagrams = udp(lab.laptop, INSIDE, *options)
    print(f"limited to 10 Mbit/s: TCP {got / 1e6:.2f}, UDP {datagrams / 1e6:.2f}; another peer meanwhile: {fast / 1e6:.0f} Mbit/s")
    # TCP takes what is dropped for a sign to go slower: how near it comes is its own affair.
    assert 0.3 * limit < got < 1.1 * limit, got
    assert 0.9 * limit < datagrams < 1.1 * limit, datagrams
    assert fast > 3 * limit, fast
    assert tunnel.server.drops()["over-rate"] > 0
    for server in servers:
        server.stop(must=False)


@sentence("a peer that the server ended is told by `vpn-client status` whom to ask", seconds=60)
def told(lab):
    tunnel = connected(lab, server=OURS, client=OURS)
    tunnel.server.command("peer", "limit", "laptop", "--quota", "1B")
    with knocking(lab.laptop):
        # First that nothing comes back, and once a handshake is due that nobody answers.
        said = eventually("the client sees silence", lambda: (now := tunnel.client.command("status", code=None)).reason == "silence" and now, seconds=90)
    assert "quota is over" in said.out and "ask whoever runs the server" in said.out, said
    assert said.reason == "silence", said
    assert laptop_of(tunnel.server)["state"] == "over-quota"
