"""What takes a moment says so on a terminal, leaves nothing there, and is silent everywhere else."""

import json
import re

from .lab import PROGRAMS, PYTHON
from .ours import CLIENT, DONE, FAILURE, NO_TUNNEL, SERVER
from .patience import eventually
from .sentences import sentence
from .test_doctor import DROPPING
from .tunnel import Tunnel


def on_terminal(host, *words, code=DONE):
    """What was shown while it ran, and what stood there in the end."""
    done = json.loads(host.run(*PYTHON, PROGRAMS / "terminal.py", *words, timeout=60).out)
    assert done["code"] == code, done
    return done["shown"], rendered(done["shown"])


def rendered(shown):
    """What such a terminal shows in the end."""
    lines, column = [""], 0
    for piece in re.split("(\r\n|\r|\x1b\\[K)", shown):
        if piece == "\r\n":
            lines, column = [*lines, ""], 0
        elif piece == "\r":
            column = 0
        elif piece == "\x1b[K":
            lines[-1] = lines[-1][:column]
        else:
            lines[-1] = lines[-1][:column] + piece + lines[-1][column + len(piece):]
            column += len(piece)
    return "\n".join(lines)


def silent(lab):
    tunnel = Tunnel(lab)
    tunnel.client.write()
    lab.router.nft(DROPPING % ("wall", "udp dport 51820"))
    return tunnel


@sentence("`connect` shows on a terminal what it waits for and for how long, and erases it; elsewhere it shows nothing", seconds=10)
def connect_shows(lab):
    tunnel = silent(lab)
    shown, stands = on_terminal(lab.laptop, CLIENT, "connect", "laptop", "--timeout", "3s", code=NO_TUNNEL)
    assert "waiting for the server of laptop (1 s)" in shown, shown
    assert "waiting for" not in stands and "\x1b" not in stands, stands
    assert stands.rstrip("\n").endswith("reason=silence"), stands
    piped = tunnel.client.connect("--timeout", "3s", code=NO_TUNNEL)
    assert "waiting for" not in piped.err + piped.out and "\r" not in piped.err and "\x1b" not in piped.err, piped


@sentence("`connect` in a shell's background draws nothing over what is in front", seconds=10)
def connect_behind(lab):
    silent(lab)
    shown, _ = on_terminal(lab.laptop, "bash", "-c", f"set -m; {CLIENT} connect laptop --timeout 3s & wait $!", code=NO_TUNNEL)
    assert "reason=silence" in shown and "waiting for" not in shown and "\x1b" not in shown, shown


@sentence("`run` shows what it waits for, and not a sign more once its program has the terminal", seconds=10)
def run_shows(lab):
    tunnel = silent(lab)
    shown, stands = on_terminal(lab.laptop, CLIENT, "run", "--timeout", "3s", "laptop", "--", "true", code=NO_TUNNEL)
    assert "waiting for the server of laptop (1 s)" in shown and "waiting for" not in stands, shown
    lab.router.nft("delete table inet wall")
    tunnel.server.up()
    _, stands = on_terminal(lab.laptop, CLIENT, "run", "laptop", "--", "sh", "-c", "sleep 2; echo the program >&2")
    assert stands == "the program\n", stands


@sentence("`doctor` shows on a terminal what it asks, and erases it before it says what it found", seconds=25)
def doctor_shows(lab):
    silent(lab)
    shown, stands = on_terminal(lab.laptop, CLIENT, "doctor", "laptop", code=FAILURE)
    assert "asking the server for a handshake (1 s)" in shown and stands == "", shown


@sentence("a command to a server that is busy shows on a terminal that it waits, and erases it", seconds=8)
def server_shows(lab):
    tunnel = Tunnel(lab)
    tunnel.server.up()
    pid = tunnel.server.process.pid
    lab.vps.run("kill", "-STOP", pid)
    waking = lab.vps.start("sh", "-c", f"sleep 3; kill -CONT {pid}", log="waking")
    shown, stands = on_terminal(lab.vps, SERVER, "peer", "list")
    assert "reading /etc/vpn/server.json (1 s)" in shown and stands == "", shown
    eventually("it was woken", lambda: not waking.running)
    shown, stands = on_terminal(lab.vps, SERVER, "peer", "add", "quick", "--output", "/run/quick.json")
    assert "changing" not in stands, stands
