#!/usr/bin/python3
"""Fetches /metrics once and prints the page: scrape.py HOST PORT, or scrape.py PATH of a socket. Ends with 1 if nobody is there."""

import http.client
import socket
import sys


class AtSocket(http.client.HTTPConnection):
    """HTTP to a socket in the file system."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self.host)


def main(words):
    connection = AtSocket(words[0]) if len(words) == 1 else http.client.HTTPConnection(words[0], int(words[1]), timeout=20)
    try:
        connection.request("GET", "/metrics", headers={"Host": "here"})
        answer = connection.getresponse()
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    if answer.status != 200 or not answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"):
        print(answer.status, answer.headers, file=sys.stderr)
        return 1
    sys.stdout.write(answer.read().decode())
    return 0


sys.exit(main(sys.argv[1:]))
