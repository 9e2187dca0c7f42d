"""When this machine gives a daemon no more of something, and when somebody asks who may not."""

import base64
import errno
import json

from . import addresses
from .lab import PYTHON
from .ours import CLIENT, DONE, FAILURE, NO_TUNNEL, SERVER, SERVER_FILE
from .patience import eventually
from .sentences import sentence
from .test_uapi import hex_of, some_key
from .tunnel import Tunnel, connected, pinging
from .uapi import Interface, Talk
from .wireguard import genkey, pubkey

# Connects as often as it is told and stays; says how many were let in.
CROWD = """
import socket, sys, time
crowd = []
for _ in range(int(sys.argv[2])):
    one = socket.socket(socket.AF_UNIX)
    one.settimeout(2)
    try:
        one.connect(sys.argv[1])
    except OSError:
        break
    crowd.append(one)
print(len(crowd), flush=True)
time.sleep(1000)
"""

# Asks, and prints what is answered.
ASK = """
import socket, sys
door = socket.socket(socket.AF_UNIX)
door.settimeout(5)
door.connect(sys.argv[1])
try:
    door.sendall(sys.argv[2].encode().decode("unicode_escape").encode())
    print(repr(door.recv(65536)))
except (BrokenPipeError, ConnectionResetError):
    print(repr(b""))
"""

# Of each: where it is, and what has an answer when root asks.
QUESTIONS = {"client": ("/run/vpn/client-laptop.sock", '{"command": "status"}\\n'), "server": ("/run/vpn/server-vpns.sock", '{"command": "status"}\\n'),
             "wg's": ("/run/wireguard/wg0.sock", "get=1\\n\\n")}


def descriptors(host, pid):
    return len(host.run("ls", f"/proc/{pid}/fd").out.split())


@sentence("a client that runs out of descriptors keeps its tunnel, and answers again when there are some", seconds=12)
def out_of_descriptors(lab):
    tunnel = Tunnel(lab)
    tunnel.server.up()
    tunnel.client.write()
    lab.laptop.start(CLIENT, "connect", "--foreground", tunnel.client.file, log="vpn-client")
    eventually("the client is connected", lambda: tunnel.client.status()["state"] == "connected", seconds=20)
    (pid,) = tunnel.client.pids
    lab.laptop.run("prlimit", f"--pid={pid}", f"--nofile={descriptors(lab.laptop, pid) + 4}")
    with pinging(lab.laptop, addresses.SITE[4]) as pings:
        crowd = lab.laptop.start(*PYTHON, "-c", CROWD, "/run/vpn/client-laptop.sock", "40", log="crowd")
        eventually("the crowd has come", lambda: crowd.out)
        seen = len(pings.answered)
        eventually("a hundred answers more", lambda: len(pings.answered) > seen + 100, seconds=30)
        crowd.stop()
        assert tunnel.client.status()["state"] == "connected"
    assert pings.lost == 0, pings.lost
    tunnel.client.disconnect()


# Where the kernel counts what each limit is on, in /proc/PID/status.
LIMITS = {"as": "VmSize", "data": "VmData"}
TABLET = ["10.66.0.9/32", "fd66::9/128"]
# Of addresses that are nobody's.
MANY = [f"allowed_ip=172.{16 + number // 65536}.{number // 256 % 256}.{number % 256}/32" for number in range(100_000)]


class Memory:
    """What a process may have: no more than it has now and a little, until the limit is lifted."""

    def __init__(self, host, pid, limit):
        self.host, self.pid, self.limit = host, pid, limit

    def end(self, more=64 << 10):
        (now,) = (int(line.split()[1]) << 10 for line in open(f"/proc/{self.pid}/status", encoding="ascii") if line.startswith(LIMITS[self.limit] + ":"))
        self.host.run("prlimit", f"--pid={self.pid}", f"--{self.limit}={now + more}:")

    def lift(self):
        self.host.run("prlimit", f"--pid={self.pid}", f"--{self.limit}=unlimited:")


def pings_more(pings, number=40):
    seen = len(pings.answered)
    eventually(f"{number} answers more", lambda: len(pings.answered) > seen + number, seconds=30)


