"""`wg` on the server's interface: what it shows, and what it sets, which stands in the server's file too."""

import json
import os
import stat

from . import addresses
from .ours import OurServer
from .patience import eventually
from .sentences import sentence
from .tunnel import Facts, Tunnel, pinging
from .uapi import DIRECTORY, Talk
from .wireguard import genkey, pubkey

SOCKET = f"{DIRECTORY}/vpns.sock"


def wg(lab, *words, **options):
    return lab.vps.run("wg", *words, **options)


def show(lab, *words):
    return [line.split("\t") for line in wg(lab, "show", "vpns", *words).out.splitlines()]


def file_of(server):
    return json.loads(server.host.read(server.file))


def peers_of(server):
    return {peer["name"]: peer for peer in file_of(server)["peers"]}


def lone_server(lab, *peers):
    """A server nobody talks to; beside the laptop its file has `peers`."""
    server = OurServer(lab.vps, Facts())
    config = server.config()
    config["peers"] += peers
    server.write(config)
    return server.up()


@sentence("`wg show` tells of the server's interface: key, port, and each peer's key, endpoint, allowed IPs, handshake and bytes", seconds=4)
def shown(lab):
    tunnel = Tunnel(lab, psk=True).up()
    facts = tunnel.facts
    assert wg(lab, "show", "interfaces").out.split() == ["vpns"]
    device, peer = show(lab, "dump")
    assert device == [facts.server_key, pubkey(facts.server_key), str(addresses.PORT), "off"], device
    assert peer[:2] == [pubkey(facts.client_key), facts.psk] and peer[2].startswith(f"{addresses.LAPTOP[4]}:"), peer
    assert peer[3] == ",".join(facts.client_addresses) and int(peer[4]) > 0 and int(peer[5]) >= 148 and int(peer[6]) >= 92, peer
    mode = os.stat(lab.vps.path(SOCKET)).st_mode
    assert stat.S_ISSOCK(mode) and not mode & 0o077, oct(mode)
    assert stat.S_IMODE(os.stat(lab.vps.path(DIRECTORY)).st_mode) == 0o755


@sentence("a peer that `wg set` adds gets a name, is served at once, and is there after a restart", seconds=8)
def added(lab):
    tunnel = Tunnel(lab)
    server, client = tunnel.server, tunnel.client
    config = server.config()
    config["peers"] = []
    server.write(config)
    server.up()
    wg(lab, "set", "vpns", "peer", pubkey(tunnel.facts.client_key), "allowed-ips", "10.66.0.2/32,fd66::2/128,192.168.7.9/24")
    assert peers_of(server)["peer1"]["addresses"] == tunnel.facts.client_addresses, file_of(server)
    assert peers_of(server)["peer1"]["allowed_ips"] == ["192.168.7.0/24"], file_of(server)
    assert stat.S_IMODE(os.stat(lab.vps.path(server.file)).st_mode) == 0o600
    assert "192.168.7.0/24 dev vpns" in lab.vps.run("ip", "route").out
    client.up()
    assert server.peer_names() == ["peer1"]
    server.restart()
    eventually("the peer is back", lambda: lab.laptop.run("ping", "-n", "-c1", "-W1", addresses.TUNNEL_SERVER[4], code=None).code == 0, seconds=60)
    wg(lab, "set", "vpns", "peer", pubkey(tunnel.facts.client_key), "remove")
    assert not file_of(server)["peers"] and not show(lab, "peers")
    assert lab.laptop.run("ping", "-n", "-c1", "-W1", addresses.TUNNEL_SERVER[4], code=None).code != 0


@sentence("`wg set` and `wg syncconf` keep names, suites and sessions of peers that stay, and disabled peers as they are", seconds=6)
def kept(lab):
    tunnel = Tunnel(lab)
    server = tunnel.server
    sleeper = {"name": "sleeper", "public_key": pubkey(genkey()), "addresses": ["10.66.0.9/32"], "suite": "hybrid", "disabled": True}
    config = server.config()
    config["peers"].append(sleeper)
    server.write(config)
    tunnel.up()
    laptop = pubkey(tunnel.facts.client_key)
    before = show(lab, "latest-handshakes")
    with pinging(lab.laptop, addresses.TUNNEL_SERVER[4]) as pings:
        wg(lab, "set", "vpns", "peer", laptop, "allowed-ips", "10.66.0.2/32,fd66::2/128,192.168.7.0/24")
        lab.vps.write("/run/conf", wg(lab, "showconf", "vpns").out + f"\n[Peer]\nPublicKey = {pubkey(genkey())}\nAllowedIPs = 10.66.0.7/32\n")
        wg(lab, "syncconf", "vpns", "/run/conf")
    assert pings.longest_silence <= 1, f"{pings.longest_silence:.2f} s without an answer"
    assert show(lab, "latest-handshakes")[0] == before[0], "a session was lost"
    peers = peers_of(server)
    assert list(peers) == ["laptop", "sleeper", "peer1"], peers
    assert peers["laptop"]["allowed_ips"] == ["192.168.7.0/24"] and peers["peer1"]["addresses"] == ["10.66.0.7/32"], peers
    assert peers["sleeper"]["disabled"] and peers["sleeper"]["suite"] == "hybrid" and peers["sleeper"]["addresses"] == ["10.66.0.9/32"], peers
    server.command("check")


