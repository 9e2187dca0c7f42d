#!/usr/bin/python3
"""Stands in for logind on a system's bus: takes its name and says that the machine goes to sleep, or has woken.

Usage: logind.py    then lines on stdin: `sleeps`, `woke`. `ready` is printed once the name is taken, and `said` after each word.
D-Bus spoken by hand: little-endian, and only what this takes.
"""

import os
import socket
import struct
import sys

BUS = "/run/dbus/system_bus_socket"
CALL, RETURN, SIGNAL = 1, 2, 4
PATH, INTERFACE, MEMBER, DESTINATION, SIGNATURE = 1, 2, 3, 6, 8
REQUEST_OWNER = 1  # PRIMARY_OWNER


def padded(data, to):
    return data + bytes(-len(data) % to)


def text(value):
    return struct.pack("<I", len(value)) + value.encode() + b"\0"


def field(code, kind, value):
    return bytes([code, 1]) + kind.encode() + b"\0" + (bytes([len(value)]) + value.encode() + b"\0" if kind == "g" else text(value))


def message(kind, serial, fields, body=b""):
    listed = b""
    for each in fields:
        listed = padded(listed, 8) + each
    return padded(b"l" + bytes([kind, 0, 1]) + struct.pack("<III", len(body), serial, len(listed)) + listed, 8) + body


def to_bus(member, *more):
    return [field(PATH, "o", "/org/freedesktop/DBus"), field(INTERFACE, "s", "org.freedesktop.DBus"), field(MEMBER, "s", member),
            field(DESTINATION, "s", "org.freedesktop.DBus"), *more]


def receive(file):
    """One message: its kind and body."""
    head = file.read(16)
    body, _, fields = struct.unpack("<III", head[4:])
    file.read(fields + -fields % 8)
    return head[1], file.read(body)


def main():
    bus = socket.socket(socket.AF_UNIX)
    bus.connect(BUS)
    bus.sendall(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
    file = bus.makefile("rb")
    if not file.readline().startswith(b"OK"):
        sys.exit("the bus does not let us in")
    bus.sendall(b"BEGIN\r\n")
    bus.sendall(message(CALL, 1, to_bus("Hello")))
    bus.sendall(message(CALL, 2, to_bus("RequestName", field(SIGNATURE, "g", "su")), padded(text("org.freedesktop.login1"), 4) + struct.pack("<I", 0)))
    while True:
        kind, body = receive(file)
        if kind == 3:
            sys.exit(f"the bus refuses: {body}")
        if kind == RETURN and len(body) == 4:
            if struct.unpack("<I", body) != (REQUEST_OWNER,):
                sys.exit("somebody else has the name")
            break
    print("ready", flush=True)
    for serial, line in enumerate(sys.stdin, 3):
        bus.sendall(message(SIGNAL, serial, [field(PATH, "o", "/org/freedesktop/login1"), field(INTERFACE, "s", "org.freedesktop.login1.Manager"),
                                             field(MEMBER, "s", "PrepareForSleep"), field(SIGNATURE, "g", "b")],
                            struct.pack("<I", line.strip() == "sleeps")))
        print("said", flush=True)


if __name__ == "__main__":
    main()
