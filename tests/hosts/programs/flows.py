#!/usr/bin/python3
"""Begins many UDP flows at once: one datagram to each of COUNT ports of HOST, from a socket for every 50,000. Prints how many went out.

  flows.py HOST COUNT [SOURCE_PORT] [PER_SECOND] [SOURCE]    source port 0: any
"""

import json
import socket
import sys
import time

FIRST, PORTS, AT_ONCE = 1000, 50_000, 100


def doors(host, address, source):
    """Sockets at that address, the first on that port."""
    while True:
        door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        door.bind((address, source))
        yield door
        source = 0


def main():
    host, count = sys.argv[1], int(sys.argv[2])
    source, per_second = (int(sys.argv[place]) if len(sys.argv) > place else other for place, other in ((3, 0), (4, 20_000)))
    began, opened = time.monotonic(), doors(host, sys.argv[5] if len(sys.argv) > 5 else "", source)
    for number in range(count):
        if number % PORTS == 0:
            door = next(opened)
        door.sendto(b"flow", (host, FIRST + number % PORTS))
        if number % AT_ONCE == 0:
            # What a socket's buffer overflows with never gets to the tunnel.
            time.sleep(max(0.0, began + number / per_second - time.monotonic()))
    print(json.dumps({"sent": count, "seconds": time.monotonic() - began}))


main()
