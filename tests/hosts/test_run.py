"""`vpn-client run NAME -- COMMAND`: one program whose only way out is the tunnel, and a machine that does not notice."""

import json
import os
import signal

from . import addresses
from .capture import Capture, strangers
from .lab import PROGRAMS, PYTHON
from .ours import BAD_CONFIG, CLIENT, FAILURE, NO_TUNNEL, USAGE
from .patience import eventually
from .process import is_alive
from .sentences import sentence
from .snapshot import Snapshot
from .tunnel import Tunnel

# Directory entries of /run/vpn are a running connection's; the rest of the machine must not change while it runs.
DNS = {"dns": [addresses.SITE[4]]}


def ready(lab, **facts):
    """A server that runs, and a client's file that nobody connects."""
    tunnel = Tunnel(lab, **facts)
    tunnel.server.up()
    tunnel.client.write()
    return tunnel


def run(lab, *words, code=0, options=(), **more):
    return lab.laptop.run(CLIENT, "run", *options, "laptop", "--", *words, code=code, timeout=40, **more)


def start(lab, *words):
    """The same with a program that stays, once it has said `here`."""
    process = lab.laptop.start(CLIENT, "run", "laptop", "--", "sh", "-c", *words, log="run")
    eventually("the program runs", lambda: "here" in process.out or not process.running, seconds=20)
    assert process.running, process.err
    return process


def leave_names(lab):
    """Those of a connection that was here before: its lock, and a socket on which nobody listens."""
    lab.laptop.sh("mkdir -p /run/vpn; touch /run/vpn/client-laptop.lock")
    lab.laptop.run(*PYTHON, "-c", "import socket; socket.socket(socket.AF_UNIX).bind('/run/vpn/client-laptop.sock')")


def visit(lab, *words, **more):
    done = run(lab, *PYTHON, PROGRAMS / "visitor.py", *words, **more)
    return json.loads(done.out.strip().splitlines()[-1])


def inner_pids():
    """Processes in a PID namespace of their own: those under `run`."""
    here = os.stat("/proc/self/ns/pid").st_ino
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{pid}/ns/pid").st_ino != here and is_alive(pid):
                found.append(int(pid))
        except OSError:
            continue
    return found


@sentence("a program under `run` reaches the site over IPv{inner} through the tunnel alone, while the laptop itself does not", inner=(4, 6),
          seconds=5, suites=True)
def through_the_tunnel(lab, inner):
    ready(lab, **DNS)
    with Capture(lab.router, "lan0") as wire:
        assert visit(lab, "address", addresses.SITE[inner]) == {"address": addresses.VPS[inner]}
    assert wire.packets and not strangers(wire.packets, 4), strangers(wire.packets, 4)
    assert lab.visit("refused", addresses.SITE[inner], 80)["error"], "the laptop itself has a way to the site"


@sentence("under `run`, nothing but allowed_ips has a way: not the laptop's own network, nor the laptop", seconds=5)
def no_other_way(lab):
    ready(lab, allowed_ips=["10.66.0.0/24", addresses.SITE_NETWORK[4]])
    for target in (addresses.ROUTER_LAN[4], addresses.LAPTOP[4], addresses.VPS[4]):
        refused = visit(lab, "refused", target, 80)
        assert refused["error"] == "OSError" and refused["errno"] == 101, (target, refused)
    names = [line.split()[0] for line in run(lab, "ip", "-br", "link").out.splitlines()]
    assert sorted(names) == ["laptop", "lo"], names
    run(lab, "ping", "-c1", "-W1", "127.0.0.1")


@sentence("under `run`, names are asked of the tunnel's name servers through the tunnel, past no daemon of the machine's", seconds=5)
def names(lab):
    ready(lab, **DNS)
    lab.laptop.sh("mkdir -p /run/nscd /run/systemd/resolve && touch /run/nscd/socket /run/systemd/resolve/io.systemd.Resolve")
    with Capture(lab.router, "lan0") as wire:
        assert visit(lab, "lookup", "www.test")["addresses"]
        assert run(lab, "cat", "/etc/resolv.conf").out == f"nameserver {addresses.SITE[4]}\n"
        assert run(lab, "grep", "^hosts", "/etc/nsswitch.conf").out == "hosts: files dns\n"
        assert run(lab, "ls", "/run/nscd", "/run/systemd/resolve").out.split() == ["/run/nscd:", "/run/systemd/resolve:"]
    assert not strangers(wire.packets, 4), strangers(wire.packets, 4)
    assert lab.laptop.read("/etc/resolv.conf") == f"nameserver {addresses.ROUTER_LAN[4]}\n"


