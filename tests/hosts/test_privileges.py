"""What a daemon may still do once it runs: what it needs, and no more, however it was started."""

import os
import signal

from . import addresses
from .ours import SERVER
from .patience import eventually
from .sentences import sentence
from .tunnel import Tunnel, connected, pinging

# linux/capability.h
DAC_OVERRIDE, NET_ADMIN, NET_RAW, IPC_LOCK = 1 << 1, 1 << 12, 1 << 13, 1 << 14


def status(pid):
    """/proc/PID/status as a mapping."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.split(":", 1) for line in file.read().splitlines())


def threads(pid):
    return [f"{pid}/task/{thread}" for thread in os.listdir(f"/proc/{pid}/task")]


def assert_reduced(pid, may):
    """Every thread has these capabilities and no others, and no program that it starts can have more."""
    with open(f"/proc/{pid}/limits", encoding="ascii") as file:
        limit = next(line for line in file if line.startswith("Max locked memory"))
    if "unlimited" not in limit:  # this machine lets nobody lift it: memory stays locked by the capability
        may |= IPC_LOCK
    for thread in threads(pid):
        said = status(thread)
        for field, most in (("CapEff", may), ("CapPrm", may), ("CapBnd", may), ("CapInh", 0), ("CapAmb", 0)):
            assert int(said[field], 16) & ~most == 0, f"{field} of {thread} is {said[field]}"
        assert int(said["CapEff"], 16) & NET_ADMIN, f"{thread} can't do its work: {said['CapEff']}"
        assert said["NoNewPrivs"].strip() == "1", said["NoNewPrivs"]


@sentence("once it runs the client keeps CAP_NET_ADMIN and CAP_NET_RAW alone, the server CAP_NET_ADMIN alone, and neither can get more", suites=True)
def reduced(lab):
    tunnel = connected(lab)
    assert_reduced(tunnel.server.process.pid, NET_ADMIN)
    (pid,) = tunnel.client.pids
    assert_reduced(pid, NET_ADMIN | NET_RAW)


def reload_by_signal(server):
    before = server.process.err.count(" reloaded ")
    server.process.send(signal.SIGHUP)
    eventually("the server has read its file again", lambda: server.process.err.count(" reloaded ") > before)


@sentence("with their few privileges the daemons connect, roam, take a peer, reload, and put everything back", seconds=6)
def still_work(lab):
    lab.open_cafe()
    tunnel = connected(lab, lock=True)
    with pinging(lab.laptop, addresses.SITE[4]) as pings:
        lab.move_to_cafe()
        seen = len(pings.answered)
        eventually("answers come through the other network", lambda: len(pings.answered) > seen + 5, seconds=10)
    tunnel.server.command("peer", "add", "tablet", "--output", "/run/tablet.json")
    assert "tablet" in tunnel.server.peer_names()
    tunnel.server.command("reload")
    reload_by_signal(tunnel.server)
    tunnel.client.command("pause", "1s", "laptop")
    tunnel.client.disconnect()
    tunnel.server.down()


@sentence("a server whose file is at somebody's home stays able to read and write it there")
def file_of_another(lab):
    tunnel = Tunnel(lab)
    tunnel.server.file = "/run/home/server.json"
    somebody = {"SUDO_UID": lab.vps.run("id", "-u", "nobody").out.strip()}
    lab.vps.sh("mkdir -m 700 /run/home")
    tunnel.server.write()
    lab.vps.sh("chown nobody /run/home /run/home/server.json")
    tunnel.server.process = lab.vps.start(SERVER, "run", "--config", tunnel.server.file, log="vpn-server", environment=somebody)
    eventually("vpn-server answers", tunnel.server.answers, seconds=10)
    assert_reduced(tunnel.server.process.pid, NET_ADMIN | DAC_OVERRIDE)
    tunnel.server.command("peer", "add", "tablet", "--output", "/run/tablet.json", environment=somebody)
    assert "tablet" in tunnel.server.peer_names()
    lab.vps.sh("chown nobody /run/home/server.json")
    tunnel.server.command("reload", environment=somebody)
    reload_by_signal(tunnel.server)
    tunnel.server.down()
