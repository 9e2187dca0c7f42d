"""The interface that `wg` sets up: each sentence of the cross-platform userspace protocol."""

import base64
import errno
import os
import pathlib
import re
import signal
import stat
import time

from . import addresses
from .ours import CLIENT, FAILURE, NO_PERMISSION, USAGE
from .patience import eventually
from .sentences import sentence
from .snapshot import Snapshot
from .uapi import DIRECTORY, Interface
from .wireguard import WireguardServer, genkey, pubkey
from .tunnel import Facts, pinging

ENDS = {"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM}


def hex_of(key):
    return base64.b64decode(key).hex()


def some_key(number):
    """The name of a peer that nobody is."""
    return number.to_bytes(32, "big").hex()


def values(pairs, key):
    return [value for name, value in pairs if name == key]


# --- the socket --------------------------------------------------------------------------------------------------------------


@sentence("`interface` returns when interface and socket exist, the socket for its owner only, in a directory of mode 0755")
def made(lab):
    wg = Interface(lab.laptop)
    before = Snapshot(lab.laptop)
    wg.host.run("sh", "-c", f"umask 0; exec {CLIENT} interface wg0")
    assert wg.exists()
    assert stat.S_IMODE(os.stat(lab.laptop.path(DIRECTORY)).st_mode) == 0o755
    mode = os.stat(lab.laptop.path(wg.socket)).st_mode
    assert stat.S_ISSOCK(mode) and not mode & 0o077, oct(mode)
    assert "mtu 1420" in lab.laptop.run("ip", "link", "show", "wg0").out
    assert wg.host.run("wg", "show", "interfaces").out.split() == ["wg0"]
    lab.laptop.run("ip", "link", "del", "wg0")
    eventually("everything is gone", wg.gone)
    before.assert_unchanged("the interface's life")


@sentence("`interface` in the foreground ends with 0 on {name}, and takes interface and socket with it", name=tuple(ENDS))
def ended_in_foreground(lab, name):
    wg = Interface(lab.laptop)
    process = wg.start_foreground()
    assert process.stop(ENDS[name]) == 0, process.err
    assert wg.gone()


@sentence("the interface ends with its socket on {name}", name=(*ENDS, "the interface's removal", "the socket's deletion",
                                                             "the socket's being replaced", "the directory's deletion"))
def ended(lab, name):
    wg = Interface(lab.laptop).up()
    words = {"the interface's removal": ["ip", "link", "del", "wg0"], "the socket's deletion": ["rm", wg.socket],
             "the socket's being replaced": ["sh", "-c", f"touch {DIRECTORY}/new && mv {DIRECTORY}/new {wg.socket}"],
             "the directory's deletion": ["rm", "-r", DIRECTORY]}
    lab.laptop.run(*words.get(name, ["kill", f"-{name.removeprefix('SIG')}", *wg.pids]))
    eventually("the process has ended", lambda: not wg.pids)
    assert lab.laptop.run("ip", "link", "show", "wg0", code=None).code != 0
    assert lab.laptop.exists(wg.socket) == (name == "the socket's being replaced"), "took what is not its own"


@sentence("an interface starts again at once under the same name, after {way}", way=("the interface's removal", "SIGTERM", "the socket's deletion"),
          seconds=6)
def restarted(lab, way):
    wg = Interface(lab.laptop).up()
    for _ in range(10):
        pids = wg.pids
        kill = {"the interface's removal": "ip link del wg0", "SIGTERM": f"kill {pids[0]}", "the socket's deletion": f"rm {wg.socket}"}[way]
        lab.laptop.sh(f"{kill}; exec {CLIENT} interface wg0")
        assert wg.pids and wg.pids != pids
        assert wg.exists() and "listen_port" in dict(wg.talk().get())
        eventually("the old process has ended", lambda: not set(pids) & set(wg.pids))
        assert wg.exists()


@sentence("a socket that a crash left is replaced")
def stale_socket(lab):
    wg = Interface(lab.laptop).up()
    lab.laptop.run("kill", "-KILL", *wg.pids)
    eventually("the process is gone", lambda: not wg.pids)
    assert lab.laptop.exists(wg.socket)
    wg.up()
    assert wg.show("listen-port").strip().isdigit()


@sentence("a second interface of the same name is refused, and the first goes on", seconds=5)
def second(lab):
    wg = Interface(lab.laptop).up()
    refused = wg.host.run(CLIENT, "interface", "wg0", code=FAILURE)
    assert "there is an interface wg0 already" in refused.err
    assert wg.exists() and wg.show("listen-port").strip().isdigit()


@sentence("bad names and words of `interface` are refused with what is wrong, and nothing is left behind")
def bad_words(lab):
    before = Snapshot(lab.laptop)
    for words in (["interface"], ["interface", "wg0", "wg1"], ["interface", "--colour", "wg0"], ["interface", "a/b"], ["interface", ".."],
                  ["interface", "sixteen_letters_"], ["interface", ""]):
        refused = lab.laptop.run(CLIENT, *words, code=USAGE)
        assert refused.err.startswith("vpn-client: "), refused
    for words in (["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"],):
        assert "root" in lab.laptop.run(*words, CLIENT, "interface", "wg0", code=NO_PERMISSION).err
    lab.laptop.write(DIRECTORY, "no directory")
    lab.laptop.run(CLIENT, "interface", "wg0", code=FAILURE)
    lab.laptop.run("rm", DIRECTORY)
    before.assert_unchanged("refusals")


@sentence("a link `vpn-interface` to the program takes `[-f] NAME`, as users of wireguard-go call it")
def link(lab):
    lab.laptop.run("ln", "-s", CLIENT, "/run/vpn-interface")
    wg = Interface(lab.laptop)
    lab.laptop.run("/run/vpn-interface", "wg0")
    assert wg.exists()
    lab.laptop.run("ip", "link", "del", "wg0")
    for flag in ("-f", "--foreground"):
        eventually("interface and socket are gone", lambda: not wg.exists())
        process = lab.laptop.start("/run/vpn-interface", flag, "wg0", log=f"link{flag}")
        eventually("the socket is there", wg.exists)
        assert process.running and process.stop() == 0
    assert lab.laptop.run("/run/vpn-interface", "--version").out.startswith("vpn-client ")
    assert "interface" in lab.laptop.run("/run/vpn-interface", "--help").out
    lab.laptop.run("/run/vpn-interface", code=USAGE)


# --- what is said on it ------------------------------------------------------------------------------------------------------


@sentence("many operations go over one connection, in any pieces, and each is answered in turn")
def operations(lab):
    with Interface(lab.laptop).up().talk() as talk:
        assert [key for key, _ in talk.get()] == ["listen_port", "errno"]
        assert talk.set() == 0
        talk.send("get=1\n\nset=1\nfwmark=7\n\nget=1\n\n\n\n")
        assert "fwmark" not in talk.answer()
        assert talk.answer() == "errno=0\n\n"
        assert "fwmark=7\n" in talk.answer()
        for byte in "set=1\nfwmark=0\n\nget=1\n\n":
            talk.send(byte)
        assert talk.answer() == "errno=0\n\n"
        assert "fwmark" not in talk.answer()
        talk.send("get=1\n\n" * 5000)
        for _ in range(5000):
            assert talk.answer().endswith("errno=0\n\n")


@sentence("errors are negative for a set and positive for a get, and the connection goes on")
def errors(lab):
    with Interface(lab.laptop).up().talk() as talk:
        assert talk.set("colour=red") == -errno.EINVAL
        assert talk.ask("get=1", "colour=red") == [("errno", str(errno.EINVAL))]
        assert talk.set("listen_port") == -errno.EPROTO
        assert talk.ask("got=1") == [("errno", str(-errno.EPROTO))]
        assert talk.set("fwmark=" + "1" * 200000) == -errno.EPROTO
        assert talk.set("public_key=" + some_key(1), "endpoint=[fe80::1%nosuch]:9") == -errno.ENODEV
        assert dict(talk.get())["errno"] == "0"


@sentence("a bad line anywhere in a set changes nothing, and what follows it is passed over up to the empty line")
def all_or_nothing(lab):
    with Interface(lab.laptop).up().talk() as talk:
        assert talk.set("fwmark=9", "public_key=" + some_key(1), "allowed_ip=10.1.0.0/16", "persistent_keepalive_interval=0") == 0
        before = talk.get()
        good = ["private_key=" + "12" * 32, "listen_port=4711", "fwmark=8", "replace_peers=true", "public_key=" + some_key(2),
                "allowed_ip=10.1.0.0/16", "preshared_key=" + "34" * 32]
        for at in range(1, len(good) + 1):
            assert talk.set(*good[:at], "nonsense=1", *good[at:], "public_key=x", "get=1") == -errno.EINVAL
        assert talk.get() == before
    with Interface(lab.laptop).talk() as talk:
        talk.send("set=1\nfwmark=1\n")  # and hangs up before the empty line
        talk.end_sending()
        assert talk.answer() == ""
    with Interface(lab.laptop).talk() as talk:
        assert talk.get() == before


@sentence("private_key, listen_port, fwmark and replace_peers do what they say, and zeros take key and mark away")
def device_keys(lab):
    private = genkey()
    wg = Interface(lab.laptop).up()
    with wg.talk() as talk:
        assert talk.set("private_key=" + hex_of(private), "listen_port=4711", "fwmark=4294967295", "public_key=" + some_key(1)) == 0
        told = dict(talk.get())
        assert (told["private_key"], told["listen_port"], told["fwmark"]) == (hex_of(private), "4711", "4294967295")
        assert wg.show("public-key").strip() == pubkey(private)
        sockets = lab.laptop.run("ss", "-Hlune").out
        assert sockets.count(":4711 ") == sockets.count("fwmark:0xffffffff") == 4, sockets
        assert talk.set("private_key=" + "0" * 64, "fwmark=0", "replace_peers=true") == 0
        assert [key for key, _ in talk.get()] == ["listen_port", "errno"]
        assert "fwmark" not in lab.laptop.run("ss", "-Hlune").out
        assert wg.show("public-key").strip() == "(none)"


@sentence("a port that is taken is refused with EADDRINUSE, and the rest of that set with it")
def port_taken(lab):
    first, other = Interface(lab.laptop, "wg0").up(), Interface(lab.laptop, "wg1").up()
    first.set("listen-port", "4711")
    with other.talk() as talk:
        before = talk.get()
        assert talk.set("private_key=" + "12" * 32, "fwmark=1", "listen_port=4711", "public_key=" + some_key(1)) == -errno.EADDRINUSE
        assert talk.get() == before
    refused = other.set("listen-port", "4711", code=1)
    assert "Address already in use" in refused.err, refused


@sentence("remove, update_only and replace_allowed_ips do what they say")
def peer_keys(lab):
    one, two = "public_key=" + some_key(1), "public_key=" + some_key(2)
    with Interface(lab.laptop).up().talk() as talk:
        assert talk.set(one, "update_only=true", "allowed_ip=10.0.0.0/8") == 0
        assert not values(talk.get(), "public_key"), "update_only made a peer"
        assert talk.set(one, "allowed_ip=10.1.0.0/16", "allowed_ip=10.2.0.0/16", two) == 0
        assert talk.set(one, "update_only=true", "allowed_ip=10.3.0.0/16", "protocol_version=1") == 0
        assert values(talk.get(), "allowed_ip") == ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"]
        assert talk.set(one, "allowed_ip=-10.2.0.0/16", "allowed_ip=-10.9.0.0/16") == 0
        assert values(talk.get(), "allowed_ip") == ["10.1.0.0/16", "10.3.0.0/16"]
        assert talk.set(two, "allowed_ip=-10.1.0.0/16") == 0
        assert values(talk.get(), "allowed_ip") == ["10.1.0.0/16", "10.3.0.0/16"], "took away another one's"
        assert talk.set(one, "replace_allowed_ips=true", "allowed_ip=fd66::1/64") == 0
        assert values(talk.get(), "allowed_ip") == ["fd66::/64"]
        assert talk.set(one, "remove=true", "public_key=" + some_key(3), "remove=true") == 0
        assert values(talk.get(), "public_key") == [some_key(2)]
        assert talk.set(two, "remove=true", two, "persistent_keepalive_interval=7") == 0
        assert values(talk.get(), "persistent_keepalive_interval") == ["7"]


@sentence("the same prefix moves between peers, within one set too")
def prefix_moves(lab):
    one, two = "public_key=" + some_key(1), "public_key=" + some_key(2)
    with Interface(lab.laptop).up().talk() as talk:
        assert talk.set(one, "allowed_ip=10.0.0.0/8", two, "allowed_ip=10.0.0.0/8") == 0
        assert [pair for pair in talk.get() if pair[0] in ("public_key", "allowed_ip")] == [
            ("public_key", some_key(1)), ("public_key", some_key(2)), ("allowed_ip", "10.0.0.0/8")]
        assert talk.set(one, "allowed_ip=10.0.0.5/8") == 0
        assert [key for key, _ in talk.get() if key in ("public_key", "allowed_ip")] == ["public_key", "allowed_ip", "public_key"]


@sentence("an endpoint is an IPv4 or IPv6 address with a port, a link-local one with its interface by name or by number")
def endpoints(lab):
    index = lab.laptop.read("/sys/class/net/eth0/ifindex").strip()
    wg = Interface(lab.laptop).up()
    with wg.talk() as talk:
        for said, told in (("192.0.2.9:51820", "192.0.2.9:51820"), ("[2001:db8::9]:1", "[2001:db8::9]:1"),
                           ("[fe80::9%eth0]:2", f"[fe80::9%{index}]:2"), (f"[fe80::9%{index}]:3", f"[fe80::9%{index}]:3")):
            assert talk.set("public_key=" + some_key(1), "endpoint=" + said) == 0
            assert values(talk.get(), "endpoint") == [told]
    assert "[fe80::9%eth0]:3" in wg.show("endpoints")


@sentence("our own key as a peer is ignored, and so is what the set says of it")
def own_key(lab):
    private = genkey()
    with Interface(lab.laptop).up().talk() as talk:
        assert talk.set("private_key=" + hex_of(private), "public_key=" + hex_of(pubkey(private)), "allowed_ip=10.0.0.0/8") == 0
        assert not values(talk.get(), "public_key")


@sentence("100,000 allowed IPs in one set, and in one get", seconds=8)
def hundred_thousand(lab):
    prefixes = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}/32" for n in range(90000)] + [f"fd66:0:0:{n:x}::/64" for n in range(10000)]
    wg = Interface(lab.laptop).up()
    with wg.talk() as talk:
        assert talk.set("public_key=" + some_key(1), "replace_allowed_ips=true", *(f"allowed_ip={prefix}" for prefix in prefixes)) == 0
        assert len(values(talk.get(), "allowed_ip")) == 100000
        assert talk.set("public_key=" + some_key(2), *(f"allowed_ip={prefix}" for prefix in prefixes[::2])) == 0
        started = time.monotonic()
        assert talk.set("fwmark=0") == 0
        assert time.monotonic() - started < 5, "what is not about routes makes them anew"
    shown = dict(line.split("\t") for line in wg.show("allowed-ips").splitlines())
    assert sorted(len(ips.split()) for ips in shown.values()) == [50000, 50000]


