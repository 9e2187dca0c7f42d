"""The Debian package, as an administrator meets it: in a clean Debian that has nothing else of ours."""

import hashlib
import json
import pathlib
import re
import subprocess
import tarfile

from . import debian
from .debian import BootedDebian, CleanDebian
from .ours import NOT_RUNNING
from .patience import eventually
from .sentences import sentence

PLACES = re.compile(r"usr/(bin/vpn-\w+|lib/(systemd/(system|network)|udev/rules\.d|NetworkManager/conf\.d)/[\w@.-]+"
                    r"|share/(man/man[18]/[\w.-]+\.gz|bash-completion/completions/vpn-\w+|doc/vpn(-server)?/[\w.-]+))|etc/vpn")
SETTLED = ("/etc/vpn", "/var/lib/vpn", "/etc/systemd/system/multi-user.target.wants")
ENABLE = "systemctl enable --now vpn-server"


def members(words):
    """What a tar of dpkg-deb's holds: name -> member, and its bytes if it is a file."""
    with subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE) as process, tarfile.open(fileobj=process.stdout, mode="r|") as tar:
        return {one.name.removeprefix("./").rstrip("/"): (one, tar.extractfile(one).read() if one.isfile() else b"") for one in tar}


def shown(machine, name):
    """What systemd knows of the server's unit."""
    return machine.run("systemctl", "show", "--value", "--property", name, "vpn-server").out.strip()


@sentence("the package holds what `scripts/install` puts on a system, root's, open to nobody's writing, and nothing elsewhere", seconds=20, bare=True, part="package")
def content(directory):
    directory = pathlib.Path(directory)
    package = debian.package()
    held = members(["dpkg-deb", "--fsys-tarfile", package])
    for name, (member, _) in held.items():
        assert (member.uid, member.gid) == (0, 0), f"{name} is not root's"
        usual = 0o700 if name == "etc/vpn" else 0o755 if member.isdir() or name.startswith("usr/bin/") else 0o644
        assert member.issym() or member.mode == usual, f"{name} has mode {member.mode:o}"
        assert (member.isdir() and name != "etc/vpn") or PLACES.fullmatch(name), f"{name} is out of place"
    debian.read(debian.ROOT / "scripts/install", "--destdir", directory / "installed", "--prefix", "/usr")
    installed = {str(path.relative_to(directory / "installed")) for path in (directory / "installed").rglob("*") if not path.is_dir()}
    own = {name if not name.startswith("usr/share/man/") else name.removesuffix(".gz") for name, (member, _) in held.items() if not member.isdir()}
    assert own - installed == {f"usr/share/doc/vpn/{name}" for name in ("copyright", "README.md", "CHANGELOG.md", "changelog.gz")} and installed <= own, own ^ installed

    control = members(["dpkg-deb", "--ctrl-tarfile", package])
    for name in ("postinst", "prerm", "postrm"):
        assert control[name][0].mode == 0o755 and b"\nset -e\n" in control[name][1], name
    sums = dict(reversed(line.split("  ")) for line in control["md5sums"][1].decode().splitlines())
    assert sums == {name: hashlib.md5(text).hexdigest() for name, (member, text) in held.items() if member.isfile()}
    depends = debian.field(package, "Depends")
    assert re.search(r"\blibc6 \(>= ", depends) and "libnftables1" in depends, depends
    for program in ("vpn-server", "vpn-client", "vpn-keys"):
        (directory / program).write_bytes(held[f"usr/bin/{program}"][1])
        told = debian.read("readelf", "--wide", "--file-header", "--dynamic", "--section-headers", directory / program)
        assert "DYN (Position-Independent Executable" in told and "BIND_NOW" in told, told
        assert "RUNPATH" not in told and "RPATH" not in told and ".debug_info" not in told, told


@sentence("in a clean Debian the package brings a server and its peers: `init` names the unit, which systemd takes, and the programs run", seconds=15, bare=True,
          part="package")
def first_steps(directory):
    machine = CleanDebian(directory)
    machine.install(debian.package())
    assert machine.run("dpkg", "--verify", "vpn").out == machine.run("dpkg", "--audit").out == ""
    version = debian.field(debian.package(), "Version")
    for program in ("vpn-server", "vpn-client", "vpn-keys"):
        assert machine.run(program, "--version").out == f"{program} {version}\n"
    told = machine.run("vpn-server", "init", "--endpoint", "192.0.2.1", "--dns", "192.0.2.53").err
    assert f"\n  {ENABLE} " in told, told
    machine.run("systemctl", "enable", "vpn-server")
    assert machine.path("/etc/systemd/system/multi-user.target.wants/vpn-server.service").is_symlink()
    machine.run("vpn-server", "peer", "add", "laptop", "--output", "/root/laptop.json")
    machine.run("vpn-client", "check", "/root/laptop.json")

    server = machine.start("vpn-server", "run")
    eventually("the server answers", lambda: machine.run("vpn-server", "status").out)
    machine.run("vpn-server", "peer", "add", "phone", "--suite", "wireguard", "--qr")
    assert re.findall(r"^(laptop|phone) ", machine.run("vpn-server", "peer", "list").out, re.MULTILINE) == ["laptop", "phone"]
    assert server.stop() == 0
    machine.run("vpn-server", "status", code=NOT_RUNNING)


