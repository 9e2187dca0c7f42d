"""One machine: a network namespace and a mount namespace with its own /etc, /run and /var/lib.

Nothing of it has a name on the real machine. It lives as long as the process that holds it, and that process lives
in the test's own PID namespace, so that whatever happens to the test, the kernel takes everything away.
"""

import os
import pathlib
import subprocess

from . import process

# /etc becomes a directory of its own whose entries point at the machine's: files written here stay here.
SETUP = """
set -e
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/machine-etc
mount --rbind /etc /run/machine-etc
mount -t tmpfs -o mode=755 tmpfs /etc
ln -s /run/machine-etc/* /etc/
rm -rf /etc/resolv.conf /etc/hosts /etc/vpn
echo "127.0.0.1 localhost" > /etc/hosts
: > /etc/resolv.conf
mount -t tmpfs -o mode=755 tmpfs /var/lib
mount -t sysfs sysfs /sys 2>/dev/null || :
ip link set lo up
echo ready
exec sleep infinity
"""

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/root",
    # Leaks are looked for by a thread that our list of system calls stops; unit tests look for them.
    "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0",
}


class Host:
    """A host called `name`, its logs in `directory`. Leaving the context ends everything that was started on it."""

    def __init__(self, name, directory):
        self.name = name
        self.directory = pathlib.Path(directory)
        self._processes = []
        self._holder = subprocess.Popen(["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", SETUP],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=ENVIRONMENT, start_new_session=True)
        if self._holder.stdout.readline() != b"ready\n":
            raise RuntimeError(f"host {name} could not be made")
        self.pid = self._holder.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for started in reversed(self._processes):
            started.stop(patience=2.0, must=False)
        self._holder.kill()
        self._holder.wait()
        self._holder.stdout.close()

    def command(self, *words):
        """The same command, as the machine outside has to call it. It becomes the program itself: pids and signals stay true."""
        return ["nsenter", "--target", str(self.pid), "--net", "--mount", "--", *map(str, words)]

    def run(self, *words, code=0, timeout=30.0, stdin=None, environment=None):
        """Runs a command here. `code` is the exit code it must have, None if any will do."""
        outcome = process.run(self.command(*words), timeout, ENVIRONMENT | (environment or {}), stdin)
        outcome.command = words
        if code is not None and outcome.code != code:
            raise AssertionError(f"expected exit {code} on {self.name}: {outcome}")
        return outcome

    def start(self, *words, log=None, prepare=None, stdin=None, environment=None):
        """Starts a command here that goes on until it is stopped, or the host ends."""
        log = self.directory / f"{self.name}-{log or pathlib.Path(str(words[0])).name}"
        started = process.Process(self.command(*words), log, ENVIRONMENT | (environment or {}), stdin, prepare)
        self._processes.append(started)
        return started

    def sh(self, script, **options):
        """Runs a shell script here."""
        return self.run("sh", "-ec", script, **options)

    def ip(self, *lines):
        """`ip` with each line, in one go."""
        batch = "\n".join(lines) + "\n"
        self.run("ip", "-batch", "-", stdin=batch)

    def nft(self, ruleset):
        """Loads nftables rules."""
        self.run("nft", "-f", "-", stdin=ruleset)

    def sysctl(self, **values):
        """Sets net.* values: `ipv4__ip_forward=1` is net.ipv4.ip_forward."""
        pairs = [f"echo {value} > /proc/sys/net/{key.replace('__', '/')}" for key, value in values.items()]
        self.sh("\n".join(pairs))

    def path(self, inner):
        """Where the machine outside finds one of this host's files."""
        return pathlib.Path(f"/proc/{self.pid}/root{inner}")

    def read(self, inner):
        return self.path(inner).read_text(encoding="utf-8")

    def write(self, inner, text, mode=0o600):
        """Writes a file here, its directories too."""
        path = self.path(inner)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return inner

    def exists(self, inner):
        return os.path.lexists(self.path(inner))

    def pids(self):
        """Everything that runs in this host's network namespace, its holder left out."""
        here = os.stat(f"/proc/{self.pid}/ns/net").st_ino
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.stat(f"/proc/{entry}/ns/net").st_ino == here and int(entry) != self.pid and process.is_alive(entry):
                    found.append(int(entry))
            except OSError:
                continue
        return found
