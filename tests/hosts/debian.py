"""A clean Debian for a test: the smallest there is, with systemd and what our package depends on, and the packages to try in it.

It comes from the mirror that this machine's apt uses, with apt's own signature check, and is kept beside the build.
"""

import contextlib
import hashlib
import os
import pathlib
import re
import stat
import subprocess

from . import process
from .patience import eventually
from .sentences import Skip

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ROOT / "build" / "package"
KEPT = ROOT / ".deps" / "debian"
# What comes after the tree's own version.
NEXT = "+next"
# A booted one has a control group of its own, called like this and more.
GROUP = "vpn-package-"
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}
# Starts systemd as process 1 of a machine whose root is $1, in the control group $2. What it could change of this machine it cannot:
# /sys is read-only, of /proc/sys all but the network's, and clock and modules are out of its reach.
BOOT = """
echo 0 > "$2/cgroup.procs"
exec unshare --mount --uts --ipc --cgroup --pid --fork --kill-child sh -ec '
  cd "$1"
  mount -t proc proc proc
  mount --bind proc/sys proc/sys
  mount --bind proc/sys/net proc/sys/net
  mount -o remount,bind,ro proc/sys
  mount -t sysfs -o ro sysfs sys
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  mount -t tmpfs -o mode=755 tmpfs run
  exec setpriv --bounding-set=-sys_module,-sys_time,-sys_rawio,-sys_boot,-syslog,-audit_control \
    chroot . env -i container=test /lib/systemd/systemd --unit=multi-user.target
' boot "$1"
"""
# What a package manager notes for itself, and what is not the machine's.
NOTES = ("dev", "proc", "sys", "tmp", "root", "var/log", "var/cache", "var/lib/apt", "var/lib/dpkg")


def read(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True).stdout


def field(package, name):
    return read("dpkg-deb", "--field", package, name).strip()


def package(newer=False):
    """The package of this tree, or the one that comes after it."""
    found = [path for path in PACKAGES.glob("vpn_*.deb") if (NEXT in path.name) == newer]
    if len(found) != 1:
        raise Skip("tests/hosts/run.py --part package makes the packages first")
    return found[0]


def _archive():
    """Where a clean Debian with our dependencies is kept."""
    depends = [re.match(r"\s*([a-z0-9.+-]+)", one).group(1) for one in field(package(), "Depends").split(",")]
    return KEPT / f"{hashlib.sha256(' '.join(depends).encode()).hexdigest()[:12]}.tar", depends


def _sources(codename):
    """The lines of sources.list for the mirror that this machine uses."""
    known = read("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)", "Created-By: Packages")
    places = [line.split() for line in known.splitlines()]
    return [f"deb {uri} {name} {component}" for uri, name, component in places if name == codename and re.search(r"/(debian|ubuntu)/?$", uri)]


def _build(*options):
    """What it says goes to our standard error."""
    built = subprocess.run([ROOT / "scripts" / "package", "--output", PACKAGES, *options], stdout=subprocess.PIPE, text=True, check=True)
    return pathlib.Path(built.stdout.strip())


def prepare():
    """Builds the packages, and the clean Debian where it is missing. Where that fails, the tests that want it are skipped."""
    for old in PACKAGES.glob("*.deb"):
        old.unlink()
    _build("--version", field(ROOT / _build(), "Version") + NEXT)
    archive, depends = _archive()
    codename = re.search(r"^VERSION_CODENAME=(\S+)", pathlib.Path("/etc/os-release").read_text(encoding="utf-8"), re.MULTILINE).group(1)
    sources = _sources(codename)
    if archive.exists() or os.geteuid() != 0 or not sources:
        return
    print(f"# making a clean Debian {codename}", flush=True)
    KEPT.mkdir(parents=True, exist_ok=True)
    for old in KEPT.iterdir():
        old.unlink()
    growing = archive.with_name("growing.tar")
    made = subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(['systemd', *depends])}", codename, growing, *sources],
                          check=False, timeout=600)
    if made.returncode == 0:
        growing.rename(archive)


