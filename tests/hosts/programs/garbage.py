#!/usr/bin/python3
"""Sends bad datagrams. Usage: garbage.py HOST PORT KIND [SOURCE SOURCE-PORT]

  lengths    every length from 0 to 2000 of random bytes, and a few huge ones
  shapes     for each message type, every length from 0 to 200 and its true one, random behind the type
With a source, the datagrams are forged to come from there (IPv4).
"""

import random
import socket
import struct
import sys
import time

# No more at a time than a socket's buffer holds: all are to be counted.
BURST = 20
LENGTHS = [*range(2001), 4000, 9000, 16000, 32000, 65000, 65507]
TYPES = range(1, 7)
TRUE_LENGTHS = [148, 92, 64, 32, 1396, 1228]


def contents(kind, source):
    if kind == "lengths":
        yield from (source.randbytes(length) for length in LENGTHS)
        return
    for number in TYPES:
        for length in [*range(4, 201), *TRUE_LENGTHS, 1452]:
            yield struct.pack("<I", number) + source.randbytes(length - 4)


def plain(host, port):
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    return lambda datagram: door.sendto(datagram, (host, port))


def forged(host, port, source, source_port):
    door = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def send(datagram):
        # RFC 791 and 768; the kernel fills in the header's sum, and a UDP sum of zero means none.
        udp = struct.pack(">HHHH", source_port, port, 8 + len(datagram), 0) + datagram
        header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, socket.inet_aton(source), socket.inet_aton(host))
        if len(header + udp) <= 1500:
            door.sendto(header + udp, (host, 0))
    return send


def main():
    host, port, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    send = forged(host, port, sys.argv[4], int(sys.argv[5])) if len(sys.argv) > 4 else plain(host, port)
    count = 0
    for datagram in contents(kind, random.Random(kind)):
        send(datagram)
        count += 1
        if count % BURST == 0:
            time.sleep(0.001)
    print(count)


if __name__ == "__main__":
    main()
