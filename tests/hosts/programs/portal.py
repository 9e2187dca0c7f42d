#!/usr/bin/python3
"""A captive portal's web server on port 8080: whatever is asked, the answer leads to its own page. Prints who asked for what.

  portal.py LOCATION      where it leads
"""

import http.server
import sys


class Portal(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.client_address[0], self.headers["Host"], self.path, flush=True)
        self.wfile.write(f"HTTP/1.1 302 Found\r\nLocation: {sys.argv[1]}\r\nContent-Length: 0\r\n\r\n".encode("latin-1"))

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Portal).serve_forever()