def state(tunnel):
    """Of what a server serves, all that a change could leave half-done."""
    vps = tunnel.server.host
    return (vps.read(SERVER_FILE), vps.run("ip", "route", "show", "table", "all", "dev", "vpns").out,
            vps.run("nft", "--stateless", "list", "ruleset").out, vps.run("wg", "show", "vpns", "allowed-ips").out)


def with_tablet(tunnel, key):
    (laptop,) = tunnel.server.config()["peers"]
    tunnel.server.changes["peers"] = [laptop, laptop | {"name": "tablet", "public_key": pubkey(key), "addresses": TABLET}]
    tunnel.server.write()


def become_tablet(tunnel, key):
    tunnel.client.facts.client_key, tunnel.client.facts.client_addresses = key, TABLET
    tunnel.client.write()


@sentence("a server that runs out of memory ({limit}) keeps its sessions, refuses what grows as a whole, and does it when there is some again",
          limit=tuple(LIMITS), suites=True, seconds=15)
def out_of_memory(lab, limit):
    tunnel = Tunnel(lab)
    tablet = genkey()
    with_tablet(tunnel, tablet)
    tunnel.up()
    pid = tunnel.server.process.pid
    memory = Memory(lab.vps, pid, limit)
    add = (SERVER, "peer", "add", "phone", "--output", "/run/phone.json")
    wg = Talk(lab.vps, "/run/wireguard/vpns.sock")
    laptop = f"public_key={hex_of(pubkey(tunnel.facts.client_key))}"
    before = state(tunnel)
    with pinging(lab.laptop, addresses.SITE[4]) as pings:
        memory.end()
        refused = lab.vps.run(*add, code=FAILURE)
        assert "no memory" in refused.err, refused
        pings_more(pings)
        crowd = lab.vps.start(*PYTHON, "-c", CROWD, "/run/vpn/server-vpns.sock", "60", log="crowd")
        eventually("the crowd has come", lambda: crowd.out)
        for _ in range(5):
            lab.vps.run(*add, code=FAILURE)
            assert wg.set(laptop, *MANY) == -errno.ENOMEM
            tunnel.server.command("reload", code=None)
            lab.vps.run("wg", "show", "vpns", code=None)
        tunnel.server.status()
        pings_more(pings)
        assert state(tunnel) == before
        crowd.stop()
        large = json.loads(before[0])
        large["peers"] += [{"name": f"p{number}", "public_key": pubkey_like(number), "addresses": [f"10.66.{number // 250 + 1}.{number % 250}/32"]}
                           for number in range(20_000)]
        tunnel.server.write(large)
        assert tunnel.server.command("reload", code=FAILURE).err.count("no memory") == 1
        tunnel.server.write(json.loads(before[0]))
        assert state(tunnel)[1:] == before[1:]
        pings_more(pings)
        memory.lift()
        eventually("a reload is done", lambda: tunnel.server.command("reload", code=None).code == DONE)
        lab.vps.run(*add)
        assert tunnel.server.peer_names() == ["laptop", "tablet", "phone"]
        assert wg.set(laptop, *MANY[:500]) == 0
        pings_more(pings)
    assert pings.lost == 0, f"lost {pings.lost} of {pings.sent}"
    assert tunnel.server.process.running and tunnel.server.process.pid == pid
    tunnel.client.disconnect()
    become_tablet(tunnel, tablet)
    tunnel.client.up()
    tunnel.server.down()


@sentence("a server whose memory was taken away ({limit}) renews the sessions there are, gives none to others, and tells when it began and ended",
          limit=tuple(LIMITS), suites=True, seconds=25)
def memory_taken_away(lab, limit):
    tunnel = Tunnel(lab)
    tablet = genkey()
    with_tablet(tunnel, tablet)
    tunnel.up()
    memory = Memory(lab.vps, tunnel.server.process.pid, limit)
    with pinging(lab.laptop, addresses.SITE[4]) as pings:
        memory.end(-(11 << 20))
        crowd = lab.vps.start(*PYTHON, "-c", CROWD, "/run/vpn/server-vpns.sock", "30", log="crowd")
        eventually("the server says so", lambda: "memory-short" in tunnel.server.process.err)
        assert "no memory" in lab.vps.run(SERVER, "peer", "add", "phone", "--output", "/run/phone.json", code=FAILURE).err
        pings_more(pings)
    assert pings.lost == 0, f"lost {pings.lost} of {pings.sent}"
    tunnel.client.disconnect()
    tunnel.client.up()  # who had a session gets another
    tunnel.client.disconnect()
    crowd.stop()
    become_tablet(tunnel, tablet)
    assert tunnel.server.drops().get("no-memory", 0) == 0
    tunnel.client.connect("--timeout", "6s", code=NO_TUNNEL)
    assert tunnel.server.drops()["no-memory"] > 0
    assert "memory-again" not in tunnel.server.process.err
    memory.lift()
    tunnel.client.up()
    assert "memory-again" in tunnel.server.process.err
    assert tunnel.server.process.err.count("memory-short") == 1
    assert tunnel.server.peer_names() == ["laptop", "tablet"]
    tunnel.server.down()


