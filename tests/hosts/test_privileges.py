"""What a daemon may still do once it runs: what it needs, and no more, however it was started."""

import ctypes
import os
import signal

from . import addresses
from .hooks import FILE, hooked, processes_for_hooks
from .ours import CLIENT, SERVER
from .patience import eventually
from .sentences import Skip, sentence
from .tunnel import Tunnel, connected, pinging
from .uapi import Interface
from .wireguard import genkey, pubkey

# linux/capability.h
DAC_OVERRIDE, NET_ADMIN, IPC_LOCK = 1 << 1, 1 << 12, 1 << 14

# /proc/PID/status
FREE, FILTERED = "0", "2"


def status(pid):
    """/proc/PID/status as a mapping."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.split(":", 1) for line in file.read().splitlines())


def has_landlock():
    """Whether the kernel can close files to a process: what landlock_create_ruleset (444) says of its version."""
    return ctypes.CDLL(None).syscall(444, None, 0, 1) > 0


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
        assert said["Seccomp"].strip() == FILTERED, f"{thread} may call whatever it likes: {said['Seccomp']}"


@sentence("once they run, client and server keep CAP_NET_ADMIN alone, and neither can get more", suites=True)
def reduced(lab):
    tunnel = connected(lab)
    assert_reduced(tunnel.server.process.pid, NET_ADMIN)
    (pid,) = tunnel.client.pids
    assert_reduced(pid, NET_ADMIN)


@sentence("`interface` keeps CAP_NET_ADMIN alone, and `wg` sets it up all the same")
def interface_reduced(lab):
    wg = Interface(lab.laptop)
    process = wg.start_foreground()
    lab.laptop.write("/run/key", genkey())
    lab.laptop.run("wg", "set", "wg0", "private-key", "/run/key", "listen-port", "51900", "peer", pubkey(genkey()), "endpoint", "192.0.2.1:7",
                   "allowed-ips", "10.9.0.0/16")
    assert_reduced(process.pid, NET_ADMIN)
    assert process.stop() == 0, process.err
    assert wg.gone()


@sentence("`run` walls itself in, and not the program that it starts", seconds=5)
def run_reduced(lab):
    tunnel = Tunnel(lab)
    tunnel.server.up()
    tunnel.client.write()
    process = lab.laptop.start(CLIENT, "run", "laptop", "--", "sh", "-c", "cat /proc/self/status; exec sleep 1000", log="run")
    eventually("the program runs", lambda: "Seccomp_filters:" in process.out or not process.running)
    said = dict(line.split(":", 1) for line in process.out.splitlines())
    assert said["Seccomp"].strip() == FREE and said["NoNewPrivs"].strip() == "0", process.out
    assert_reduced(process.pid, NET_ADMIN)
    process.stop()


@sentence("with hooks that may run the client is walled in as without, and they are not, before it connects and when it has ended", seconds=5)
def hooks_free(lab):
    facts = hooked(lab, "PreUp = cat /proc/self/status > /run/pre-up", "PostDown = cat /proc/self/status > /run/post-down")
    process = lab.laptop.start(CLIENT, "connect", "--foreground", "--run-hooks", FILE, log="hooks")
    eventually("it is connected", lambda: "connected: " in process.out or not process.running, seconds=20)
    runner, = processes_for_hooks(lab.laptop)
    assert_reduced(process.pid, NET_ADMIN)
    assert "privileges-kept" not in process.err, process.err
    assert facts.client_key not in process.err
    ours = status("self")
    for field in ("CapEff", "CapPrm", "CapBnd", "Seccomp", "NoNewPrivs"):
        assert status(runner)[field] == ours[field], field
    assert process.stop() == 0, process.err
    for moment in ("pre-up", "post-down"):
        of_hook = dict(line.split(":", 1) for line in lab.laptop.read(f"/run/{moment}").splitlines())
        for field in ("CapEff", "Seccomp", "NoNewPrivs"):
            assert of_hook[field] == ours[field], (moment, field)


@sentence("a server reads no key outside of the places that its file named at the start: a reload that brings one is refused, and what runs goes on", seconds=5)
def keys_elsewhere(lab):
    if not has_landlock():
        raise Skip("the kernel has no Landlock")
    tunnel = Tunnel(lab, psk=True)
    lab.vps.sh("mount -t tmpfs tmpfs /opt; mkdir -m 700 /run/here /opt/there")
    for place in ("/run/here", "/opt/there"):
        lab.vps.write(f"{place}/psk", tunnel.facts.psk)
    config = tunnel.server.config()
    config["peers"][0]["preshared_key"] = "file:/run/here/psk"
    tunnel.server.write(config)
    tunnel.up()
    tunnel.server.command("reload")
    config["peers"][0]["preshared_key"] = "file:/opt/there/psk"
    tunnel.server.write(config)
    refused = tunnel.server.command("reload", code=None)
    assert refused.code != 0 and "/opt/there/psk" in refused.err, refused
    assert tunnel.server.process.running and tunnel.server.peer_names() == ["laptop"]
    tunnel.server.restart()
    tunnel.server.command("reload")


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
