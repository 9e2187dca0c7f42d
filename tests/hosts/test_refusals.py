"""What cannot be started is refused before anything is changed: an exit code, and a message that names what is wrong and where."""

import dataclasses
import json
import re
from collections.abc import Callable

from . import addresses
from .lab import PROGRAMS, PYTHON
from .ours import BAD_CONFIG, CLIENT, FAILURE, NO_PERMISSION, SERVER, USAGE
from .patience import eventually
from .sentences import Skip, sentence
from .snapshot import Snapshot
from .tunnel import Tunnel
from .wireguard import genkey

SECRET = genkey()


@dataclasses.dataclass
class Spoilt:
    """A file that is wrong: how it came to be, the line to be named (found by a word that stands there), words that must be said."""

    spoil: Callable
    words: tuple = ()
    line_of: str | None = None
    mode: int = 0o600


def replace(old, new):
    def spoil(text):
        assert old in text, f"{old} is not in the file"
        return text.replace(old, new, 1)
    return spoil


# In both kinds of file.
SPOILT = {
    "is broken JSON": Spoilt(replace('"version": 1,', '"version": 1'), (), '"interface"'),
    "ends in the middle": Spoilt(lambda text: text[:len(text) // 2]),
    "is empty": Spoilt(lambda text: ""),
    "holds a key that nobody knows": Spoilt(replace('"addresses"', '"adresses"'), ("adresses", "addresses"), '"adresses"'),
    "says something twice": Spoilt(replace('"version": 1,', '"version": 1,\n  "version": 1,'), ("version",)),
    "is of another version": Spoilt(replace('"version": 1', '"version": 2'), ("version", "1"), '"version"'),
    "holds a private key that is none": Spoilt(lambda text: re.sub(r'"private_key": "[^"]*"', f'"private_key": "{SECRET[:-2]}"', text),
                                               ("private_key",), '"private_key"'),
    "holds an address that is none": Spoilt(replace('"fd66::', '"fd66::zz'), ("fd66::zz",), "fd66::zz"),
    "asks for a suite that does not exist": Spoilt(replace('"public_key"', '"suite": "quantum",\n      "public_key"'), ("quantum", "hybrid"), '"quantum"'),
    "may be read by others": Spoilt(lambda text: text, ("mode", "chmod"), mode=0o644),
    "may be read by its group": Spoilt(lambda text: text, ("mode", "chmod"), mode=0o640),
    "may be written by others": Spoilt(lambda text: text, ("mode", "chmod"), mode=0o602),
    "is seventy megabytes": Spoilt(lambda text: text + " " * 70_000_000, ("large", "big", "bytes", "MiB", "KiB", "MB")),
    "is nested a thousand deep": Spoilt(replace('"version": 1', '"version": ' + "[" * 1000 + "]" * 1000), ("deep", "nest", "levels", "depth")),
    "holds escape codes in a name": Spoilt(replace('"version": 1,', '"version": 1,\n  "\\u001b[31mred": 1,'), ("red",), "red"),
}
ONLY_CLIENT = {
    "names local networks for a lock that it does not have": Spoilt(
        replace('"private_key"', '"local_networks": ["192.168.1.0/24"],\n    "private_key"'), ("lock",), '"local_networks"'),
    "names no allowed_ips": Spoilt(lambda text: re.sub(r'"allowed_ips"', '"persistent_keepalive": 25, "allowed"', text), ("allowed",)),
    "has an endpoint without a port": Spoilt(lambda text: re.sub(r'"endpoint": "[^"]*"', '"endpoint": "198.51.100.10"', text),
                                             ("endpoint", "port"), '"endpoint"'),
}
ALTERNATIVES = {"is seventy megabytes", "is nested a thousand deep"}


def assert_said(what, spoilt, text, path, refused):
    """The message names the file, the line where there is one, and what is wrong; it repeats no secret and obeys no escape code."""
    said = refused.err
    assert path in said, refused
    if spoilt.line_of:
        line = next(number for number, content in enumerate(text.splitlines(), 1) if spoilt.line_of in content)
        assert f"{path}:{line}:" in said, f"line {line} is at fault: {refused}"
    found = [word for word in spoilt.words if word in said]
    assert found if what in ALTERNATIVES else len(found) == len(spoilt.words), f"expected {spoilt.words}: {refused}"
    assert "\x1b" not in said and SECRET[:20] not in said, refused


@sentence("`connect`, `check`, `lock`, `export`, `import` and `run` refuse a file that {what}, and change nothing", seconds=6,
          what=(*SPOILT, *ONLY_CLIENT))
def client_refuses(lab, what):
    spoilt = {**SPOILT, **ONLY_CLIENT}[what]
    client = Tunnel(lab).client
    text = spoilt.spoil(json.dumps(client.config(), indent=2))
    lab.laptop.write(client.file, text, spoilt.mode)
    before, files = Snapshot(lab.laptop), sorted(lab.laptop.path("/etc/vpn").iterdir())
    for words in (("connect", "--timeout", "2s", client.file), ("check", client.file), ("lock", client.file), ("lock", client.name),
                  ("export", "--format", "wg", client.file), ("import", client.file, "--output", "/etc/vpn/new.json"),
                  ("run", client.file, "--", "touch", "/run/ran")):
        refused = client.command(*words, code=BAD_CONFIG)
        assert_said(what, spoilt, text, client.file, refused)
        assert not refused.out, refused
        before.assert_unchanged(f"the refusal of {words[0]}")
    assert sorted(lab.laptop.path("/etc/vpn").iterdir()) == files and not lab.laptop.exists("/run/ran")


@sentence("`run` and `check` refuse a server's file that {what}, and change nothing", what=tuple(SPOILT))
def run_refuses(lab, what):
    spoilt = SPOILT[what]
    server = Tunnel(lab).server
    text = spoilt.spoil(json.dumps(server.config(), indent=2))
    lab.vps.write(server.file, text, spoilt.mode)
    before = Snapshot(lab.vps)
    for command in ("check", "run"):
        assert_said(what, spoilt, text, server.file, server.command(command, code=BAD_CONFIG, timeout=10))
    before.assert_unchanged("the refusal")


def as_nobody(host, program):
    """A command line that runs a program as somebody who is not root."""
    if host.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "true", code=None).code != 0:
        raise Skip("there is one user only in this user namespace")
    host.sh(f"install -m 0755 {program} /run/{program.name}")
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", f"/run/{program.name}"]


def without_net_admin(program):
    return ["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin", program]


def without_tun(program):
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", 'mount -t tmpfs tmpfs /dev/net && exec "$@"', "sh", program]


def refused_both(lab, disguise, code, words):
    """Client and server, each under a disguise, refuse and change nothing."""
    tunnel = Tunnel(lab)
    tunnel.server.write()
    tunnel.client.write()
    for host, program, rest in ((lab.laptop, CLIENT, ("connect", "--timeout", "2s", tunnel.client.file)),
                                (lab.vps, SERVER, ("run", "--config", tunnel.server.file))):
        command = disguise(host, program)
        before = Snapshot(host)
        refused = host.run(*command, *rest, code=code, timeout=15)
        assert any(word in refused.err for word in words), f"none of {words}: {refused}"
        before.assert_unchanged("the refusal")


@sentence("who is not root is told so, with exit 5, and nothing changes")
def not_root(lab):
    def disguise(host, program):
        command = as_nobody(host, program)
        # Their own file, so that it is the network that they may not touch.
        host.sh("chown -R 65534:65534 /etc/vpn")
        return command
    refused_both(lab, disguise, NO_PERMISSION, ("root", "CAP_NET_ADMIN"))


@sentence("a file that the user may not read is a matter of permission: exit 5")
def unreadable(lab):
    client = Tunnel(lab).client
    client.write()
    refused = lab.laptop.run(*as_nobody(lab.laptop, CLIENT), "check", client.file, code=NO_PERMISSION)
    assert client.file in refused.err, refused


@sentence("root without CAP_NET_ADMIN is told so, with exit 5, and nothing changes")
def no_net_admin(lab):
    refused_both(lab, lambda host, program: without_net_admin(program), NO_PERMISSION, ("CAP_NET_ADMIN",))


@sentence("without /dev/net/tun, that is what is said, with exit 1, and nothing changes")
def no_tun(lab):
    refused_both(lab, lambda host, program: without_tun(program), FAILURE, ("/dev/net/tun",))


@sentence("a listen port that is taken is named, with exit 1, and nothing changes: over IPv{version}", version=(4, 6))
def port_taken(lab, version):
    server = Tunnel(lab).server
    server.write()
    family = {4: "AF_INET, socket.SOCK_DGRAM); s.bind(('0.0.0.0'", 6: "AF_INET6, socket.SOCK_DGRAM); s.setsockopt(41, 26, 1); s.bind(('::'"}[version]
    lab.vps.start(*PYTHON, "-c", f"import socket, time; s = socket.socket(socket.{family}, {addresses.PORT})); time.sleep(60)", log="squatter")
    eventually("the port is taken", lambda: f":{addresses.PORT} " in lab.vps.run("ss", "-lun").out)
    before = Snapshot(lab.vps)
    refused = server.command("run", code=FAILURE, timeout=10)
    assert str(addresses.PORT) in refused.err and "port" in refused.err, refused
    before.assert_unchanged("the refusal")


@sentence("an interface name that is taken is named, with exit 1, and nothing changes")
def name_taken(lab):
    tunnel = Tunnel(lab)
    tunnel.server.write()
    tunnel.client.write()
    for host, end in ((lab.laptop, tunnel.client), (lab.vps, tunnel.server)):
        host.ip(f"link add {end.interface} type veth peer name other")
        before = Snapshot(host)
        refused = (end.connect("--timeout", "2s", code=FAILURE) if end is tunnel.client else end.command("run", code=FAILURE, timeout=10))
        assert end.interface in refused.err, refused
        before.assert_unchanged("the refusal")


@sentence("a file that is not there is named, with exit 6")
def missing_file(lab):
    for host, *command in ((lab.laptop, CLIENT, "connect", "/etc/vpn/nowhere.json"), (lab.laptop, CLIENT, "connect", "nowhere"),
                           (lab.vps, SERVER, "run", "--config", "/etc/vpn/nowhere.json"), (lab.vps, SERVER, "check", "--config", "/etc/vpn/nowhere.json")):
        before = Snapshot(host)
        refused = host.run(*command, code=BAD_CONFIG, timeout=10)
        assert "/etc/vpn/nowhere.json" in refused.err, refused
        before.assert_unchanged("the refusal")


@sentence("a second server with the same file is refused, and the first goes on", seconds=4)
def second_server(lab):
    tunnel = Tunnel(lab).up()
    before = Snapshot(lab.vps)
    refused = tunnel.server.command("run", code=FAILURE, timeout=10)
    assert refused.err.strip(), refused
    before.assert_unchanged("the refusal")
    lab.laptop.run("ping", "-n", "-c2", "-i0.1", "-W1", addresses.TUNNEL_SERVER[4])


@sentence("a command line that makes no sense is refused with exit 2: {line}",
          line=("vpn-client", "vpn-client conect", "vpn-client connect", "vpn-client connect --no-such-option x", "vpn-client connect a b",
                "vpn-client connect a-name-that-is-too-long", "vpn-client connect --timeout soon laptop",
                "vpn-client status a b", "vpn-client status --jsn", "vpn-client status a-name-that-is-too-long",
                "vpn-client disconnect a b", "vpn-client disconnect --all", "vpn-client disconnect a-name-that-is-too-long",
                "vpn-client pause", "vpn-client pause soon", "vpn-client pause 5parsecs", "vpn-client pause -- -5m", "vpn-client pause 25h",
                "vpn-client pause 99999999999999999999h", "vpn-client pause 5m a b", "vpn-client pause 5m a-name-that-is-too-long",
                "vpn-client lock", "vpn-client lock a b", "vpn-client lock a-name-that-is-too-long", "vpn-client lock --now laptop",
                "vpn-client recover laptop", "vpn-client recover --force", "vpn-client export --format wg", "vpn-client export --format pdf laptop",
                "vpn-client export --format wg a-name-that-is-too-long", "vpn-client card", "vpn-client card a b",
                "vpn-client card a-name-that-is-too-long", "vpn-client check", "vpn-client check a b", "vpn-client import", "vpn-client import a b",
                "vpn-client interface", "vpn-client interface a b", "vpn-client run laptop", "vpn-client run", "vpn-client doctor a b",
                "vpn-server", "vpn-server runn", "vpn-server run now", "vpn-server peer", "vpn-server peer add --format pdf laptop", "vpn-server init",
                "vpn-server init --endpoint x --network 10.0.0.0/33", "vpn-server init --endpoint x --listen-port 70000"))
def usage(lab, line):
    program, *words = line.split()
    before = Snapshot(lab.laptop)
    refused = lab.laptop.run({"vpn-client": CLIENT, "vpn-server": SERVER}[program], *words, code=USAGE)
    assert refused.err.strip() and not refused.out.strip(), refused
    before.assert_unchanged("the refusal")


def take_port(lab):
    lab.laptop.start(*PYTHON, "-c", f"import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('0.0.0.0', {OWN_PORT})); time.sleep(60)",
                     log="squatter")
    eventually("the port is taken", lambda: f":{OWN_PORT} " in lab.laptop.run("ss", "-lun").out)


OWN_PORT = 41000
# vpn-client's mark, and the first of its routing tables (vpn-client(1), FILES AND NAMES IN THE KERNEL).
OURS_IN_KERNEL = 0x76706e
WHAT_IS_TAKEN = {
    "its listen port": (take_port, (str(OWN_PORT), "listen_port")),
    "its firewall mark": (lambda lab: lab.laptop.run("ip", "rule", "add", "fwmark", str(OURS_IN_KERNEL), "lookup", "100", "priority", "100"),
                          (f"mark {OURS_IN_KERNEL}", "priority 100")),
    "its routing table": (lambda lab: lab.laptop.run("ip", "route", "add", "203.0.113.0/24", "via", addresses.ROUTER_LAN[4], "table", str(OURS_IN_KERNEL)),
                          (f"table {OURS_IN_KERNEL}", "203.0.113.0/24")),
    "the priority of its rules": (lambda lab: lab.laptop.run("ip", "rule", "add", "from", "192.0.2.77", "lookup", "100", "priority", "29001"),
                                  ("29001",)),
    "its interface's name": (lambda lab: lab.laptop.ip("link add laptop type veth peer name other"), ("laptop",)),
}


def watched(lab):
    """Tells of every change to the firewall and the links of the laptop."""
    watch = [lab.laptop.start(*command, log=f"watch-{command[0]}") for command in (("nft", "monitor"), ("ip", "monitor", "link", "rule", "route"))]

    def gives_a_sign():  # again until it is seen: the watch takes a moment to begin
        lab.laptop.nft("table inet sign_of_life { }; delete table inet sign_of_life\n")
        return "sign_of_life" in watch[0].out

    eventually("the watch sees", gives_a_sign, seconds=20, every=0.1)
    return watch


@sentence("`connect` with a lock is refused where somebody has taken {what}, names it, and cuts nobody off for a moment", seconds=4,
          what=tuple(WHAT_IS_TAKEN))
def client_finds_taken(lab, what):
    take, words = WHAT_IS_TAKEN[what]
    client = Tunnel(lab, lock=True).client
    config = client.config()
    config["interface"]["listen_port"] = OWN_PORT
    client.write(config)
    take(lab)
    before, watch = Snapshot(lab.laptop), watched(lab)
    refused = client.connect("--timeout", "2s", code=FAILURE)
    assert all(word in refused.err for word in words), f"none of {words}: {refused}"
    before.assert_unchanged("the refusal")
    lab.laptop.nft("table inet sign_of_end { }; delete table inet sign_of_end\n")
    eventually("the watch has seen all", lambda: "sign_of_end" in watch[0].out)
    seen = [line for process in watch for line in process.out.splitlines() if "sign_of" not in line and "vpn" in line or "laptop:" in line]
    assert not seen, seen


@sentence("`connect` with a lock says that the kernel has no {what}, with exit 1, and cuts nobody off for a moment", seconds=4,
          what=("nftables", "TUN driver"))
def client_lacks(lab, what):
    client = Tunnel(lab, lock=True).client
    client.write()
    before, watch = Snapshot(lab.laptop), watched(lab)
    program = [*PYTHON, PROGRAMS / "without_nftables.py", CLIENT] if what == "nftables" else without_tun(CLIENT)
    refused = lab.laptop.run(*program, "connect", "--timeout", "2s", client.file, code=FAILURE)
    assert {"nftables": "nftables", "TUN driver": "/dev/net/tun"}[what] in refused.err, refused
    before.assert_unchanged("the refusal")
    assert "vpn" not in watch[0].out, watch[0].out
