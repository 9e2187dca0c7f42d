#!/usr/bin/python3
"""Writes every IP packet that an interface shows to a pcap file, until it is ended. Usage: capture.py INTERFACE FILE

tcpdump would do, but it changes to a user of its own, which a user namespace does not have.
"""

import socket
import struct
import sys
import time

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 3, 0x0800, 0x86DD
LINKTYPE_RAW = 101
SO_RCVBUFFORCE = 33


def main():
    interface, path = sys.argv[1:]
    # Cooked: packets begin with the IP header on every kind of interface.
    door = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    try:
        door.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    except PermissionError:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
    door.bind((interface, ETH_P_ALL))
    with open(path, "wb", buffering=0) as file:
        file.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, LINKTYPE_RAW))
        print("listening", flush=True)
        while True:
            packet, (_, protocol, *_) = door.recvfrom(1 << 18)
            if protocol in (ETH_P_IP, ETH_P_IPV6):
                now = time.time()
                file.write(struct.pack("=IIII", int(now), int(now % 1 * 1e6), len(packet), len(packet)) + packet)


if __name__ == "__main__":
    main()
