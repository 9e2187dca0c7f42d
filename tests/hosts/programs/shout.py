"""Sends what a desktop sends unasked: mDNS, SSDP, LLMNR, broadcasts, joined groups, and to neighbours by their link-local addresses; how it
ends does not matter. Usage: shout.py INTERFACE [LINK-LOCAL ADDRESS ...]
"""

import contextlib
import socket
import struct
import sys

interface, neighbours = sys.argv[1], sys.argv[2:]
number = socket.if_nametoindex(interface)
GROUPS = {socket.AF_INET: (("224.0.0.251", 5353), ("224.0.0.252", 5355), ("239.255.255.250", 1900), ("224.0.0.1", 9), ("255.255.255.255", 9),
                           ("255.255.255.255", 67)),
          socket.AF_INET6: (("ff02::fb", 5353), ("ff02::1:3", 5355), ("ff02::c", 1900), ("ff02::1", 9), ("ff02::1:2", 9), ("ff05::2", 9))}


def prepared(family, kind):
    """A socket on that interface that may broadcast."""
    door = socket.socket(family, kind)
    door.settimeout(0.2)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    if family == socket.AF_INET:
        door.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("4s4si", bytes(4), bytes(4), number))
    else:
        door.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, number)
    return door


for family, groups in GROUPS.items():
    for group, port in groups:
        with contextlib.suppress(OSError), prepared(family, socket.SOCK_DGRAM) as door:
            door.sendto(b"in clear", (group, port, 0, number) if family == socket.AF_INET6 else (group, port))
with contextlib.suppress(OSError), prepared(socket.AF_INET, socket.SOCK_DGRAM) as door:
    door.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("239.1.2.3") + struct.pack("4si", bytes(4), number))
# As DHCP does, but not to its servers' port, or not from its clients'.
for source, target in ((68, ("255.255.255.255", 53)), (68, ("255.255.255.255", 68)), (1068, ("255.255.255.255", 67))):
    with contextlib.suppress(OSError), prepared(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(("", source))
        door.sendto(b"in clear", target)
for source, target in ((546, ("ff02::1:2", 53)), (546, ("ff02::fb", 547)), (1546, ("ff02::1:2", 547))):
    with contextlib.suppress(OSError), prepared(socket.AF_INET6, socket.SOCK_DGRAM) as door:
        door.bind(("", source))
        door.sendto(b"in clear", (*target, 0, number))
for neighbour in neighbours:
    for port in (53, 80, 5353):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with contextlib.suppress(OSError), prepared(socket.AF_INET6, kind) as door:
                door.connect((neighbour, port, 0, number))
                door.send(b"in clear")
# An echo to a neighbour, and neighbour discovery that has come from elsewhere or is no neighbour discovery.
with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as door:
    for hops, kind in ((255, 128), (64, 135), (64, 133), (255, 137), (255, 143), (255, 134)):
        for option in (socket.IPV6_UNICAST_HOPS, socket.IPV6_MULTICAST_HOPS):
            door.setsockopt(socket.IPPROTO_IPV6, option, hops)
        for target in [*neighbours, "ff02::1"]:
            with contextlib.suppress(OSError):
                door.sendto(struct.pack(">BBHI", kind, 0, 0, 0) + bytes(16), (target, 0, 0, number))
