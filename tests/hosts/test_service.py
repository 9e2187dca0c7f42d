"""What a service manager, a shell and the machine's own network managers find of us, installed into a directory."""

import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

from . import addresses
from .ours import BUILD, CLIENT, KEYS, SERVER
from .patience import eventually
from .sentences import Skip, sentence
from .tunnel import Tunnel

ROOT = pathlib.Path(__file__).resolve().parents[2]
# All that a connection or a server changes of a machine.
LOOK = "ip rule; ip -6 rule; ip route show table all; nft list ruleset; cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/all/src_valid_mark /etc/resolv.conf"
UNITS = {"vpn-client@.service": 2.6, "vpn-server.service": 2.4, "vpn-client-lock@.service": None}


def run(*words, **more):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True, **more)


def installed(directory):
    """Everything that scripts/install puts somewhere, below a directory of the test's."""
    if BUILD != ROOT / "build":
        raise Skip("scripts/install takes what is in build/")
    target = pathlib.Path(directory) / "installed"
    run(ROOT / "scripts" / "install", "--destdir", target, "--prefix", "/usr")
    return target


@sentence("`scripts/install` puts programs, man pages, units, completions and drop-ins in place, and `--remove` takes all of it away", seconds=10, bare=True)
def install(directory):
    target = installed(directory)
    names = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    for name in ("usr/bin/vpn-client", "usr/bin/vpn-server", "usr/bin/vpn-keys", "usr/share/man/man1/vpn-client.1", "usr/share/man/man8/vpn-server.8",
                 *(f"usr/lib/systemd/system/{unit}" for unit in UNITS), *(f"usr/share/bash-completion/completions/{one}" for one in
                 ("vpn-client", "vpn-server", "vpn-keys")), "usr/lib/systemd/network/10-vpn.network", "usr/lib/NetworkManager/conf.d/90-vpn.conf",
                 "usr/lib/udev/rules.d/90-vpn.rules", "usr/share/doc/vpn-server/alerts.yml", "usr/share/doc/vpn-server/grafana.json"):
        assert name in names, f"{name} is missing among {sorted(names)}"
    for unit in UNITS:
        text = (target / "usr/lib/systemd/system" / unit).read_text()
        assert "@bindir@" not in text and "/usr/bin/vpn-" in text, text
    run(ROOT / "scripts" / "install", "--destdir", target, "--prefix", "/usr", "--remove")
    assert not [path for path in target.rglob("*") if path.is_file()]


@sentence("systemd finds no fault with the units, and little that they are exposed to", seconds=15, bare=True)
def units(directory):
    if not shutil.which("systemd-analyze"):
        raise Skip("there is no systemd-analyze")
    target = installed(directory)
    for unit, most in UNITS.items():
        path = target / "usr/lib/systemd/system" / unit
        path.write_text(path.read_text().replace("/usr/bin/vpn-", f"{target}/usr/bin/vpn-"))
        said = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True, check=False)
        faults = [line for line in said.stderr.splitlines() if unit.split("@")[0] in line]
        assert not faults, faults
        if most is None:
            continue
        judged = run("systemd-analyze", "security", "--offline=yes", "--no-pager", path).stdout
        level = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", judged).group(1))
        print(f"{unit}: exposure {level}")
        assert level <= most, judged


def completed(program, script, line):
    """What bash offers behind `line`."""
    words = line.split(" ")
    shell = f'. "{script}"; COMP_WORDS=({line} ""); COMP_CWORD={len(words)}; _{program.replace("-", "_")}; printf "%s\\n" "${{COMPREPLY[@]}}"'
    if line.endswith("-"):
        shell = f'. "{script}"; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _{program.replace("-", "_")}; printf "%s\\n" "${{COMPREPLY[@]}}"'
    return set(run("bash", "-c", shell).stdout.split())


def offered(binary, *words):
    """Commands and long options, as `--help` names them."""
    text = run(binary, *words, "--help").stdout
    _, _, below = text.partition("Subcommands:")
    return set(re.findall(r"^  ([a-z]+) ", below, re.MULTILINE)), set(re.findall(r"(--[a-z0-9-]+)", text))


@sentence("bash completes every command and option that `--help` names, and nothing else", seconds=4, bare=True)
def completion(_):
    for binary, script in ((CLIENT, ROOT / "vpn-client/vpn-client.bash"), (SERVER, ROOT / "vpn-server/vpn-server.bash"), (KEYS, ROOT / "keys/vpn-keys.bash")):
        program = binary.name
        commands, options = offered(binary)
        assert commands and completed(program, script, program) == commands, (program, commands)
        assert completed(program, script, f"{program} -") == options, program
        for command in commands if program != "vpn-keys" else ():
            below, more = offered(binary, command)
            said = completed(program, script, f"{program} {command} -")
            assert more <= said <= more | options, f"{program} {command}: {said ^ more}"
            for each in below:
                _, more = offered(binary, command, each)
                said = completed(program, script, f"{program} {command} {each} -")
                assert more <= said <= more | options, f"{program} {command} {each}: {said ^ more}"


