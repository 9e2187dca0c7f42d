"""What a wire showed, packet by packet."""

import socket
import struct
import time

from . import addresses
from .lab import PROGRAMS, PYTHON
from .patience import eventually

FILE_HEADER, RECORD_HEADER = 24, 16


class Packet:
    """One IP packet of a capture."""

    def __init__(self, raw, time=0.0):
        self.raw = raw
        self.time = time
        self.version = raw[0] >> 4
        header = (raw[0] & 15) * 4 if self.version == 4 else 40
        self.protocol = raw[9] if self.version == 4 else raw[6]
        self.source, self.destination = (_text(raw[12:16]), _text(raw[16:20])) if self.version == 4 else (_text(raw[8:24]), _text(raw[24:40]))
        self.payload = raw[header:]

    @property
    def ports(self):
        """Source and destination port of UDP and TCP."""
        return struct.unpack(">HH", self.payload[:4])

    @property
    def is_udp(self):
        return self.protocol == 17

    @property
    def is_initiation(self):
        """The first message of a handshake, in either suite."""
        return self.is_udp and self.payload[8:12] in (b"\1\0\0\0", b"\5\0\0\0")

    @property
    def is_neighbour_discovery(self):
        return self.protocol == 58 and 133 <= self.payload[0] <= 137 or self.destination.startswith("ff02:")

    @property
    def is_syn(self):
        return self.protocol == 6 and self.payload[13] & 2

    @property
    def mss(self):
        """The maximum segment size that a SYN offers."""
        options = self.payload[20:(self.payload[12] >> 4) * 4]
        while options and options[0]:
            if options[0] == 1:
                options = options[1:]
            elif options[0] == 2:
                return struct.unpack(">H", options[2:4])[0]
            else:
                options = options[options[1]:]
        return None

    def __repr__(self):
        where = f"{self.ports[0]} > {self.ports[1]}" if self.protocol in (6, 17) else f"protocol {self.protocol}"
        return f"{self.source} > {self.destination} {where} {len(self.raw)} bytes"


def _text(address):
    return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)


class Capture:
    """Captures IP packets on a host's interface while the context lasts; `packets` afterwards: those that `keep` likes."""

    def __init__(self, host, interface, keep=lambda packet: True):
        self.path = host.directory / f"{host.name}-{interface}.pcap"
        self._keep = keep
        # A log of its own: what a former capture of this interface said is not this one's word.
        self._process = host.start(*PYTHON, PROGRAMS / "capture.py", interface, self.path, log=f"capture-{interface}-{time.monotonic_ns()}")
        self.packets = []

    def __enter__(self):
        eventually("the capture runs", lambda: "listening" in self._process.out)
        return self

    def __exit__(self, *_):
        time.sleep(0.05)  # what was sent just now is still to be read
        self._process.stop()
        self.packets = [packet for packet in read(self.path) if self._keep(packet)]

    @property
    def bytes(self):
        """Everything, one packet behind the other: where to search for what must not be there."""
        return b"\n".join(packet.raw for packet in self.packets)


def read(path):
    """The packets of a pcap file of bare IP packets."""
    data, at = path.read_bytes(), FILE_HEADER
    while at + RECORD_HEADER <= len(data):
        size = struct.unpack("=I", data[at + 8:at + 12])[0]
        raw = data[at + RECORD_HEADER:at + RECORD_HEADER + size]
        if 20 <= len(raw) == size:
            seconds, microseconds = struct.unpack("=II", data[at:at + 8])
            yield Packet(raw, seconds + microseconds / 1e6)
        at += RECORD_HEADER + size


def on_port(number):
    """Keeps UDP from and to a port."""
    return lambda packet: packet.is_udp and number in packet.ports


def strangers(packets, version):
    """Packets that are not UDP between the laptop and the VPS's port. Neighbours finding each other are not counted."""
    ends = {(addresses.LAPTOP[version], addresses.VPS[version]), (addresses.VPS[version], addresses.LAPTOP[version])}

    def ours(packet):
        return packet.is_udp and (packet.source, packet.destination) in ends and addresses.PORT in packet.ports
    return [packet for packet in packets if not ours(packet) and not packet.is_neighbour_discovery]
