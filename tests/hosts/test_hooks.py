"""The process that runs a wg-quick file's hooks, and the daemon beside it: who ends whom, and what is answered meanwhile."""

import json
import os
import pathlib
import signal

from . import addresses
from .hooks import FILE, FIRST_LINE, hooked, processes_for_hooks
from .ours import CLIENT, DONE, FAILURE, NO_TUNNEL
from .patience import eventually
from .sentences import sentence
from .snapshot import Snapshot
from .test_service import as_unit

KEYS = ("PreUp", "PostUp", "PreDown", "PostDown")
# One of each, that leaves its name behind.
NOTED = tuple(f"{key} = echo {key} >> /run/hooks" for key in KEYS)


def connected_with_hooks(lab, *lines, start=()):
    """`connect --foreground --run-hooks`, once it is connected."""
    hooked(lab, *lines)
    process = lab.laptop.start(*start, CLIENT, "connect", "--foreground", "--run-hooks", FILE, log="hooks")
    eventually("it is connected", lambda: "connected: " in process.out or not process.running, seconds=20)
    assert process.running, process.err
    return process


def noted(lab):
    return lab.laptop.read("/run/hooks").split() if lab.laptop.exists("/run/hooks") else []


def status_of(lab):
    done = lab.laptop.run(CLIENT, "status", "laptop", "--json", code=None)
    return done.code, json.loads(done.out)


def runs(lab, words):
    return lab.laptop.run("pgrep", "-f", words, code=None).code == 0


@sentence("kill -9 of the daemon takes the process that runs hooks with it, a hook of PostUp that runs too, and no other is run", seconds=6)
def daemon_killed(lab):
    before = Snapshot(lab.laptop)
    process = connected_with_hooks(lab, *NOTED)
    assert len(processes_for_hooks(lab.laptop)) == 1
    process.kill()
    eventually("nobody runs hooks", lambda: not processes_for_hooks(lab.laptop))
    lab.laptop.run(CLIENT, "recover")
    before.assert_unchanged("kill -9 and recover")
    assert noted(lab) == ["PreUp", "PostUp"]
    lab.laptop.write(FILE, lab.laptop.read(FILE).replace("echo PostUp", "sleep 1000 & sleep 1001; echo PostUp"))
    process = lab.laptop.start(CLIENT, "connect", "--foreground", "--run-hooks", FILE, log="again")
    eventually("PostUp runs", lambda: runs(lab, "^sleep 1001"), seconds=20)
    process.kill()
    eventually("nobody runs hooks", lambda: not processes_for_hooks(lab.laptop))
    eventually("the hook has ended", lambda: not runs(lab, "^sleep 100[01]"))
    lab.laptop.run(CLIENT, "recover")
    before.assert_unchanged("kill -9 in PostUp and recover")
    assert noted(lab) == ["PreUp", "PostUp", "PreUp"]


@sentence("kill -9 of the process that runs hooks: the connection goes on, and says at its end which of them were not run", seconds=5)
def runner_killed(lab):
    before = Snapshot(lab.laptop)
    process = connected_with_hooks(lab, *NOTED, "PostDown = true")
    runner, = processes_for_hooks(lab.laptop)
    os.kill(runner, signal.SIGKILL)
    eventually("it is told", lambda: "hooks-process-gone" in process.err)
    lab.laptop.run("ping", "-c1", "-W2", addresses.TUNNEL_SERVER[4])
    assert status_of(lab)[0] == DONE
    lab.laptop.run(CLIENT, "disconnect", "laptop")
    assert process.wait() == DONE, process.err
    for key, line in (("PreDown", 2), ("PostDown", 3), ("PostDown", 4)):
        assert f"hook-not-run key={key} line={FIRST_LINE + line}" in process.err, process.err
    assert noted(lab) == ["PreUp", "PostUp"]
    before.assert_unchanged("a connection whose hooks nobody ran")


