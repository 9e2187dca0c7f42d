"""wireguard-go with `wg` and `ip`, as a server or as a client: somebody else's WireGuard to talk to, and the proof of the lab."""

import os
import subprocess

from . import addresses
from .patience import eventually

PROGRAM = os.environ.get("WIREGUARD_GO", "/usr/bin/wireguard-go")
MARK = 51820


def genkey():
    return subprocess.run(["wg", "genkey"], capture_output=True, text=True, check=True).stdout.strip()


def pubkey(private):
    return subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True, check=True).stdout.strip()


class WireguardGo:
    """An interface of wireguard-go on a host."""

    interface = "wg0"

    def __init__(self, host, facts, program=PROGRAM):
        self.host, self.facts, self._program = host, facts, program
        self.process = None

    def _start(self, config, own):
        self.process = self.host.start(self._program, "-f", self.interface, log="wireguard-go", environment={"LOG_LEVEL": "error"})
        eventually("wireguard-go listens", lambda: self.host.run("wg", "show", self.interface, code=None).code == 0, seconds=20)
        self.host.write("/etc/vpn/wg.conf", config)
        self.host.run("wg", "setconf", self.interface, "/etc/vpn/wg.conf")
        self.host.ip(*(f"addr add {address} dev {self.interface}" for address in own), f"link set {self.interface} mtu 1420 up")

    def handshake(self):
        """When the latest handshake was, in seconds since 1970; zero if never."""
        return int(self.host.run("wg", "show", self.interface, "latest-handshakes").out.split()[1])

    def endpoint(self):
        """Where the peer is."""
        return self.host.run("wg", "show", self.interface, "endpoints").out.split()[1]

    @property
    def pids(self):
        return [self.process.pid]

    def down(self):
        self.process.stop()


class WireguardServer(WireguardGo):
    def up(self):
        facts = self.facts
        self._start(f"[Interface]\nPrivateKey = {facts.server_key}\nListenPort = {addresses.PORT}\n"
                    f"[Peer]\nPublicKey = {pubkey(facts.client_key)}\nAllowedIPs = {', '.join(facts.client_addresses)}\n"
                    + (f"PresharedKey = {facts.psk}\n" if facts.psk else ""), facts.server_addresses)
        self.host.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
        self.host.nft('table inet wgnat {\n chain out { type nat hook postrouting priority srcnat; oifname "eth0" masquerade; }\n}\n')
        return self

    def down(self):
        super().down()
        self.host.run("nft", "delete", "table", "inet", "wgnat")

    def restart(self):
        self.down()
        self.up()


class WireguardClient(WireguardGo):
    def up(self, seconds=10):
        facts = self.facts
        self._start(f"[Interface]\nPrivateKey = {facts.client_key}\nFwMark = {MARK}\n"
                    f"[Peer]\nPublicKey = {pubkey(facts.server_key)}\nEndpoint = {facts.endpoint}\nAllowedIPs = {', '.join(facts.allowed_ips)}\n"
                    + (f"PresharedKey = {facts.psk}\n" if facts.psk else "")
                    + (f"PersistentKeepalive = {facts.keepalive}\n" if facts.keepalive else ""), facts.client_addresses)
        for prefix in facts.allowed_ips:
            self._route(prefix)
        inner = addresses.TUNNEL_SERVER[4]
        eventually("an answer through the tunnel", lambda: self.host.run("ping", "-c1", "-W1", inner, code=None).code == 0, seconds)
        return self

    def _route(self, prefix):
        version = "-6" if ":" in prefix else "-4"
        if not prefix.endswith("/0"):
            self.host.run("ip", version, "route", "replace", prefix, "dev", self.interface)
            return
        self.host.sysctl(ipv4__conf__all__src_valid_mark=1)
        for words in (f"route add default dev {self.interface} table {MARK}", f"rule add not fwmark {MARK} table {MARK}",
                      "rule add table main suppress_prefixlength 0"):
            self.host.run("ip", version, *words.split())