@sentence("under `run`, the name servers stand where /etc/resolv.conf leads, though it leads into a daemon's own directory", seconds=5)
def resolver_is_a_link(lab):
    ready(lab, **DNS)
    lab.laptop.sh("mkdir -p /run/systemd/resolve; echo 'nameserver 127.0.0.53' > /run/systemd/resolve/stub-resolv.conf;"
                  "ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf")
    before = Snapshot(lab.laptop)
    assert run(lab, "cat", "/etc/resolv.conf").out == f"nameserver {addresses.SITE[4]}\n"
    before.assert_unchanged("a program under run")


@sentence("under `run`, the name servers stay when somebody replaces the machine's files: {how}", how=("where a file stood", "where a link stood"), seconds=5)
def replaced_outside(lab, how):
    ready(lab, **DNS)
    if how == "where a link stood":
        lab.laptop.sh("mkdir -p /run/systemd/resolve; echo 'nameserver 127.0.0.53' > /run/systemd/resolve/stub-resolv.conf;"
                      "ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf")
    process = start(lab, "echo here; while [ ! -e /run/go ]; do sleep 0.05; done; cat /etc/resolv.conf; grep ^hosts /etc/nsswitch.conf")
    lab.laptop.sh("echo 'nameserver 192.0.2.99' > /etc/new && mv /etc/new /etc/resolv.conf; echo 'hosts: nis' > /etc/new && mv /etc/new /etc/nsswitch.conf")
    lab.laptop.sh("touch /run/go")
    assert process.wait(10) == 0, process.err
    assert process.out == f"here\nnameserver {addresses.SITE[4]}\nhosts: files dns\n", process.out


@sentence("`run` ends with its program though whoever called it ignores the ends of children", seconds=5)
def children_ignored(lab):
    ready(lab, **DNS)
    done = lab.laptop.run("sh", "-c", f"trap '' CHLD; exec {CLIENT} run laptop -- sh -c 'exit 7'", code=7, timeout=40)
    assert not done.out, done.out


@sentence("the rest of the laptop is as it was while a program runs under `run`, and afterwards", seconds=5)
def machine_unchanged(lab):
    ready(lab, **DNS)
    leave_names(lab)
    look = "ip addr; ip -d link; ip rule; ip -6 rule; ip route show table all; ip -6 route show table all; nft list ruleset; cat /etc/resolv.conf; mount"
    before, whole = lab.laptop.sh(look).out, Snapshot(lab.laptop)
    process = start(lab, "echo here; sleep 100")
    during = lab.laptop.sh(look).out
    assert during == before, f"{before}\n---\n{during}"
    status = json.loads(lab.laptop.run(CLIENT, "status", "laptop", "--json").out)
    assert status["state"] == "connected" and status["apart"] is True, status
    assert status["dns"]["servers"] == DNS["dns"] and status["dns"]["applied"] is True, status["dns"]
    human = lab.laptop.run(CLIENT, "status", "laptop").out
    assert f"{addresses.SITE[4]} by a resolv.conf of its own" in human and "namespace of its own" in human, human
    lab.laptop.run(CLIENT, "disconnect", "laptop")
    assert process.wait(5) == 128 + signal.SIGTERM
    now = Snapshot(lab.laptop).text
    assert [line for line in now.splitlines() if "client-" not in line and "turn" not in line] == \
        [line for line in whole.text.splitlines() if "client-" not in line and "turn" not in line]
    assert not inner_pids()


@sentence("`run` ends with the program's own exit code, and says what it could not run", seconds=8)
def exit_codes(lab):
    ready(lab)
    run(lab, "true")
    run(lab, "sh", "-c", "exit 7", code=7)
    run(lab, "sh", "-c", "kill -9 $$", code=128 + 9)
    assert "no-such-program" in run(lab, "no-such-program", code=127).err
    assert "/etc" in run(lab, "/etc", code=126).err


@sentence("`run` hands every word behind -- and every stream on as it is", seconds=5)
def words(lab):
    ready(lab)
    given = ["--help", "--", "", "a  b", "--timeout", "-x", "$HOME", "run"]
    done = run(lab, "printf", "%s|", *given)
    assert done.out == "".join(f"{word}|" for word in given) and not done.err, done
    assert run(lab, "tr", "a-z", "A-Z", stdin="through\n").out == "THROUGH\n"
    assert run(lab, "sh", "-c", "echo $GREETING", environment={"GREETING": "hello"}).out == "hello\n"


