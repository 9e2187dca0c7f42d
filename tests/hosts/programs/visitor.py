#!/usr/bin/python3
"""A visitor of the website; prints one line of JSON.

  address HOST            the address that the site sees
  get HOST BYTES          fetches a body and checks its sum
  put HOST BYTES          sends a body and checks what the site summed up
  marker HOST TEXT        fetches TEXT
  status HOST             what is answered to a question for the front page, and where it leads; or what kept it from coming
  udp HOST SIZE...        sends datagrams to the echo, each until it is answered; A-B is a range
  dns SERVER NAME TYPE    asks a DNS server
  lookup NAME             asks the system's resolver
  refused HOST PORT       how long it takes until a UDP sender is told that there is no way
"""

import hashlib
import http.client
import json
import random
import socket
import struct
import sys
import time

CHUNK = 1 << 20


def connection(host):
    return http.client.HTTPConnection(host, 80, timeout=20)


def fetch(host, path):
    site = connection(host)
    site.request("GET", path)
    return site.getresponse()


def address(host):
    return {"address": fetch(host, "/address").read().decode()}


def marker(host, text):
    return {"text": fetch(host, f"/marker?text={text}").read().decode()}


def status(host):
    try:
        site = http.client.HTTPConnection(host, 80, timeout=3)
        site.request("GET", "/")
        reply = site.getresponse()
    except OSError as error:
        return {"error": type(error).__name__}
    return {"status": reply.status, "location": reply.headers["Location"]}


def get(host, size):
    started, seen, count = time.monotonic(), hashlib.sha256(), 0
    reply = fetch(host, f"/body?bytes={size}")
    while piece := reply.read(CHUNK):
        seen.update(piece)
        count += len(piece)
    return {"bytes": count, "right": count == int(size) and seen.hexdigest() == reply.headers["X-Sha256"],
            "seconds": time.monotonic() - started}


def put(host, size):
    data = random.Random(int(size)).randbytes(int(size))
    started, site = time.monotonic(), connection(host)
    site.request("PUT", "/", body=data)
    said = site.getresponse().read().decode()
    return {"bytes": len(data), "right": said == hashlib.sha256(data).hexdigest(), "seconds": time.monotonic() - started}


def open_udp(host):
    family, _, _, _, where = socket.getaddrinfo(host, 7, type=socket.SOCK_DGRAM)[0]
    door = socket.socket(family, socket.SOCK_DGRAM)
    door.connect(where)
    return door


def sizes_of(words):
    for word in words:
        first, _, last = word.partition("-")
        yield from range(int(first), int(last or first) + 1)


def echoed(door, datagram):
    """Whether the same bytes came back, within three attempts."""
    for _ in range(3):
        try:
            door.send(datagram)
            while True:
                if door.recv(65535) == datagram:
                    return True
        except TimeoutError:
            continue
    return False


def udp(host, *words):
    door, source = open_udp(host), random.Random(1)
    door.settimeout(2)
    lost = [size for size in sizes_of(words) if not echoed(door, source.randbytes(size))]
    return {"lost": lost}


def dns(server, name, kind="A"):
    number = {"A": 1, "AAAA": 28, "TXT": 16}[kind]
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" + struct.pack(">HH", number, 1)
    door = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM)
    door.settimeout(3)
    door.connect((server, 53))
    door.send(struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + question)
    data = door.recv(4096)[12 + len(question) + 12:]
    if kind == "TXT":
        return {"answer": data[1:].decode()}
    return {"answer": socket.inet_ntop(socket.AF_INET if kind == "A" else socket.AF_INET6, data)}


def lookup(name):
    return {"addresses": sorted({entry[4][0] for entry in socket.getaddrinfo(name, 80)})}


def refused(host, port):
    """Knocks: a connection that nobody can route ends as soon as somebody says so. (UDP keeps a host unreachable to itself.)"""
    family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    door = socket.socket(family, socket.SOCK_STREAM)
    door.settimeout(2)
    started = time.monotonic()
    try:
        door.connect(where)
    except TimeoutError:
        return {"error": None, "seconds": time.monotonic() - started}
    except OSError as error:
        return {"error": type(error).__name__, "errno": error.errno, "seconds": time.monotonic() - started}
    return {"error": None, "seconds": time.monotonic() - started}


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
