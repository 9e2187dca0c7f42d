#!/usr/bin/python3
"""A website: HTTP that tells the visitor's address and serves a large body, a UDP echo, and a tiny DNS responder.

  GET /address           the visitor's address as seen here
  GET /body?bytes=N      N pseudo-random bytes; the header X-Sha256 says what they sum up to
  GET /marker?text=T     T, plainly
  PUT /anything          answers with the SHA-256 of what came
  UDP 7                  echo
  UDP 53                 A and AAAA of every name: the site's own addresses; `which.test` says who answers. A file /run/zone
                         overrules that: lines `NAME A AAAA`, with `-` for none
"""

import argparse
import functools
import hashlib
import http.server
import random
import socket
import struct
import threading
import urllib.parse

SITE = ("203.0.113.80", "2001:db8:113::80")
VPS = ("198.51.100.10", "2001:db8:100::10")
CHUNK = 1 << 20
ZONE = "/run/zone"


@functools.lru_cache(maxsize=4)
def body(size):
    """Pseudo-random bytes, the same for the same size."""
    source = random.Random(size)
    chunk = source.randbytes(CHUNK)
    pieces = [struct.pack(">Q", number) + chunk[8:] for number in range(-(-size // CHUNK))]
    return b"".join(pieces)[:size]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, data, headers=()):
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        for key, value in headers:
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path == "/address":
            self.answer(self.client_address[0].removeprefix("::ffff:").encode())
        elif url.path == "/marker":
            self.answer(query["text"].encode())
        elif url.path == "/body":
            data = body(int(query["bytes"]))
            self.answer(data, [("X-Sha256", hashlib.sha256(data).hexdigest())])
        else:
            self.send_error(404)

    def do_PUT(self):
        left, seen = int(self.headers["Content-Length"]), hashlib.sha256()
        while left > 0 and (piece := self.rfile.read(min(left, CHUNK))):
            seen.update(piece)
            left -= len(piece)
        self.answer(seen.hexdigest().encode())

    def log_message(self, *_):
        pass


class Web(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    request_queue_size = 128
    daemon_threads = True


def serve_udp(port, answer):
    """Answers datagrams for ever, each from the address that it was sent to."""
    def listen(family, address):
        door = socket.socket(family, socket.SOCK_DGRAM)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        if family == socket.AF_INET6:
            door.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        door.bind((address, port))
        while True:
            datagram, visitor = door.recvfrom(65535)
            try:
                reply = answer(datagram)
                if reply is not None:
                    door.sendto(reply, visitor)
            except OSError:
                continue
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        threading.Thread(target=listen, args=(family, address), daemon=True).start()


def zone():
    """The addresses of the names in the zone's file."""
    try:
        with open(ZONE, encoding="ascii") as file:
            return {name: (four, six) for name, four, six in map(str.split, file)}
    except FileNotFoundError:
        return {}


def dns_answer(query, who):
    """A reply to one question for A, AAAA or TXT; everything exists, save for `missing.test`."""
    identity, flags = struct.unpack(">HH", query[:4])
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace").lower())
        at += 1 + query[at]
    name, question = ".".join(labels), query[12:at + 5]
    kind = struct.unpack(">H", query[at + 1:at + 3])[0]
    addresses = zone().get(name, VPS if name == "vps.test" else SITE)
    data = {1: lambda: socket.inet_pton(socket.AF_INET, addresses[0]), 28: lambda: socket.inet_pton(socket.AF_INET6, addresses[1]),
            16: lambda: bytes([len(who)]) + who.encode()}.get(kind)
    if (kind, "-") in ((1, addresses[0]), (28, addresses[1])):
        data = None
    missing = name == "missing.test"
    record = b"" if missing or data is None else b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data())) + data()
    return struct.pack(">HHHHHH", identity, 0x8180 | (flags & 0x0100) | (3 if missing else 0), 1, 1 if record else 0, 0, 0) + question + record


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dns-only", action="store_true")
    only_dns = parser.parse_args().dns_only
    serve_udp(53, lambda query: dns_answer(query, "router" if only_dns else "site"))
    if only_dns:
        threading.Event().wait()
    serve_udp(7, lambda datagram: datagram)
    Web(("::", 80), Handler).serve_forever()


if __name__ == "__main__":
    main()
