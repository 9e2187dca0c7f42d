#!/usr/bin/python3
"""Sends one UDP packet with any source address out of an interface of Ethernet, as raw bytes.

  inject.py INTERFACE SOURCE DESTINATION PORT
"""

import ipaddress
import socket
import struct
import sys


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(source, destination, port):
    payload = b"injected"
    length = 8 + len(payload)
    pseudo = source.packed + destination.packed + struct.pack(">HH", socket.IPPROTO_UDP, length)
    udp = struct.pack(">HHHH", 4000, port, length, 0) + payload
    udp = udp[:6] + struct.pack(">H", checksum(pseudo + udp)) + udp[8:]
    if source.version == 6:
        return struct.pack(">IHBB", 6 << 28, length, socket.IPPROTO_UDP, 64) + source.packed + destination.packed + udp
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + length, 1, 0, 64, socket.IPPROTO_UDP, 0) + source.packed + destination.packed
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + udp


def main():
    interface, source, destination, port = sys.argv[1:]
    source, destination = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    kind = 0x0800 if source.version == 4 else 0x86DD
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as door:
        door.bind((interface, kind))
        door.send(bytes.fromhex("020000000001020000000002") + struct.pack(">H", kind) + packet(source, destination, int(port)))


main()
