#!/usr/bin/python3
"""Sends one router advertisement. Usage: advertise.py INTERFACE SECONDS"""

import socket
import struct
import sys

interface, seconds = sys.argv[1], int(sys.argv[2])
door = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
door.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
number = socket.if_nametoindex(interface)
door.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, number)
# RFC 4861 4.2: type 134, current hop limit 64, no flags, router lifetime, no reachable and retransmission times. The kernel sums.
door.sendto(struct.pack(">BBHBBHII", 134, 0, 0, 64, 0, seconds, 0, 0), ("ff02::1", 0, 0, number))