# --- wg ----------------------------------------------------------------------------------------------------------------------


@sentence("`wg set`, `setconf`, `addconf`, `syncconf`, `show`, `showconf` and `dump` all work, and what one writes another reads", seconds=5)
def wg_commands(lab):
    wg = Interface(lab.laptop).up()
    private, psk, peers = genkey(), genkey(), [pubkey(genkey()) for _ in range(3)]
    lab.laptop.write("/run/key", private)
    lab.laptop.write("/run/psk", psk)
    wg.set("private-key", "/run/key", "listen-port", "4711", "fwmark", "0x2a", "peer", peers[0], "preshared-key", "/run/psk", "endpoint",
           "192.0.2.9:51820", "persistent-keepalive", "25", "allowed-ips", "10.0.0.0/8,fd66::/64")
    wg.set("peer", peers[1], "allowed-ips", "10.1.0.0/16")
    dump = [line.split("\t") for line in wg.show("dump").splitlines()]
    assert dump[0] == [private, pubkey(private), "4711", "0x2a"], dump
    assert dump[1][:4] == [peers[0], psk, "192.0.2.9:51820", "10.0.0.0/8,fd66::/64"] and dump[1][7] == "25", dump
    assert dump[2] == [peers[1], "(none)", "(none)", "10.1.0.0/16", "0", "0", "0", "off"], dump

    config = wg.wg("showconf").out
    lab.laptop.write("/run/conf", config)
    wg.set("fwmark", "off", "listen-port", "4712", "peer", peers[0], "remove", "peer", peers[2])
    wg.wg("setconf", "/run/conf")
    assert wg.wg("showconf").out == config, "setconf of showconf is not the same"

    lab.laptop.write("/run/more", f"[Peer]\nPublicKey = {peers[2]}\nAllowedIPs = 10.2.0.0/16\n")
    wg.wg("addconf", "/run/more")
    assert set(wg.show("peers").split()) == set(peers)
    lab.laptop.write("/run/sync", f"[Interface]\nPrivateKey = {private}\nListenPort = 4713\n[Peer]\nPublicKey = {peers[2]}\nAllowedIPs = 10.3.0.0/16\n")
    wg.wg("syncconf", "/run/sync")
    dump = [line.split("\t") for line in wg.show("dump").splitlines()]
    assert dump[0][2:] == ["4713", "off"] and [row[:4] for row in dump[1:]] == [[peers[2], "(none)", "(none)", "10.3.0.0/16"]], dump
    assert lab.laptop.run("wg", "show", "all", "allowed-ips").out == f"wg0\t{peers[2]}\t10.3.0.0/16\n"
    assert "listening port: 4713" in lab.laptop.run("wg").out
    lab.laptop.write("/run/bad", "[Interface]\nPrivateKey = nonsense\n")
    wg.wg("setconf", "/run/bad", code=1)
    wg.set("peer", pubkey(genkey()), "allowed-ips", "10.0.0.0/99", code=1)