@sentence("configuration, keys and state outlive an upgrade and a removal, and a purge leaves nothing", seconds=15, bare=True, part="package")
def life(directory):
    machine = CleanDebian(directory)
    before = machine.files()
    machine.install(debian.package())
    machine.run("vpn-server", "init", "--endpoint", "192.0.2.1", "--dns", "192.0.2.53")
    machine.run("systemctl", "enable", "vpn-server", "vpn-client@work", "vpn-client-lock@work")
    machine.run("vpn-server", "peer", "add", "laptop", "--output", "/etc/vpn/work.json", "--quota", "1GB")
    server = machine.start("vpn-server", "run")
    eventually("the server answers", lambda: machine.run("vpn-server", "status").out)
    assert server.stop() == 0
    machine.path("/var/lib/vpn/server-vpns.timestamps").touch()
    settled = machine.files(*SETTLED)
    assert {"/etc/vpn/server.json", "/etc/vpn/work.json", "/etc/systemd/system/multi-user.target.wants/vpn-client@work.service"} < set(settled)

    machine.install(debian.package(newer=True))
    assert machine.run("dpkg-query", "-W", "-f", "${Version}", "vpn").out == debian.field(debian.package(newer=True), "Version")
    assert machine.files(*SETTLED) == settled
    machine.run("vpn-server", "check")
    machine.run("apt-get", "remove", "-y", "vpn")
    assert machine.files(*SETTLED) == settled
    assert not list(machine.path("/usr/bin").glob("vpn-*"))
    machine.install(debian.package())
    assert machine.files(*SETTLED) == settled
    machine.run("vpn-server", "check")

    machine.run("apt-get", "purge", "-y", "vpn")
    after = machine.files()
    left = {name: what for name, what in after.items() if before.get(name) != what} | {name: "gone" for name in before if name not in after}
    assert not left, left
    assert not list(machine.path("/var/lib/dpkg/info").glob("vpn.*"))


@sentence("removing the package ends a connection and opens its lock, which nobody could do afterwards", seconds=10, bare=True, part="package")
def ends_connections(directory):
    machine = CleanDebian(directory)
    machine.install(debian.package())
    machine.run("vpn-server", "init", "--endpoint", "192.0.2.1", "--dns", "192.0.2.53")
    machine.run("vpn-server", "peer", "add", "laptop", "--output", "/etc/vpn/work.json")
    written = machine.path("/etc/vpn/work.json")
    written.write_text(re.sub(r'("interface": \{)', r'\1 "lock": true,', written.read_text(encoding="utf-8"), count=1), encoding="utf-8")
    for line in ("link add eth0 type veth peer name wire", "addr add 192.0.2.2/24 dev eth0", "link set eth0 up", "link set wire up"):
        debian.read("ip", *line.split())
    clean = debian.read("nft", "list", "ruleset")
    connection = machine.start("vpn-client", "connect", "--foreground", "--timeout", "0", "work")
    eventually("the lock stands", lambda: debian.read("nft", "list", "ruleset") != clean)
    eventually("the connection answers", lambda: machine.path("/run/vpn/client-work.sock").exists())
    machine.run("apt-get", "remove", "-y", "vpn")
    connection.wait()
    assert debian.read("nft", "list", "ruleset") == clean


@sentence("where systemd is process 1, `init` starts the server, an upgrade starts it anew within two seconds, and a removal ends it", seconds=20, bare=True,
          part="package")
def service(directory):
    with BootedDebian(directory) as machine:
        def init(*options):
            return machine.run("vpn-server", "init", "--endpoint", "192.0.2.1", "--dns", "192.0.2.53", *options)

        def running():
            """The server's public key and its process."""
            assert shown(machine, "ActiveState") == "active"
            return json.loads(machine.run("vpn-server", "status", "--json").out)["public_key"], shown(machine, "MainPID")

        machine.install(debian.package())
        assert f"\n  {ENABLE} " in init("--no-enable").err and shown(machine, "ActiveState") == "inactive"
        machine.run(*ENABLE.split())
        first = running()
        init("--force")
        second = running()
        assert second[0] != first[0] and second[1] != first[1] and machine.run("systemctl", "is-enabled", "vpn-server").out == "enabled\n"

        machine.install(debian.package(newer=True))
        third = running()
        away = (int(shown(machine, "ActiveEnterTimestampMonotonic")) - int(shown(machine, "InactiveEnterTimestampMonotonic"))) / 1e6
        print(f"away for {away:.3f} s")
        assert 0 < away < 2 and third[0] == second[0] and third[1] != second[1]
        machine.run("apt-get", "remove", "-y", "vpn")
        machine.run("test", "-e", f"/proc/{third[1]}", code=1)
        assert shown(machine, "ActiveState") == "inactive" and not machine.path("/usr/bin/vpn-server").exists()
