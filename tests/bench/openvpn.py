"""OpenVPN in userspace, as its manual would have it fast: AES-256-GCM over UDP, the kernel's data channel off, --fast-io, and
socket buffers of the size that the others ask for too (as far as the machine lets it). Both make it faster, the buffers twice.

Both ends hold one certificate that is made for the run, and trust it: who they are changes nothing about moving packets.
"""

import functools
import ipaddress
import pathlib
import subprocess

from hosts import addresses
from hosts.patience import eventually

PROGRAM = pathlib.Path("/usr/sbin/openvpn")
CERTIFICATE, KEY = "/run/bench.crt", "/run/bench.key"
SOCKET_BUFFER = 4 * 1024 * 1024

COMMON = f"""
dev tun0
proto udp4
topology subnet
ca {CERTIFICATE}
cert {CERTIFICATE}
key {KEY}
data-ciphers AES-256-GCM
keepalive 10 60
fast-io
sndbuf {SOCKET_BUFFER}
rcvbuf {SOCKET_BUFFER}
verb 1
"""


@functools.cache
def knows(option):
    """Whether this version has an option."""
    return f"--{option} " in subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=False).stdout


def generate(host):
    """A certificate that signs itself, and its key, as texts."""
    host.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", 2,
             "-subj", "/CN=bench", "-keyout", KEY, "-out", CERTIFICATE)
    return host.read(CERTIFICATE), host.read(KEY)


def netmask(network):
    """`10.0.0.0/24` as OpenVPN writes it: `10.0.0.0 255.255.255.0`."""
    return ipaddress.ip_network(network).with_netmask.replace("/", " ")


class OpenVpn:
    """An end on a host."""

    def __init__(self, host, facts, credentials):
        self.host, self.facts = host, facts
        self._certificate, self._key = credentials
        self.process = None

    def _start(self, config):
        self.host.write(CERTIFICATE, self._certificate)
        self.host.write(KEY, self._key)
        userspace = "disable-dco\n" if knows("disable-dco") else ""
        self.host.write("/run/openvpn.conf", config + COMMON + userspace)
        self.process = self.host.start(PROGRAM, "--config", "/run/openvpn.conf", log="openvpn")

    @property
    def pids(self):
        return [self.process.pid]


class Server(OpenVpn):
    def up(self):
        pushed = "".join(f'push "route {netmask(prefix)}"\n' for prefix in self.facts.allowed_ips if prefix != addresses.TUNNEL_NETWORK[4])
        self._start(f"server {netmask(addresses.TUNNEL_NETWORK[4])}\nport {addresses.PORT}\ndh none\n{pushed}")
        eventually("openvpn listens", lambda: f":{addresses.PORT} " in self.host.run("ss", "-lun").out)


class Client(OpenVpn):
    def up(self):
        address, _, port = self.facts.endpoint.rpartition(":")
        self._start(f"client\nnobind\nremote {address} {port}\n")
        inner = addresses.TUNNEL_SERVER[4]
        eventually("an answer through the tunnel", lambda: self.host.run("ping", "-c1", "-W1", inner, code=None).code == 0, 15)