@sentence("port, mark, private key and a peer's keepalive are set live; port and key stand in the file", seconds=5)
def device_keys(lab):
    server = lone_server(lab)
    laptop = pubkey(server.facts.client_key)
    key = genkey()
    lab.vps.write("/run/key", key)
    wg(lab, "set", "vpns", "private-key", "/run/key", "listen-port", "4711", "fwmark", "0x2a", "peer", laptop, "endpoint", "192.0.2.9:1",
       "persistent-keepalive", "25")
    device, peer = show(lab, "dump")
    assert device == [key, pubkey(key), "4711", "0x2a"] and peer[2] == "192.0.2.9:1" and peer[7] == "25", (device, peer)
    interface = file_of(server)["interface"]
    assert interface["private_key"] == key and interface["listen_port"] == 4711, interface
    listening = lab.vps.run("ss", "-Hlun").out
    assert ":4711 " in listening and f":{addresses.PORT} " not in listening, listening
    assert server.status()["public_key"] == pubkey(key)
    wg(lab, "set", "vpns", "peer", laptop, "allowed-ips", "10.66.0.2/32")
    assert show(lab, "dump")[1][7] == "25", "another change forgot the keepalive"
    server.command("reload")


@sentence("a set that the file's rules forbid, or that is nonsense, changes nothing, in the file or in the server")
def bad_sets(lab):
    server = lone_server(lab, {"name": "phone", "public_key": pubkey(genkey()), "addresses": ["10.66.0.3/32"]})
    text, dump = lab.vps.read(server.file), show(lab, "dump")
    someone = pubkey(genkey())
    lab.vps.write("/run/zeros", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    squatter = lab.vps.start("/usr/bin/python3", "-c", "import socket,time; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(('',4999)); time.sleep(600)",
                             log="squatter")
    eventually("the port is taken", lambda: ":4999 " in lab.vps.run("ss", "-Hlun").out)
    for words in (("peer", someone), ("peer", someone, "allowed-ips", "10.66.0.1/32"), ("peer", someone, "allowed-ips", "10.66.0.3/32"),
                  ("private-key", "/run/zeros"), ("listen-port", "4999"), ("listen-port", "4999", "peer", someone, "allowed-ips", "10.66.0.7/32"),
                  ("peer", someone, "allowed-ips", "10.66.0.7/32", "peer", pubkey(genkey()))):
        said = wg(lab, "set", "vpns", *words, code=1)
        assert "Unable to modify interface" in said.err, said
        assert lab.vps.read(server.file) == text and show(lab, "dump") == dump, words
    squatter.stop()
    with Talk(lab.vps, SOCKET) as talk:
        assert talk.set("public_key=" + "11" * 32, "allowed_ip=10.66.0.7/32", "nonsense=1") != 0
        assert talk.set("listen_port=70000") != 0
        talk.send("set=1\n" + "x" * 100_000 + "\n\n")
        assert "errno=" in talk.answer()
        assert talk.set() == 0
    with Talk(lab.vps, SOCKET) as talk:
        talk.send("set=1\npublic_key=" + "11" * 32 + "\nallowed_ip=10.66.0.7/32\n")  # and gone
    assert lab.vps.read(server.file) == text and show(lab, "dump") == dump
    assert "uapi-refused" in server.process.err, server.process.err


@sentence("while the file on disk is not what the server read, a set is refused, and taken after `reload`")
def changed_on_disk(lab):
    server = lone_server(lab)
    config = server.config()
    config["dns"] = ["9.9.9.9"]
    server.write(config)
    someone = pubkey(genkey())
    wg(lab, "set", "vpns", "peer", someone, "allowed-ips", "10.66.0.7/32", code=1)
    assert len(show(lab, "peers")) == 1 and "reload" in server.process.err, server.process.err
    server.command("reload")
    wg(lab, "set", "vpns", "peer", someone, "allowed-ips", "10.66.0.7/32")
    assert file_of(server)["dns"] == ["9.9.9.9"] and len(show(lab, "peers")) == 2


@sentence("the server goes on when the socket is deleted, a dead one is replaced, and one that goes takes its socket along", seconds=5)
def socket_life(lab):
    server = lone_server(lab)
    lab.vps.run("rm", SOCKET)
    assert server.status()["peers"]
    server.process.kill()
    lab.vps.sh(f"mkdir -p {DIRECTORY}")
    server.up()
    assert len(show(lab, "peers")) == 1
    server.process.kill()
    server.up()
    assert len(show(lab, "peers")) == 1
    server.down()
    assert not lab.vps.exists(SOCKET)


@sentence("a server that can't have the socket for `wg` serves its peers, and says so")
def without_socket(lab):
    lab.vps.write(DIRECTORY, "no directory")
    tunnel = Tunnel(lab).up()
    assert "no-socket-for-wg" in tunnel.server.process.err, tunnel.server.process.err
