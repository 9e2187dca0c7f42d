"""What a wire showed: tcpdump's file, read packet by packet."""

import socket
import struct

from .patience import eventually


class Packet:
    """One IP packet of a capture."""

    def __init__(self, raw):
        self.raw = raw
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
    """Captures IP packets on a host's interface while the context lasts; `packets` afterwards, or `so_far` during."""

    def __init__(self, host, interface, expression="ip or ip6"):
        self.path = host.directory / f"{host.name}-{interface}.pcap"
        self._process = host.start("tcpdump", "-n", "-U", "-Z", "root", "-i", interface, "-B", "8192", "-s", "0", "--immediate-mode",
                                   "-w", self.path, expression, log=f"tcpdump-{interface}")
        self.packets = []

    def __enter__(self):
        eventually("tcpdump listens", lambda: "listening on" in self._process.err)
        return self

    def __exit__(self, *_):
        self._process.stop()
        self.packets = self.so_far()

    def so_far(self):
        """The packets written by now."""
        data = self.path.read_bytes() if self.path.exists() else b""
        if len(data) < 24:
            return []
        skip = {1: 14, 101: 0, 12: 0, 113: 16}[struct.unpack("=I", data[20:24])[0]]
        packets, at = [], 24
        while at + 16 <= len(data):
            size = struct.unpack("=I", data[at + 8:at + 12])[0]
            frame = data[at + 16 + skip:at + 16 + size]
            if len(frame) >= 20 and at + 16 + size <= len(data):
                packets.append(Packet(frame))
            at += 16 + size
        return packets

    @property
    def bytes(self):
        """Everything, one packet behind the other: where to search for what must not be there."""
        return b"\n".join(packet.raw for packet in self.packets)