# --- packets -----------------------------------------------------------------------------------------------------------------


def tunnel(lab, **facts):
    """An interface of ours on the laptop, set up with `wg` towards wireguard-go on the VPS."""
    facts = Facts(**facts)
    server = WireguardServer(lab.vps, facts).up()
    wg = Interface(lab.laptop).up()
    lab.laptop.write("/run/key", facts.client_key)
    options = []
    if facts.psk:
        lab.laptop.write("/run/psk", facts.psk)
        options = ["preshared-key", "/run/psk"]
    wg.set("private-key", "/run/key", "peer", pubkey(facts.server_key), "endpoint", facts.endpoint, "allowed-ips", "10.66.0.0/24,fd66::/64", *options)
    lab.laptop.ip("addr add 10.66.0.2/24 dev wg0", "addr add fd66::2/64 dev wg0 nodad", "link set wg0 up")
    return wg, server, facts


def ping(host, address):
    host.run("ping", "-n", "-c1", "-W2", address)


@sentence("an interface that `wg` set up carries packets to wireguard-go over IPv{outer}, and `wg show` tells of handshake and bytes", outer=(4, 6))
def carries(lab, outer):
    wg, server, facts = tunnel(lab, outer=outer, psk=genkey())
    for inner in (4, 6):
        ping(lab.laptop, addresses.TUNNEL_SERVER[inner])
        ping(lab.vps, addresses.TUNNEL_CLIENT[inner])
    with wg.talk() as talk:
        pairs = talk.get()
        keys = [key for key, _ in pairs]
        assert keys.index("last_handshake_time_sec") + 1 == keys.index("last_handshake_time_nsec")
        told = dict(pairs)
        assert abs(time.time() - int(told["last_handshake_time_sec"])) < 10 and int(told["last_handshake_time_nsec"]) < 10**9
    theirs = server.host.run("wg", "show", server.interface, "transfer").out.split()[1:]
    # What one end sends, the other receives: UDP payload, handshakes and padding included.
    eventually("both ends tell of the same bytes", lambda: wg.show("transfer").split()[1:]
               == server.host.run("wg", "show", server.interface, "transfer").out.split()[:0:-1])
    assert int(theirs[0]) >= 148 + 4 * 128, theirs
    assert wg.show("endpoints").split()[1] == facts.endpoint