def pubkey_like(number):
    return base64.b64encode((number + 1).to_bytes(32, "big")).decode()


@sentence("a client that runs out of memory ({limit}) keeps tunnel and lock, and answers again when there is some", limit=tuple(LIMITS), suites=True, seconds=15)
def client_out_of_memory(lab, limit):
    tunnel = Tunnel(lab, lock=True)
    tunnel.server.up()
    tunnel.client.start_foreground()
    eventually("the client is connected", lambda: tunnel.client.status()["state"] == "connected", seconds=20)
    (pid,) = tunnel.client.pids
    memory = Memory(lab.laptop, pid, limit)
    rules = lambda: [table for table in lab.laptop.run("nft", "list", "tables").out.splitlines() if "vpn" in table]
    stand = rules()
    assert stand
    with pinging(lab.laptop, addresses.SITE[4]) as pings:
        memory.end()
        crowd = lab.laptop.start(*PYTHON, "-c", CROWD, "/run/vpn/client-laptop.sock", "60", log="crowd")
        eventually("the crowd has come", lambda: crowd.out)
        pings_more(pings)
        lab.laptop.sh("; ".join(f"nft delete {table}" for table in stand))
        eventually("what somebody took is put up again", lambda: rules() == stand, seconds=10)
        lab.laptop.ip("link set eth0 down", "link set eth0 up", f"route add default via {addresses.ROUTER_LAN[4]} dev eth0")
        pings_more(pings)
        crowd.stop()
        memory.lift()
        eventually("it answers", lambda: tunnel.client.status()["state"] == "connected", seconds=10)
        pings_more(pings)
    assert tunnel.client.pids == [pid]
    assert tunnel.client.process.running
    tunnel.client.disconnect()
    assert tunnel.client.process.wait() == 0


@sentence("an interface for `wg` that runs out of memory ({limit}) refuses a set as a whole, and does it when there is some again", limit=tuple(LIMITS), seconds=8)
def interface_out_of_memory(lab, limit):
    wg = Interface(lab.laptop).up()
    (pid,) = wg.pids
    memory = Memory(lab.laptop, pid, limit)
    with wg.talk() as talk:
        assert talk.set(f"private_key={hex_of(genkey())}", f"public_key={some_key(1)}", "allowed_ip=10.1.0.0/16") == 0
        before = talk.get()
        memory.end()
        for _ in range(5):
            assert talk.set("replace_peers=true", f"public_key={some_key(2)}", *MANY) == -errno.ENOMEM
            assert talk.get() == before
        memory.lift()
        eventually("it is done", lambda: talk.set(f"public_key={some_key(2)}", *MANY) == 0)
        assert len(talk.get()) == len(before) + len(MANY) + 7
    assert wg.pids == [pid]


@sentence("the {which} socket is its owner's alone, and whoever comes past its mode is not answered unless he is root", which=tuple(QUESTIONS), seconds=5)
def others_ask(lab, which):
    host = lab.vps if which == "server" else lab.laptop
    if which == "wg's":
        Interface(lab.laptop).up()
    else:
        connected(lab)
    path, question = QUESTIONS[which]
    assert host.run("stat", "-c", "%a %u", path).out.split() == ["600", "0"]
    ask = (*PYTHON, "-c", ASK, path, question)
    nobody = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
    assert host.run(*ask).out.strip() != "b''"
    assert host.run(*nobody, *ask, code=None).code != 0
    host.sh(f"chmod 755 $(dirname {path}); chmod 666 {path}")
    assert host.run(*nobody, *ask).out.strip() == "b''"
    assert host.run(*ask).out.strip() != "b''"
