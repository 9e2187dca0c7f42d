"""Our programs, as somebody at a prompt uses them: files written as documented, commands, exit codes."""

import json
import os
import pathlib

from . import addresses
from .patience import eventually
from .wireguard import pubkey

BUILD = pathlib.Path(os.environ.get("VPN_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build"))
SERVER = BUILD / "vpn-server" / "vpn-server"
CLIENT = BUILD / "vpn-client" / "vpn-client"
KEYS = BUILD / "keys" / "vpn-keys"
# As they are on a machine without AES instructions.
SERVER_NO_AES = BUILD / "tests" / "hosts" / "vpn-server-no-aes"
CLIENT_NO_AES = BUILD / "tests" / "hosts" / "vpn-client-no-aes"

SERVER_FILE = "/etc/vpn/server.json"
DONE, FAILURE, USAGE, NOT_RUNNING, NO_TUNNEL, NO_PERMISSION, BAD_CONFIG = range(7)


def find(tree, *names):
    """The first value in a tree of JSON under one of the names, the nearest to the root first."""
    level = [tree]
    while level:
        below = []
        for node in level:
            if isinstance(node, dict):
                for name in names:
                    if name in node:
                        return node[name]
                below += node.values()
            elif isinstance(node, list):
                below += node
        level = below
    return None


class OurServer:
    """vpn-server on a host, its file written from the facts."""

    program = SERVER
    interface = "vpns"

    def __init__(self, host, facts, file=SERVER_FILE):
        self.host, self.facts, self.file = host, facts, file
        self.process = None
        self.changes = {}

    def config(self):
        """The server's file, as EXPERIENCE describes it."""
        facts = self.facts
        peer = {"name": "laptop", "public_key": pubkey(facts.client_key), "addresses": facts.client_addresses}
        if facts.psk:
            peer["preshared_key"] = facts.psk
        if facts.suite:
            peer["suite"] = facts.suite
        interface = {"name": self.interface, "private_key": facts.server_key, "listen_port": addresses.PORT, "addresses": facts.server_addresses}
        return {"version": 1, "interface": interface, "endpoint": facts.endpoint, "networks": list(addresses.TUNNEL_NETWORK.values()),
                "peers": [peer], **self.changes}

    def write(self, config=None):
        self.host.write(self.file, json.dumps(config or self.config(), indent=2))

    def command(self, *words, **options):
        """A vpn-server command with this server's file."""
        return self.host.run(self.program, *words, "--config", self.file, **options)

    def start(self, **options):
        """Starts the daemon without waiting."""
        self.process = self.host.start(self.program, "run", "--config", self.file, log="vpn-server", **options)
        return self.process

    def up(self, **options):
        if not self.host.exists(self.file):
            self.write()
        self.start(**options)
        eventually(f"vpn-server answers ({self.process.err_path})", self.answers, seconds=10)
        return self

    def answers(self):
        if not self.process.running:
            raise AssertionError(f"it ended with {self.process.wait()}: {self.process.err}")
        return self.command("status", code=None).code in (DONE, NO_TUNNEL)

    def status(self):
        """What `status --json` says."""
        return json.loads(self.command("status", "--json", code=None).out)

    def drops(self):
        """Datagrams that were dropped, by reason."""
        return find(self.status(), "drops", "dropped")

    def peer_names(self):
        return [peer["name"] for peer in json.loads(self.command("peer", "list", "--json").out)["peers"]]

    @property
    def pids(self):
        return [self.process.pid]

    def down(self):
        code = self.process.stop()
        assert code == 0, f"vpn-server ended with {code} on SIGTERM: {self.process.err}"

    def restart(self):
        self.down()
        self.up()


class OurClient:
    """vpn-client on a host, its file written from the facts."""

    program = CLIENT

    def __init__(self, host, facts, name="laptop"):
        self.host, self.facts, self.name = host, facts, name
        self.file = f"/etc/vpn/{name}.json"
        self.interface = name
        self.process = None

    def config(self):
        """The client's file, as EXPERIENCE describes it."""
        facts = self.facts
        peer = {"name": "vps", "public_key": pubkey(facts.server_key), "endpoint": facts.endpoint, "allowed_ips": facts.allowed_ips}
        if facts.psk:
            peer["preshared_key"] = facts.psk
        if facts.suite:
            peer["suite"] = facts.suite
        if facts.keepalive:
            peer["persistent_keepalive"] = facts.keepalive
        interface = {"private_key": facts.client_key, "addresses": facts.client_addresses, "probe": addresses.TUNNEL_SERVER[4]}
        if facts.dns:
            interface["dns"] = facts.dns
        if facts.lock:
            interface["lock"] = True
        if facts.local_networks:
            interface["local_networks"] = facts.local_networks
        return {"version": 1, "interface": interface, "peers": [peer]}

    def write(self, config=None):
        self.host.write(self.file, json.dumps(config or self.config(), indent=2))

    def command(self, *words, **options):
        """A vpn-client command."""
        return self.host.run(self.program, *words, **options)

    def connect(self, *options, code=DONE, timeout=40):
        """`vpn-client connect` with this client's file."""
        if not self.host.exists(self.file):
            self.write()
        return self.command("connect", *options, self.file, code=code, timeout=timeout)

    def up(self, seconds=15):
        self.connect("--timeout", f"{seconds}s", timeout=seconds + 10)
        return self

    def disconnect(self, code=DONE):
        return self.command("disconnect", self.name, code=code)

    def start_foreground(self, *options, **more):
        """`connect --foreground`, which stays."""
        if not self.host.exists(self.file):
            self.write()
        self.process = self.host.start(self.program, "connect", "--foreground", *options, self.file, log="vpn-client", **more)
        return self.process

    def status(self):
        return json.loads(self.command("status", self.name, "--json", code=None).out)

    @property
    def pids(self):
        """The daemon's; there is one vpn-client on the host at most when this is asked."""
        return [pid for pid in self.host.pids() if self._is_client(pid)]

    def _is_client(self, pid):
        try:
            return os.path.realpath(f"/proc/{pid}/exe", strict=True) == str(self.program.resolve())
        except OSError:  # it has just ended
            return False

    def down(self):
        self.disconnect()