@sentence("port, mark, private key's repetition and syncconf change under traffic without losing a session", seconds=6)
def live_changes(lab):
    wg, _, facts = tunnel(lab)
    with pinging(lab.laptop, addresses.TUNNEL_SERVER[4]) as pings:
        handshake = wg.show("latest-handshakes")
        for port in ("4711", "4712", "0", "4713"):
            wg.set("listen-port", port)
            time.sleep(0.3)
        wg.set("fwmark", "0x5")
        wg.set("private-key", "/run/key")
        lab.laptop.write("/run/conf", wg.wg("showconf").out)
        wg.wg("syncconf", "/run/conf")
        wg.set("peer", pubkey(facts.server_key), "persistent-keepalive", "25", "allowed-ips", "10.66.0.0/24,fd66::/64,10.77.0.0/16")
        time.sleep(0.5)
        assert wg.show("latest-handshakes") == handshake, "a session was lost"
        answered = len(pings.answered)
        time.sleep(0.5)
        assert len(pings.answered) > answered, "no answers any more"
    assert pings.longest_silence <= 3, f"{pings.longest_silence:.2f} s without an answer"


@sentence("without a private key nothing is said and nothing answered; with the key back, packets go again", seconds=8)
def no_private_key(lab):
    wg, _, facts = tunnel(lab)
    ping(lab.laptop, addresses.TUNNEL_SERVER[4])
    with wg.talk() as talk:
        assert talk.set("private_key=" + "0" * 64) == 0
        sent = values(talk.get(), "tx_bytes")
        assert lab.laptop.run("ping", "-n", "-c2", "-i0.2", "-W1", addresses.TUNNEL_SERVER[4], code=None).code != 0
        assert lab.vps.run("ping", "-n", "-c2", "-i0.2", "-W1", addresses.TUNNEL_CLIENT[4], code=None).code != 0
        assert values(talk.get(), "tx_bytes") == sent, "said something"
        assert talk.set("private_key=" + hex_of(facts.client_key)) == 0
    eventually("packets go again", lambda: lab.laptop.run("ping", "-n", "-c1", "-W1", addresses.TUNNEL_SERVER[4], code=None).code == 0, seconds=15)


