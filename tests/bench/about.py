"""What the figures were taken on and with: the machine, the programs, and the libraries that encrypt for them."""

import os
import pathlib
import platform
import re
import subprocess

from .openvpn import PROGRAM as OPENVPN
from .peers import PEERS, ROOT

# Where scripts/setup keeps the lists of Debian testing. Its own configuration knows only where the tree was when it was made.
LISTS = ROOT / ".deps" / "apt"
TESTING = ["apt-cache", "-o", f"Dir::State={LISTS}", "-o", f"Dir::State::status={LISTS}/status", "-o", f"Dir::Cache={LISTS}/cache",
           "-o", f"Dir::Etc::sourcelist={LISTS}/sources.list", "-o", "Dir::Etc::sourceparts=-"]


def said(*words):
    """What a command writes to stdout; nothing if it cannot be run."""
    try:
        return subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, cwd=ROOT).stdout
    except OSError:
        return ""


def found(pattern, text, otherwise="?"):
    """The first group of the first match."""
    match = re.search(pattern, text, re.MULTILINE)
    return match.group(1) if match else otherwise


def machine():
    cpu = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    memory = int(found(r"^MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text(encoding="ascii"), "0"))
    return {"cpu": found(r"^model name\s*:\s*(.+)$", cpu, platform.machine()), "cores": len(os.sched_getaffinity(0)),
            "memory_gib": round(memory / 2**20, 1), "kernel": platform.release(),
            "load": round(os.getloadavg()[0], 2), "system": found(r'^PRETTY_NAME="(.+)"$', said("cat", "/etc/os-release"))}


def tools():
    """The programs that measure."""
    return [said("iperf3", "--version").partition(" (")[0] or "iperf3 ?", found(r"from (.+)", said("ping", "-V"), "ping ?")]


def ours(program, cipher):
    libsodium = said("pkg-config", "--modversion", "libsodium >= 1.0.22").strip()
    if not libsodium:
        header = ROOT / ".deps" / "libsodium" / "include" / "sodium" / "version.h"
        libsodium = found(r'VERSION_STRING "(.+)"', header.read_text(encoding="ascii") if header.exists() else "")
    commit = said("git", "describe", "--always", "--dirty").strip()
    version = found(r"(\d[\d.]+)", said(program, "--version"))
    return f"this tree {version}{f' ({commit})' if commit else ''}, {cipher} of libsodium {libsodium}"


def wireguard_go(program, package):
    """Debian's version: the program's own stays behind. `package` is what dpkg or apt tells about it, if they do."""
    version = found(r"^Version: (.+)$", package, found(r"(v\S+)", said(program, "--version")))
    crypto, go = (found(pattern, package) for pattern in (r"golang-go\.crypto \(= (?:\d+:)?([\d.]+)", r"golang-1\.\d+ \(= ([\d.]+)"))
    return f"wireguard-go {version}, golang.org/x/crypto {crypto} (Go {go})"


def openvpn(program):
    version, library = (found(pattern, said(program, "--version")) for pattern in (r"^OpenVPN ([\d.]+)", r"library versions: (OpenSSL [\d.]+)"))
    return f"OpenVPN {version} in userspace, AES-256-GCM of {library}"


VERSIONS = {
    "ours": lambda: ours(PEERS["ours"].program, "ChaCha20-Poly1305"),
    "hybrid": lambda: ours(PEERS["hybrid"].program, "AEGIS-256"),
    "newest": lambda: wireguard_go(PEERS["newest"].program, said(*TESTING, "show", "wireguard-go")),
    "stable": lambda: wireguard_go(PEERS["stable"].program, said("dpkg", "-s", "wireguard-go")),
    "openvpn": lambda: openvpn(OPENVPN),
    "none": lambda: "the bare wire, no VPN",
}
