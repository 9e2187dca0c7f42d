"""The machine outside: how to leave it for namespaces of one's own, and whether it stayed as it was."""

import functools
import os
import subprocess
import sys

MARK = "VPN_HOSTS_RUN"
LOOKS = ["ip -d link", "ip addr", "ip rule", "ip -6 rule", "ip route show table all", "ip -6 route show table all", "nft list ruleset 2>/dev/null",
         "sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding", "cat /etc/resolv.conf",
         "ls -A /etc/vpn /run/vpn /var/lib/vpn /run/wireguard 2>/dev/null"]


def this_script():
    return os.path.abspath(sys.argv[0])


def apart_from(script, *words):
    """The command that runs a Python script away from this machine: as root of its own, with no network, and a PID namespace
    that the kernel clears when the command ends, or this process does."""
    os.environ.setdefault(MARK, str(os.getpid()))
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["setpriv", "--pdeathsig", "KILL", "--", "unshare", *user, "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
            "/usr/bin/python3", script, *map(str, words)]


@functools.cache
def why_not():
    """None if hosts can be made on this machine, else what it takes."""
    tried = subprocess.run([*apart_from("-c", "open('/dev/net/tun', 'rb')")], capture_output=True, text=True, check=False)
    if tried.returncode == 0:
        return None
    last = (tried.stderr.strip().splitlines() or ["no reason given"])[-1]
    return f"it takes root, or user namespaces and a /dev/net/tun open to this user ({last})"


def state():
    """The network of the machine, as text."""
    return "\n".join(f"# {look}\n" + subprocess.run(["sh", "-c", look], capture_output=True, text=True, check=False).stdout for look in LOOKS)


def left_behind(before):
    """What is not as it was: lines that came or went, and processes of this run that are still there."""
    now = state()
    old, new = before.splitlines(), now.splitlines()
    changes = [f"gone: {line}" for line in old if line not in new] + [f"new: {line}" for line in new if line not in old]
    return changes + [f"still running: {name}" for name in _processes_of_this_run()]


def _processes_of_this_run():
    mark = f"{MARK}={os.environ.get(MARK)}".encode()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as environment, open(f"/proc/{pid}/cmdline", "rb") as line:
                if mark in environment.read().split(b"\0") and int(pid) != os.getpid():
                    yield f"{pid} {line.read().replace(bytes(1), b' ').decode(errors='replace')}"
        except OSError:
            continue
