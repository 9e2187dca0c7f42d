"""When this machine gives a daemon no more of something, and when somebody asks who may not."""

from . import addresses
from .lab import PYTHON
from .ours import CLIENT
from .patience import eventually
from .sentences import sentence
from .tunnel import Tunnel, connected, pinging
from .uapi import Interface

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
