"""Under systemd, an event is an entry of the journal with fields to filter by. The journal is a listener of the test's own."""

import socket

from . import addresses
from .ours import CLIENT, SERVER, OurServer
from .patience import eventually
from .sentences import sentence
from .tunnel import Facts, Tunnel

SOCKET = "/run/systemd/journal/socket"
# What systemd does for a unit whose standard error is the journal's.
AS_SERVICE = 'exec 2>/run/stream; export JOURNAL_STREAM="$(stat -L -c %d:%i /run/stream)"; exec "$@"'


class Journal:
    """Who sits at the journal's socket on a host."""

    def __init__(self, host):
        self.host = host
        path = host.path(SOCKET)
        path.parent.mkdir(parents=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.setblocking(False)
        self._socket.bind(str(path))
        self.entries = []

    def read(self):
        """All entries until now, as dictionaries."""
        while True:
            try:
                self.entries.append(entry_of(self._socket.recv(1 << 16)))
            except BlockingIOError:
                return self.entries

    def find(self, event):
        return [entry for entry in self.read() if entry["VPN_EVENT"] == event]

    def start(self, *words, log):
        return self.host.start("sh", "-c", AS_SERVICE, "sh", *words, log=log)


def entry_of(datagram):
    """The native protocol: `NAME=value` and a line's end, or the name, a line's end, eight bytes of length, and the value."""
    fields, rest = {}, datagram
    while rest:
        line, _, rest = rest.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            length = int.from_bytes(rest[:8], "little")
            value, rest = rest[8:8 + length], rest[9 + length:]
        fields[name.decode()] = value.decode()
    return fields


@sentence("events of `run` under systemd are entries of the journal with fields: the event, the peer by name, the endpoint", seconds=5)
def server_fields(lab):
    journal = Journal(lab.vps)
    tunnel = Tunnel(lab)
    server: OurServer = tunnel.server
    server.write()
    server.process = journal.start(SERVER, "run", "--config", server.file, log="vpn-server")
    eventually("the server answers", server.answers, seconds=10)
    [running] = journal.find("running")
    assert running["PRIORITY"] == "6" and running["SYSLOG_IDENTIFIER"] == "vpn-server" and running["VPN_INTERFACE"] == "vpns", running
    assert running["MESSAGE"].startswith("running interface=vpns port=51820 "), running
    assert not [name for entry in journal.entries for name in entry if name.startswith("CODE_")], journal.entries
    tunnel.client.up()
    [online] = eventually("the peer's coming is told", lambda: journal.find("peer-online"))
    assert online["VPN_PEER"] == "laptop" and online["VPN_ENDPOINT"].startswith(f"{addresses.LAPTOP[4]}:"), online
    server.write({**server.config(), "networks": "none"})
    server.command("reload", code=None)
    [refused] = journal.find("reload-refused")
    assert refused["PRIORITY"] == "3" and server.file in refused["VPN_REASON"], refused
    server.down()
    assert journal.find("stopped"), journal.entries
    assert lab.vps.read("/run/stream") == "", "said twice"


@sentence("a peer's name with quotes and spaces is a field as it is, and the line has it quoted")
def names(lab):
    journal = Journal(lab.vps)
    server = OurServer(lab.vps, Facts())
    server.write()
    server.process = journal.start(SERVER, "run", "--config", server.file, log="vpn-server")
    eventually("the server answers", server.answers, seconds=10)
    server.command("peer", "add", 'my "old" phone = łódź')
    [added] = journal.find("peer-added")
    assert added["VPN_PEER"] == 'my "old" phone = łódź', added
    assert added["MESSAGE"] == 'peer-added peer="my \\"old\\" phone = łódź"', added


@sentence("where standard error is the journal's and nobody sits at its socket, or leaves it later, lines with priorities go to standard error",
          seconds=4)
def without_socket(lab):
    server = OurServer(lab.vps, Facts())
    server.write()
    server.process = lab.vps.start("sh", "-c", AS_SERVICE, "sh", SERVER, "run", "--config", server.file, log="vpn-server")
    eventually("the server answers", server.answers, seconds=10)
    assert lab.vps.read("/run/stream").startswith("<6>running interface=vpns"), lab.vps.read("/run/stream")
    server.down()


@sentence("the client's events under systemd are entries of the journal too", seconds=4)
def client_fields(lab):
    journal = Journal(lab.laptop)
    tunnel = Tunnel(lab)
    tunnel.server.up()
    tunnel.client.write()
    process = journal.start(CLIENT, "connect", "--foreground", tunnel.client.file, log="vpn-client")
    [first, *_] = eventually("it tells of itself", journal.read, seconds=15)
    assert first["SYSLOG_IDENTIFIER"] == "vpn-client" and first["VPN_EVENT"] and first["MESSAGE"].startswith(first["VPN_EVENT"]), first
    process.stop()