@sentence("under `run`, a program is whoever called sudo, or who --user says", seconds=6)
def user(lab):
    ready(lab)
    look = ("sh", "-c", "echo $(id -u) $(id -g) $HOME; grep CapEff /proc/self/status")
    assert run(lab, *look).out.startswith("0 0 /root\n")
    done = run(lab, *look, environment={"SUDO_UID": "1234", "SUDO_GID": "1235"})
    assert done.out == "1234 1235 /root\nCapEff:\t0000000000000000\n", done
    done = run(lab, *look, options=("--user", "nobody"))
    assert done.out.startswith("65534 65534 /nonexistent\n"), done
    assert "there is no user" in run(lab, "true", options=("--user", "no-one-here"), code=USAGE).err


@sentence("a program under `run` has no other way out, so that there is nothing to pause: `pause` is refused", seconds=5)
def not_paused(lab):
    ready(lab)
    process = start(lab, "echo here; sleep 100")
    refused = lab.laptop.run(CLIENT, "pause", "5m", "laptop", code=FAILURE)
    assert "`run`" in refused.err and "paused" not in refused.out, refused
    assert json.loads(lab.laptop.run(CLIENT, "status", "laptop", "--json").out)["state"] == "connected"
    process.stop()


@sentence("while a program runs under `run`, a connection with a lock is refused, for it would cut that off", seconds=6)
def not_locked_out(lab):
    tunnel = ready(lab)
    process = start(lab, "echo here; sleep 100")
    other = {**tunnel.client.config(), "interface": {**tunnel.client.config()["interface"], "lock": True}}
    lab.laptop.write("/etc/vpn/other.json", json.dumps(other))
    refused = lab.laptop.run(CLIENT, "connect", "other", "--timeout", "2s", code=FAILURE)
    assert "vpn-client disconnect laptop" in refused.err and "lock" in refused.err, refused
    assert "vpn-lock" not in lab.laptop.run("nft", "list", "tables").out
    assert process.running
    process.stop()


@sentence("a signal to `vpn-client run` reaches the program, which ends as it likes", seconds=4)
def signals(lab):
    ready(lab)
    process = start(lab, "trap 'echo heard; exit 9' TERM; echo here; while :; do sleep 0.1; done")
    process.send(signal.SIGTERM)
    assert process.wait(5) == 9 and "heard" in process.out


@sentence("kill -9 of `vpn-client run` ends the program and all that it started, and leaves nothing", seconds=5)
def killed(lab):
    ready(lab)
    leave_names(lab)
    before = Snapshot(lab.laptop)
    process = start(lab, "setsid sleep 1000 & setsid sh -c 'trap : TERM; sleep 1000' & echo here; sleep 1000")
    assert len(inner_pids()) >= 4, inner_pids()
    process.kill()
    eventually("all of it is gone", lambda: not inner_pids())
    before.assert_unchanged("kill -9")
    run(lab, "true")


@sentence("what the program leaves running ends with it", seconds=4)
def orphans(lab):
    ready(lab)
    run(lab, "sh", "-c", "setsid sleep 1000 > /dev/null 2>&1 & exit 0")
    assert not inner_pids()


@sentence("without a working tunnel `run` starts nothing, and says which reason it is", seconds=5)
def no_tunnel(lab):
    tunnel = Tunnel(lab)
    tunnel.client.write()
    failed = run(lab, "touch", "/run/ran", code=NO_TUNNEL, options=("--timeout", "4s"))
    assert failed.reason == "port-closed" and not lab.laptop.exists("/run/ran"), failed
    tunnel.client.write({"version": 1})
    run(lab, "touch", "/run/ran", code=BAD_CONFIG)
    assert not lab.laptop.exists("/run/ran")
    assert "behind --" in lab.laptop.run(CLIENT, "run", "laptop", code=USAGE).err
    assert "behind --" in lab.laptop.run(CLIENT, "run", "laptop", "--", code=USAGE).err
    lab.laptop.run(CLIENT, "run", code=USAGE)


@sentence("a connection that is up is not run once more with the same key", seconds=5)
def connected_already(lab):
    tunnel = ready(lab)
    tunnel.client.up()
    refused = run(lab, "touch", "/run/ran", code=FAILURE)
    assert "connected already" in refused.err and not lab.laptop.exists("/run/ran"), refused