class CleanDebian:
    """One of its own for a test, in the test's mount namespace; the kernel takes it away with that."""

    def __init__(self, directory):
        if pathlib.Path("/proc/self/uid_map").read_text(encoding="ascii").split() != ["0", "0", "4294967295"]:
            raise Skip("a clean Debian has files of several users: it takes root")
        archive, _ = _archive()
        if not archive.exists():
            raise Skip("mmdebstrap could not make a clean Debian of what apt's mirror has")
        self.directory = pathlib.Path(directory)
        self.root = self.directory / "debian"
        self.root.mkdir()
        read("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", self.root)
        read("tar", "--numeric-owner", "-C", self.root, "-xf", archive)
        read("mount", "--rbind", "/proc", self.root / "proc")
        self.path("/dev/net").mkdir()
        os.mknod(self.path("/dev/net/tun"), stat.S_IFCHR | 0o666, os.makedev(10, 200))

    def command(self, *words):
        """The same command, as it has to be called from outside."""
        return ["chroot", str(self.root), *map(str, words)]

    def path(self, inner):
        return self.root / inner.lstrip("/")

    def run(self, *words, code=0):
        outcome = process.run(self.command(*words), 60, ENVIRONMENT)
        if outcome.code != code:
            raise AssertionError(f"expected exit {code}: {outcome}")
        return outcome

    def start(self, *words):
        """Something that goes on until it is stopped."""
        return process.Process(self.command(*words), self.directory / pathlib.Path(words[0]).name, ENVIRONMENT)

    def install(self, one):
        """As an administrator does, from a file."""
        copy = self.path(f"/tmp/{one.name}")
        copy.write_bytes(one.read_bytes())
        self.run("apt-get", "install", "-y", f"/tmp/{one.name}")

    def files(self, *places):
        """What lies there, or in the whole system but for a package manager's notes: path -> what it is."""
        found = {}
        for place in places or ("/",):
            for directory, names, others in os.walk(self.path(place)):
                inside = os.path.relpath(directory, self.root)
                names[:] = [name for name in names if os.path.normpath(f"{inside}/{name}") not in NOTES]
                for name in names + others:
                    path = pathlib.Path(directory, name)
                    found["/" + os.path.normpath(f"{inside}/{name}")] = _look(path)
        return found


class BootedDebian(CleanDebian):
    """One whose process 1 is systemd. Leaving the context ends all of it."""

    def __init__(self, directory):
        super().__init__(directory)
        groups = _groups()
        if not groups:
            raise Skip("there is no control group of version 2 for a systemd")
        self.group = groups / f"{GROUP}{self.directory.parent.name}"
        self.group.mkdir()
        self._boot = process.Process(["sh", "-ec", BOOT, "boot", str(self.root), str(self.group)], self.directory / "systemd", ENVIRONMENT)

    def __enter__(self):
        eventually("systemd is up", lambda: self.run("systemctl", "is-active", "multi-user.target").out == "active\n", seconds=40)
        return self

    def __exit__(self, *_):
        self._boot.kill()
        eventually("everything has ended", lambda: clear_groups() or not self.group.exists())

    def command(self, *words):
        child = pathlib.Path(f"/proc/{self._boot.pid}/task/{self._boot.pid}/children").read_text(encoding="ascii").split()[0]
        return ["nsenter", "--target", child, "--all", "--root", "--wd=/", "--", *map(str, words)]


def _groups():
    """Where control groups of version 2 are, if this machine has any."""
    for line in pathlib.Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, place, kind, options, *_ = line.split()
        if kind == "cgroup2" and "rw" in options.split(","):
            return pathlib.Path(place)
    return None


def clear_groups():
    """Takes away what a booted machine that has ended left of its control groups: empty ones, whoever was killed before."""
    for group in (_groups() or pathlib.Path("/nowhere")).glob(f"{GROUP}*"):
        for directory, _, _ in os.walk(group, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(directory)


def _look(path):
    status = path.lstat()
    if path.is_symlink():
        return "link", os.readlink(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    return oct(status.st_mode), status.st_uid, status.st_gid, digest
