#!/usr/bin/python3
"""Sends datagrams at a server, a heap at a time, until it is ended.

Usage: assault.py HOST PORT KIND RATE SECONDS [FILE]

  KIND      trains: random bytes, as trains of datagrams of one length each that leave in one go, of every length in turn
            data: data messages of sessions that there are not, as long as a link takes
            replay: those that stand in FILE in hexadecimal, a line each, over and over
  RATE      how many datagrams a second
  SECONDS   when it ends, if nobody ends it before

Prints how many there were.
"""

import itertools
import os
import pathlib
import signal
import socket
import struct
import sys
import time

UDP_SEGMENT = 103
LONGEST = 1420
AT_ONCE = 64
HEAP_SECONDS = 0.02


def trains(door):
    """Sends one train after the other; yields how many datagrams it was."""
    noise = os.urandom(1 << 20)
    for length in itertools.cycle(range(1, LONGEST)):
        count = min(AT_ONCE, 60000 // length)
        start = length * 37 % (len(noise) - count * length)
        door.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, length)
        door.send(noise[start:start + count * length])
        yield count


def singles(door, messages):
    for message in itertools.cycle(messages):
        door.send(message)
        yield 1


def strange_data():
    """Sixteen bytes of header (PROTOCOL, data) with somebody's index, a counter, and what no key opens."""
    return [struct.pack("<IIQ", 4, number * 2654435761 % (1 << 32), number) + os.urandom(1376) for number in range(1000)]


def main():
    host, port, kind, rate, seconds, *file = sys.argv[1:]
    door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    door.connect((host, int(port)))
    kinds = {"trains": lambda: trains(door), "data": lambda: singles(door, strange_data()),
             "replay": lambda: singles(door, [bytes.fromhex(line) for line in pathlib.Path(*file).read_text(encoding="ascii").splitlines()])}
    sending = kinds[kind]()
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    sent, due = 0, time.monotonic()
    end = due + float(seconds)
    while not ended and time.monotonic() < end:
        heap = 0
        while heap < int(rate) * HEAP_SECONDS:
            heap += next(sending)
        sent += heap
        # Who is late does not catch up: no peaks beyond those that were asked for.
        due = max(due + heap / int(rate), time.monotonic())
        time.sleep(max(0, due - time.monotonic()))
    print(sent, flush=True)


if __name__ == "__main__":
    main()