class Manager:
    """The socket that a service manager listens on."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setblocking(False)
        self.heard = ""

    def hear(self):
        while True:
            try:
                self.heard += self.socket.recv(4096).decode() + "\n"
            except BlockingIOError:
                return self.heard


def watched(manager):
    """What a daemon's surroundings hold if its manager looks after it every 0.4 s."""
    return {"NOTIFY_SOCKET": str(manager), "WATCHDOG_USEC": "400000"}


@sentence("both daemons tell a service manager when they are ready, how it goes, again and again that they live, and that they end", seconds=6)
def told(lab):
    # Short: a socket's name has 107 bytes, and a host's /run is its own.
    client, server = (Manager(lab.directory / name) for name in ("c", "s"))
    assert len(str(lab.directory / "c")) < 100
    tunnel = Tunnel(lab)
    tunnel.server.write()
    tunnel.client.write()
    tunnel.client.process = lab.laptop.start(CLIENT, "connect", "--foreground", "--timeout", "0", tunnel.client.file, log="vpn-client",
                                             environment=watched(lab.directory / "c"))
    eventually("the client says that it connects", lambda: "STATUS=connecting" in client.hear())
    assert "READY=1" not in client.hear()
    tunnel.server.process = lab.vps.start(SERVER, "run", "--config", tunnel.server.file, log="vpn-server",
                                          environment=watched(lab.directory / "s"))
    eventually("the server is ready", lambda: "READY=1" in server.hear())
    eventually("the client is ready", lambda: "READY=1\nSTATUS=connected: laptop" in client.hear(), seconds=15)
    assert lab.visit("address", addresses.SITE[4]) == {"address": addresses.VPS[4]}
    for process, manager in ((tunnel.client.process, client), (tunnel.server.process, server)):
        signs = manager.hear().count("WATCHDOG=1")
        eventually("it lives", lambda manager=manager, signs=signs: manager.hear().count("WATCHDOG=1") >= signs + 3)
        process.send(signal.SIGSTOP)
        signs = manager.hear().count("WATCHDOG=1")
        time.sleep(0.6)
        assert manager.hear().count("WATCHDOG=1") <= signs + 1, "who hangs says that he lives"
        process.send(signal.SIGCONT)
        assert process.stop() == 0
        assert "STOPPING=1" in manager.hear()


def as_unit(unit):
    """The start of a command that gets the capabilities that a unit leaves, as systemd would give them."""
    text = (ROOT / unit).read_text()
    left = re.search(r"^CapabilityBoundingSet=(.+)$", text, re.MULTILINE).group(1).lower().replace("cap_", "").split()
    return ["setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set", ",".join(["-all", *(f"+{each}" for each in left)])]


@sentence("with the capabilities that their units leave them both daemons connect, reload, recover from a crash, and put everything back", seconds=6)
def units_suffice(lab):
    client, server = as_unit("vpn-client/vpn-client@.service.in"), as_unit("vpn-server/vpn-server.service.in")
    tunnel = Tunnel(lab, lock=True, dns=[addresses.SITE[4]])
    tunnel.server.write()
    tunnel.client.write()
    before = lab.laptop.sh(LOOK).out, lab.vps.sh(LOOK).out
    tunnel.server.process = lab.vps.start(*server, SERVER, "run", "--config", tunnel.server.file, log="vpn-server")
    eventually("vpn-server answers", tunnel.server.answers, seconds=10)
    lab.vps.run(*server, SERVER, "reload", "--config", tunnel.server.file)
    start = (*client, CLIENT, "connect", "--foreground", "--timeout", "0", tunnel.client.file)
    crashing = lab.laptop.start(*start, log="crashing")
    eventually("the client is connected", lambda: "connected: " in crashing.out, seconds=15)
    crashing.stop(signal.SIGKILL)
    lab.laptop.run(*client, CLIENT, "recover")
    again = lab.laptop.start(*start, log="again")
    eventually("the client is connected again", lambda: "connected: " in again.out, seconds=15)
    assert lab.visit("address", addresses.SITE[4]) == {"address": addresses.VPS[4]}
    lab.laptop.run(*client, CLIENT, "disconnect", "laptop")
    assert again.wait(10) == 0
    tunnel.server.down()
    assert (lab.laptop.sh(LOOK).out, lab.vps.sh(LOOK).out) == before
