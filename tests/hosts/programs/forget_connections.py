#!/usr/bin/python3
"""Flushes the connection tracking of this network namespace, as a router does that was switched off and on."""

import os
import socket
import struct

NETLINK_NETFILTER = 12
CT_DELETE = (1 << 8) | 2
REQUEST_ACK = 1 | 4

door = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
door.bind((0, 0))
for family in (socket.AF_INET, socket.AF_INET6):
    body = struct.pack(">BBH", family, 0, 0)
    door.send(struct.pack("=IHHII", 16 + len(body), CT_DELETE, REQUEST_ACK, 1, 0) + body)
    error = struct.unpack("=i", door.recv(4096)[16:20])[0]
    if error:
        raise OSError(-error, os.strerror(-error))
