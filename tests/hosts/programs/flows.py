#!/usr/bin/python3
"""Begins many UDP flows at once: one datagram to each of COUNT ports of HOST, from one socket. Prints how many went out.

  flows.py HOST COUNT [SOURCE_PORT]
"""

import json
import socket
import sys
import time

FIRST = 1000


def main():
    host, count = sys.argv[1], int(sys.argv[2])
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    door.bind(("", int(sys.argv[3]) if len(sys.argv) > 3 else 0))
    sent = 0
    for number in range(count):
        door.sendto(b"flow", (host, FIRST + number))
        sent += 1
        if number % 100 == 99:
            time.sleep(0.005)  # what a socket's buffer overflows with never gets to the tunnel
    print(json.dumps({"sent": sent}))


main()