@sentence("kill -9 of the process that runs hooks while PostUp runs ends `connect` with 1, says so, and everything is put back", seconds=5)
def runner_killed_in_post_up(lab):
    before = Snapshot(lab.laptop)
    hooked(lab, "PostUp = kill -9 $PPID; sleep 0.2", "PostDown = true")
    failed = lab.laptop.run(CLIENT, "connect", "--run-hooks", FILE, code=FAILURE)
    assert f"PostUp at line {FIRST_LINE}: the process that runs hooks was ended by somebody" in failed.err and not failed.out, failed
    before.assert_unchanged("a connection whose hooks nobody ran")


@sentence("{what} ends `connect --foreground` with PreDown and PostDown run, and leaves no process behind", seconds=5,
          what=("Ctrl-C", "SIGTERM to each of its processes", "SIGTERM to each of its processes under the unit's capabilities"))
def signalled(lab, what):
    before = Snapshot(lab.laptop)
    start = as_unit("vpn-client/vpn-client@.service.in") if "unit" in what else ()
    lines = [line.replace("PostUp", "pOSTuP", 1) + "; ip rule add pref 77 table main" if line.startswith("PostUp") else line for line in NOTED]
    process = connected_with_hooks(lab, *lines, "PostDown = ip rule del pref 77", start=start)
    runner, = processes_for_hooks(lab.laptop)
    if what == "Ctrl-C":
        os.killpg(process.pid, signal.SIGINT)
        os.kill(runner, signal.SIGINT)
    else:  # as a service manager ends all of a control group
        for pid in (runner, process.pid):
            os.kill(pid, signal.SIGTERM)
    assert process.wait(20) == DONE, process.err
    assert noted(lab) == list(KEYS)
    assert not processes_for_hooks(lab.laptop)
    before.assert_unchanged(what)


@sentence("a connect in the foreground whose standard streams are closed runs all its hooks, and puts everything back", seconds=5)
def without_streams(lab):
    before = Snapshot(lab.laptop)
    hooked(lab, *NOTED)
    process = lab.laptop.start("sh", "-c", f"exec {CLIENT} connect --foreground --run-hooks {FILE} <&- >&- 2>&-", log="hooks")
    eventually("PostUp has run", lambda: noted(lab) == ["PreUp", "PostUp"], seconds=20)
    assert {os.readlink(f"/proc/{process.pid}/fd/{stream}") for stream in range(3)} == {"/dev/null"}
    lab.laptop.run(CLIENT, "disconnect", "laptop")
    assert process.wait(20) == DONE
    assert noted(lab) == list(KEYS)
    assert not processes_for_hooks(lab.laptop)
    before.assert_unchanged("a connection without standard streams")


@sentence("while {key} runs `status` says so, and `disconnect` ends it and the connection", key=("PreUp", "PostUp"), seconds=6)
def answered_on_the_way_up(lab, key):
    before = Snapshot(lab.laptop)
    hooked(lab, f"{key} = sleep 1000 & sleep 1001", "PostDown = echo PostDown >> /run/hooks")
    process = lab.laptop.start(CLIENT, "connect", "--run-hooks", FILE, log="hooks")
    eventually("the hook runs", lambda: runs(lab, "^sleep 1001"), seconds=20)
    code, report = status_of(lab)
    assert code == NO_TUNNEL and report["state"] == "connecting" and report["hook"] == f"{key} at line {FIRST_LINE}", report
    assert f"laptop: connecting, {key} at line {FIRST_LINE} runs" in lab.laptop.run(CLIENT, "status", code=NO_TUNNEL).out
    assert "is being connected already" in lab.laptop.run(CLIENT, "connect", FILE, code=FAILURE).err
    if key == "PreUp":
        assert "has no tunnel now" in lab.laptop.run(CLIENT, "pause", "1m", "laptop", code=FAILURE).err
    assert lab.laptop.run(CLIENT, "disconnect", "laptop").out == "disconnected: laptop\n"
    assert process.wait(10) == FAILURE, process.err
    assert f"{key} at line {FIRST_LINE} failed (interrupted)" in process.err, process.err
    assert not runs(lab, "^sleep 100[01]") and not processes_for_hooks(lab.laptop)
    assert noted(lab) == ["PostDown"]
    before.assert_unchanged(f"disconnect in {key}")