@sentence("an interface that is moved to another network namespace carries packets there, its UDP socket stays, and it ends with that namespace",
          seconds=6)
def moved(lab):
    wg, _, _ = tunnel(lab)
    pids = wg.pids
    inner = lab.laptop.start("unshare", "--net", "sleep", "infinity", log="inner")
    eventually("it is in the namespace", lambda: pathlib.Path(f"/proc/{inner.pid}/comm").read_text() == "sleep\n")
    lab.laptop.run("ip", "link", "set", "wg0", "netns", str(inner.pid))
    there = ["nsenter", "--target", str(inner.pid), "--net", "--"]
    for words in ("addr add 10.66.0.2/24 dev wg0", "addr add fd66::2/64 dev wg0 nodad", "link set wg0 up"):
        lab.laptop.run(*there, "ip", *words.split())
    lab.laptop.run(*there, "ping", "-n", "-c2", "-i0.2", "-W2", addresses.TUNNEL_SERVER[4])
    assert lab.laptop.run(*there, "ss", "-Hlun").out == ""
    wg.set("listen-port", "4711")
    assert ":4711 " in lab.laptop.run("ss", "-Hlun").out
    lab.laptop.run(*there, "ping", "-n", "-c2", "-i0.2", "-W2", addresses.TUNNEL_SERVER[6])
    refused = lab.laptop.run(CLIENT, "interface", "wg0", code=FAILURE)
    assert "another network namespace" in refused.err and wg.pids == pids, refused
    inner.kill()
    eventually("the interface's process has ended", lambda: not wg.pids)
    assert not lab.laptop.exists(wg.socket)


@sentence("the MTU that `ip link` gives the interface is heeded from then on")
def mtu_followed(lab):
    wg, server, _ = tunnel(lab)
    lab.laptop.run("ip", "link", "set", "wg0", "mtu", "1300")
    ping(lab.laptop, addresses.TUNNEL_SERVER[4])

    def sent_by(payload):
        before = int(wg.show("transfer").split()[2])
        lab.laptop.run("ping", "-n", "-c1", "-W2", "-M", "do", "-s", str(payload), addresses.TUNNEL_SERVER[4])
        return int(wg.show("transfer").split()[2]) - before
    # 1299 bytes and 32 around them: padded to 1300, and not to 1312.
    assert eventually("padding ends at the MTU", lambda: sent_by(1299 - 28) == 1332) and sent_by(1288 - 28) == 1328
    assert re.search(r"mtu 1300", lab.laptop.run("ip", "link", "show", "wg0").out)
