"""`connect`, `disconnect` and `status`, as somebody at a prompt sees them."""

import json
import re
import signal
import stat
import time

from . import addresses
from .capture import Capture, on_port
from .lab import PYTHON
from .ours import CLIENT, DONE, FAILURE, KEYS, NOT_RUNNING, NO_TUNNEL, SERVER, USAGE, OurClient, OurServer, find
from .patience import eventually
from .sentences import sentence
from .tunnel import Facts, Tunnel, connected

HELP = {"vpn-client": (CLIENT, ("connect", "disconnect", "status", "pause", "lock", "check", "import", "export", "doctor", "recover", "card", "run",
                                "interface")), "vpn-server": (SERVER, ("init", "run", "check", "status", "reload", "peer")),
        "vpn-keys": (KEYS, ("genkey", "pubkey", "genpsk"))}


@sentence("where IPv6 is switched off `connect` waits for nobody whom it could ask by that alone", seconds=5)
def nobody_by_ipv6(lab):
    lab.laptop.run("sysctl", "-w", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
    tunnel = Tunnel(lab)
    tunnel.server.up()
    config = tunnel.client.config()
    config["interface"]["probe"] = addresses.TUNNEL_SERVER[6]
    tunnel.client.write(config)
    tunnel.client.up()
    assert lab.visit("address", addresses.SITE[4]) == {"address": addresses.VPS[4]}


@sentence("`connect` ends with 0 in one line once an answer came from inside the tunnel, and goes on in the background")
def connects(lab):
    tunnel = Tunnel(lab)
    tunnel.server.up()
    done = tunnel.client.connect()
    assert len((done.out + done.err).strip().splitlines()) == 1, done
    assert done.seconds < 2, f"that is no blink of an eye: {done}"
    lab.laptop.run("ping", "-n", "-c1", "-W1", addresses.TUNNEL_SERVER[4])
    assert len(tunnel.client.pids) == 1


@sentence("connecting what is connected ends with 0 and says so")
def already(lab):
    tunnel = connected(lab)
    before = tunnel.client.pids
    again = tunnel.client.connect()
    assert "already connected" in again.out + again.err, again
    assert tunnel.client.pids == before


@sentence("`status` ends with 0 when connected, 3 when not running, and the verdict comes first")
def status_codes(lab):
    tunnel = Tunnel(lab)
    assert tunnel.client.command("status", code=NOT_RUNNING).code == NOT_RUNNING
    tunnel.client.command("status", "laptop", code=NOT_RUNNING)
    tunnel.up()
    for words in (("status",), ("status", "laptop")):
        said = tunnel.client.command(*words, code=DONE).out
        assert "connected" in said.splitlines()[0], said
        assert addresses.VPS[4] in said and "vps" in said, said
    tunnel.client.disconnect()
    tunnel.client.command("status", "laptop", code=NOT_RUNNING)


@sentence("`status` ends with 4 while the daemon has no session")
def status_without_session(lab):
    tunnel = Tunnel(lab)
    tunnel.client.start_foreground("--timeout", "0")
    eventually("the daemon says that it has no session", lambda: tunnel.client.command("status", "laptop", code=None).code == NO_TUNNEL)
    said = tunnel.client.command("status", "laptop", code=NO_TUNNEL)
    assert "connected" not in said.out.splitlines()[0].replace("not connected", ""), said


@sentence("`status --json` is JSON of version 1 and says what passed", seconds=4)
def status_json(lab):
    tunnel = connected(lab)
    lab.visit("get", addresses.SITE[4], 1_000_000)
    status = tunnel.client.status()
    assert find(status, "version") == 1, status
    assert addresses.VPS[4] in json.dumps(status), status
    received = find(status, "received", "rx_bytes", "received_bytes")
    assert received > 1_000_000, status


@sentence("`disconnect` ends the only connection, with or without its name, and ends with 3 when there is none")
def disconnects(lab):
    tunnel = connected(lab)
    tunnel.client.command("disconnect")
    assert not tunnel.client.pids
    tunnel.client.command("disconnect", code=NOT_RUNNING)
    tunnel.client.up()
    tunnel.client.command("disconnect", "laptop")
    tunnel.client.command("disconnect", "laptop", code=NOT_RUNNING)


@sentence("a file in /etc/vpn is connected by its name")
def by_name(lab):
    tunnel = Tunnel(lab)
    tunnel.server.up()
    tunnel.client.write()
    tunnel.client.command("connect", "laptop")
    lab.laptop.run("ping", "-n", "-c1", "-W1", addresses.TUNNEL_SERVER[4])


@sentence("the interface is called as the file says, else as the file is called")
def interface_name(lab):
    tunnel = Tunnel(lab)
    tunnel.server.up()
    config = tunnel.client.config()
    config["interface"]["name"] = "wan9"
    tunnel.client.write(config)
    tunnel.client.connect()
    links = lab.laptop.run("ip", "-br", "link").out
    assert "wan9" in links and "laptop" not in links, links
    tunnel.client.command("status", "laptop")


@sentence("sockets and pids in /run/vpn are open to root only")
def sockets(lab):
    tunnel = connected(lab)
    assert lab.laptop.exists(f"/run/vpn/client-{tunnel.client.name}.sock")
    for path in lab.laptop.path("/run/vpn").iterdir():
        assert stat.S_IMODE(path.lstat().st_mode) == 0o600, path.name


def second_server(lab):
    """Another server on the VPS, and a laptop's file for it."""
    facts = Facts(endpoint=f"{addresses.VPS[4]}:51821", allowed_ips=["10.67.0.0/24"], server_addresses=["10.67.0.1/24"], client_addresses=["10.67.0.2/32"])
    server = OurServer(lab.vps, facts, "/etc/vpn/second.json")
    server.interface = "vpns2"
    config = server.config()
    config["interface"]["listen_port"] = 51821
    config["networks"] = ["10.67.0.0/24"]
    server.write(config)
    client = OurClient(lab.laptop, facts, "work")
    config = client.config()
    config["interface"]["probe"] = "10.67.0.1"
    client.write(config)
    return server.up(), client


@sentence("two connections stand beside each other, `status` lists both, and each is ended by its name", seconds=5)
def two(lab):
    tunnel = connected(lab, allowed_ips=["10.66.0.0/24", "fd66::/64"])
    _, work = second_server(lab)
    work.connect()
    for address in ("10.66.0.1", "10.67.0.1"):
        lab.laptop.run("ping", "-n", "-c2", "-i0.1", "-W1", address)
    said = tunnel.client.command("status").out
    assert "laptop" in said and "work" in said, said
    undecided = tunnel.client.command("disconnect", code=USAGE)
    assert "laptop" in undecided.err and "work" in undecided.err, undecided
    work.disconnect()
    lab.laptop.run("ping", "-n", "-c2", "-i0.1", "-W1", "10.66.0.1")
    tunnel.client.disconnect()


@sentence("a connection that overlaps another is refused with exit 1, naming it: {what}", what=("a second full tunnel", "a network that overlaps"), seconds=4)
def overlap(lab, what):
    full = what == "a second full tunnel"
    connected(lab, allowed_ips=addresses.EVERYWHERE if full else ["10.66.0.0/24", "10.64.0.0/10"])
    _, work = second_server(lab)
    if full:
        config = work.config()
        config["interface"]["probe"] = "10.67.0.1"
        config["peers"][0]["allowed_ips"] = list(addresses.EVERYWHERE)
        work.write(config)
    refused = work.connect(code=FAILURE)
    assert "laptop" in refused.err, refused
    lab.laptop.run("ping", "-n", "-c2", "-i0.1", "-W1", "10.66.0.1")


@sentence("{program} answers --help and --version on every level, to stdout, without colour for a file", program=tuple(HELP))
def helps(lab, program):
    path, commands = HELP[program]
    for words in ((), *((command,) for command in commands)):
        said = lab.laptop.run(path, *words, "--help")
        assert said.out.strip() and not said.err and "\x1b" not in said.out, said
    assert all(command in lab.laptop.run(path, "--help").out for command in commands)
    assert re.search(r"\d+\.\d+\.\d+", lab.laptop.run(path, "--version").out)
    if program == "vpn-client":
        for command in commands:
            assert lab.laptop.run(path, command, "--version").out == lab.laptop.run(path, "--version").out
        listed = re.findall(r"^  ([a-z]+) ", lab.laptop.run(path, "--help").out, re.MULTILINE)
        assert set(commands) == set(listed), listed


@sentence("`status` tells the round trip, loss and rates, and asks nobody inside once nobody looks any more", seconds=20)
def measured(lab):
    _, endpoint = lab.relay("--delay", 0.04)
    tunnel = Tunnel(lab, endpoint=endpoint)
    config = tunnel.client.config()
    config["interface"]["mtu"] = 1420  # else the way's is asked for after traffic, too
    tunnel.client.write(config)
    tunnel.up()
    status = tunnel.client.status()
    assert 0.04 <= status["round_trip"] < 1 and status["loss"] == 0, status
    said = tunnel.client.command("status").out
    assert re.search(r"round trip +\d+ ms, loss 0 %", said), said
    lab.visit("get", addresses.SITE[4], 3_000_000)
    eventually("a peak is seen", lambda: tunnel.client.status()["peak_rate"]["received_per_second"] > 100_000, seconds=12)
    eventually("it is quiet again", lambda: tunnel.client.status()["rate"]["received_per_second"] < 10_000, seconds=12)
    assert tunnel.client.status()["peak_rate"]["received_per_second"] > 100_000
    time.sleep(4)
    # An answer is owed a sign of life for ten seconds; questions are longer.
    with Capture(lab.router, "lan0", lambda packet: on_port(51821)(packet) and len(packet.raw) > 28 + 32) as wire:
        time.sleep(6)
    assert not wire.packets, wire.packets


@sentence("a tunnel that was connected and through which nothing comes back any more is broken, with exit 4 and the reason: {how}", seconds=30,
          how=("the server forwards no more", "the server's address inside is gone", "the server is stopped"))
def breaks(lab, how):
    tunnel = connected(lab, dns=[addresses.SITE[4]])
    assert tunnel.client.status()["state"] == "connected"
    if how == "the server forwards no more":
        lab.vps.sysctl(ipv4__ip_forward=0)
    elif how == "the server's address inside is gone":
        lab.vps.ip(f"addr del {addresses.TUNNEL_SERVER[4]}/24 dev vpns")
    else:
        tunnel.server.down()

    def told():
        return tunnel.client.command("status", code=None)
    eventually("status says so", lambda: told().code == NO_TUNNEL, seconds=40)
    done = told()
    assert done.out.startswith("laptop: no working tunnel"), done
    reasons = ("no-return", "port-closed", "silence") if how == "the server is stopped" else ("no-return",)
    assert done.reason in reasons and tunnel.client.status()["reason"] in reasons, done
    if how == "the server forwards no more":
        assert f"{addresses.SITE[4]} (DNS) does not answer" in done.out, done
        lab.vps.sysctl(ipv4__ip_forward=1)
        eventually("status says that it is well again", lambda: told().code == DONE, seconds=20)
    elif how == "the server is stopped":
        eventually("the reason becomes that", lambda: told().reason in ("port-closed", "silence"), seconds=60)
        tunnel.server.up()
        eventually("status says that it is well again", lambda: told().code == DONE, seconds=60)


WATCHER = """
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
while True:
    try:
        shown = os.read(terminal, 65536)
    except OSError:
        break
    if not shown:
        break
    sys.stdout.buffer.write(shown)
    sys.stdout.buffer.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


@sentence("`status --watch` on a terminal draws in place, with a graph of what passes, and ends with the verdict's exit code", seconds=12)
def watched(lab):
    tunnel = connected(lab)
    watch = lab.laptop.start(*PYTHON, "-c", WATCHER, CLIENT, "status", "--watch", log="watch", environment={"TERM": "xterm"})
    eventually("it is drawn", lambda: "laptop: " in watch.out)
    lab.visit("get", addresses.SITE[4], 3_000_000)
    eventually("the graph rises", lambda: "\u2588" in watch.out, seconds=15)
    eventually("it is drawn over what was there", lambda: re.search(r"\x1b\[\d+A", watch.out), seconds=15)
    assert "\x1b[?7l" in watch.out and "\x1b[?7h" in watch.out
    assert "connected" in watch.out and "at most" in watch.out
    lab.laptop.run("kill", "-INT", *[pid for pid in tunnel.client.pids if b"--watch" in lab.laptop.path(f"/proc/{pid}/cmdline").read_bytes()])
    assert watch.wait(5) == DONE, watch.err
    assert "\x1b[2J" not in watch.out, "it clears what it could draw over"


@sentence("`status --watch` into a pipe draws nothing, and `--watch --json` is a line of JSON each second", seconds=8)
def watched_by_a_program(lab):
    tunnel = connected(lab)
    plain = lab.laptop.start(CLIENT, "status", "--watch", log="plain")
    lines = lab.laptop.start(CLIENT, "status", "--watch", "--json", "laptop", log="lines")
    eventually("both have told twice", lambda: plain.out.count("laptop: connected") >= 2 and lines.out.count("\n") >= 2)
    for process in (plain, lines):
        assert process.stop(signal.SIGINT) == DONE
    assert "\x1b" not in plain.out + lines.out
    reports = [json.loads(line) for line in lines.out.splitlines()]
    assert all(report["version"] == 1 and report["state"] == "connected" for report in reports), reports
    assert reports[-1]["round_trip"] is not None, reports[-1]
    tunnel.client.disconnect()
    tunnel.client.command("status", "--watch", "nobody here", code=USAGE)


@sentence("a clock that went back since the last handshake keeps nobody from connecting, and `connect` and `doctor` say so", seconds=6)
def clock_went_back(lab):
    tunnel = connected(lab)
    tunnel.client.disconnect()
    kept = "/var/lib/vpn/client-laptop.timestamps"
    first, *lines = lab.laptop.read(kept).splitlines()
    key, sent, received = lines[0].split()
    seconds = int(sent[:16], 16) + 2 * 24 * 3600  # TAI64N
    lab.laptop.write(kept, f"{first}\n{key} {seconds:016x}{sent[16:]} {received}\n")
    done = tunnel.client.connect()
    assert "went back by 2 days" in done.err or "went back by 1 day" in done.err, done
    assert "timedatectl" in done.err and done.out.startswith("connected: "), done
    assert "went back by" in tunnel.client.command("doctor", "laptop", code=None).out
    assert lab.visit("address", addresses.SITE[4]) == {"address": addresses.VPS[4]}
    tunnel.client.disconnect()
    assert "went back" in tunnel.client.connect().err, "what was seen is forgotten"
    tunnel.client.disconnect()
    lab.laptop.run("rm", kept)
    # The server has not forgotten, and says nothing to an old time.
    assert "went back" not in tunnel.client.connect("--timeout", "3s", code=NO_TUNNEL).err
