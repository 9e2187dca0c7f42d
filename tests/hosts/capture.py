"""What a wire showed, packet by packet."""

import itertools
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
    def is_fragment(self):
        return self.protocol == 44 if self.version == 6 else int.from_bytes(self.raw[6:8], "big") & 0x3FFF != 0

    @property
    def dont_fragment(self):
        """Whether it forbids routers to make fragments of it; with IPv6 none may anyway."""
        return self.version == 4 and bool(self.raw[6] & 0x40)

    @property
    def datagram(self):
        """What is in UDP, as far as this packet has it: of a fragment that is not the first, nothing."""
        if self.version == 6 and self.protocol == 44:
            begins = self.payload[0] == 17 and int.from_bytes(self.payload[2:4], "big") >> 3 == 0
            return self.payload[16:] if begins else b""
        begins = self.version == 6 or int.from_bytes(self.raw[6:8], "big") & 0x1FFF == 0
        return self.payload[8:] if self.is_udp and begins else b""

    @property
    def is_initiation(self):
        """The first message of a handshake, in either suite."""
        return self.is_udp and self.payload[8:12] in (b"\1\0\0\0", b"\5\0\0\0")

    @property
    def is_neighbour_discovery(self):
        return self.protocol == 58 and 133 <= self.payload[0] <= 137 or self.destination.startswith("ff02:")

    @property
    def hops(self):
        """IPv6's hop limit, or IPv4's time to live."""
        return self.raw[8] if self.version == 4 else self.raw[7]

    @property
    def icmp6_type(self):
        """None if it is no ICMPv6. Multicast listeners speak behind a hop-by-hop header."""
        if self.version == 6 and self.protocol == 58:
            return self.payload[0]
        if self.version == 6 and self.protocol == 0 and self.payload[0] == 58:
            return self.payload[(self.payload[1] + 1) * 8]
        return None

    @property
    def is_link_upkeep(self):
        """What a link needs before it carries anything: DHCP, neighbour discovery, and the groups that this needs."""
        if self.is_udp and self.ports == (68, 67):
            return self.version == 4
        if self.is_udp and self.ports == (546, 547):
            return self.destination == "ff02::1:2" or self.destination.startswith("fe8")
        return self.icmp6_type in (133, 135, 136) and self.hops == 255 or self.icmp6_type in (131, 132, 143) and self.hops == 1

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

    _numbers = itertools.count(1)

    def __init__(self, host, interface, keep=lambda packet: True):
        # Files of its own: an earlier one's say that it listens already.
        name = f"{interface}-{next(self._numbers)}"
        self.path = host.directory / f"{host.name}-{name}.pcap"
        self._keep = keep
        self._process = host.start(*PYTHON, PROGRAMS / "capture.py", interface, self.path, log=f"capture-{name}")
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