@sentence("while {key} runs `status` says that the connection ends; in PreDown the tunnel still works", seconds=6, key=("PreDown", "PostDown"))
def answered_on_the_way_down(lab, key):
    before = Snapshot(lab.laptop)
    process = connected_with_hooks(lab, f"{key} = : > /run/runs; until [ -e /run/go ]; do sleep 0.05; done")
    ending = lab.laptop.start(CLIENT, "disconnect", "laptop", log="disconnect")
    eventually("the hook runs", lambda: lab.laptop.exists("/run/runs"))
    code, report = status_of(lab)
    assert code == NO_TUNNEL and report["state"] == "ending" and report["hook"] == f"{key} at line {FIRST_LINE}", report
    pinged = lab.laptop.run("ping", "-c1", "-W2", addresses.TUNNEL_SERVER[4], code=None).code == 0
    assert pinged == (key == "PreDown")
    assert "is being disconnected" in lab.laptop.run(CLIENT, "connect", FILE, code=FAILURE).err
    assert ending.running
    lab.laptop.write("/run/go", "")
    assert ending.wait(10) == DONE and process.wait(10) == DONE, ending.err + process.err
    before.assert_unchanged("disconnect")


@sentence("`disconnect` waits for hooks for as long as they may run, and one that hangs is ended after its ten seconds", seconds=28, apart=True)
def slow_on_the_way_down(lab):
    before = Snapshot(lab.laptop)
    process = connected_with_hooks(lab, "PreDown = sleep 1000 & sleep 1001", "PostDown = sleep 8; echo PostDown >> /run/hooks")
    assert lab.laptop.run(CLIENT, "disconnect", "laptop", timeout=60).out == "disconnected: laptop\n"
    assert process.wait() == DONE
    assert f'hook-failed key=PreDown line={FIRST_LINE} why="too slow"' in process.err, process.err
    assert not runs(lab, "^sleep 100[01]") and noted(lab) == ["PostDown"]
    before.assert_unchanged("disconnect with slow hooks")


@sentence("a process for hooks that somebody stopped keeps the connection from its end for no longer than its hooks may", seconds=22, apart=True)
def runner_stopped(lab):
    before = Snapshot(lab.laptop)
    process = connected_with_hooks(lab, *NOTED[:2], NOTED[3])
    runner, = processes_for_hooks(lab.laptop)
    os.kill(runner, signal.SIGSTOP)
    assert lab.laptop.run(CLIENT, "disconnect", "laptop", timeout=60).out == "disconnected: laptop\n"
    assert process.wait() == DONE
    assert f"hook-not-run key=PostDown line={FIRST_LINE + 2}" in process.err, process.err
    assert not processes_for_hooks(lab.laptop) and noted(lab) == ["PreUp", "PostUp"]
    before.assert_unchanged("a connection whose process for hooks was stopped")


@sentence("who reads what `connect --run-hooks` says comes to its end, and the process for hooks keeps no directory busy", seconds=5)
def lets_go(lab):
    hooked(lab, "PostUp = echo said by a hook")
    lab.laptop.sh("mkdir /run/away; mount -t tmpfs tmpfs /run/away")
    said = lab.laptop.sh(f"cd /run/away; {CLIENT} connect --run-hooks {FILE} 2>&1 | cat", timeout=20)
    assert "said by a hook" in said.out and "connected: laptop" in said.out, said
    lab.laptop.run("umount", "/run/away")
    runner, = processes_for_hooks(lab.laptop)
    links = {os.readlink(link) for link in pathlib.Path(f"/proc/{runner}/fd").iterdir()}
    assert all(link == "/dev/null" or link.startswith("socket:") for link in links) and len(links) == 2, links
    lab.laptop.run(CLIENT, "disconnect", "laptop")
    assert not processes_for_hooks(lab.laptop)


@sentence("without hooks in its file `--run-hooks` leaves no process for them")
def none_to_run(lab):
    hooked(lab)
    lab.laptop.run(CLIENT, "connect", "--run-hooks", FILE)
    assert not processes_for_hooks(lab.laptop)
    lab.laptop.run(CLIENT, "disconnect", "laptop")
