#!/usr/bin/python3
"""The whole job, shown: a laptop, a VPS and a website on three hosts of their own, and what each of them saw.

scripts/demo calls this once the programs are built. With --reference wireguard-go plays both ends.
"""

import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

from hosts import addresses, inside, machine, sentences  # noqa: E402
from hosts.capture import Capture, strangers  # noqa: E402
from hosts.lab import Lab  # noqa: E402
from hosts.ours import CLIENT, SERVER, OurServer  # noqa: E402
from hosts.tunnel import Facts, Tunnel  # noqa: E402

UDP_HEADER = 8
MARKER = "the-laptop-says-this-in-plain-words"
MEGABYTES_100 = 100 * 1000 * 1000
# More is shown in red, and no failure: a machine may have something else to do.
MOST_SECONDS_TO_CONNECT = 0.1


class Teller:
    """Prints a story: headings, what was typed, what was seen."""

    def __init__(self):
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def _paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self._colour else text

    def heading(self, text):
        print("\n" + self._paint("1", text), flush=True)

    def typed(self, host, command):
        print(f"  {self._paint('2', host + ' $')} {command}", flush=True)

    def fact(self, name, value, good=True):
        print(f"  {name:32} {self._paint('32' if good else '31', value)}", flush=True)

    def line(self, text):
        print(f"  {text}", flush=True)


def typed(teller, host, program, *words):
    """Runs a command of ours and shows it as somebody would have typed it."""
    teller.typed(host.name, " ".join([program.name, *words]))
    return host.run(program, *words)


def set_up(lab, teller):
    """Server and laptop, as the README does it. Returns how long `connect` took."""
    teller.heading("Setting up: two commands on the VPS, one file copied, one command on the laptop")
    if sentences.is_reference():
        tunnel = Tunnel(lab, psk=True)
        tunnel.server.up()
        return _timed(tunnel.client.up)
    typed(teller, lab.vps, SERVER, "init", "--endpoint", addresses.VPS[4])
    teller.typed("vps", "vpn-server run &")
    OurServer(lab.vps, Facts()).up()
    typed(teller, lab.vps, SERVER, "peer", "add", "laptop", "--output", "/run/laptop.json")
    teller.typed("laptop", "scp vps:/run/laptop.json /run/laptop.json")
    lab.laptop.write("/run/laptop.json", lab.vps.read("/run/laptop.json"))
    done = typed(teller, lab.laptop, CLIENT, "connect", "/run/laptop.json")
    for line in (done.out + done.err).strip().splitlines():
        teller.line(line)
    return done.seconds


def _timed(action):
    started = time.monotonic()
    action()
    return time.monotonic() - started


def show_before(lab, teller):
    teller.heading("Without the tunnel the laptop has no way to the website")
    reached = lab.laptop.run("ping", "-n", "-c1", "-W1", addresses.SITE[4], code=None)
    teller.fact("ping the website", "answered" if reached.code == 0 else "refused by the router", reached.code != 0)
    return reached.code != 0


def show_visit(lab, teller):
    teller.heading("Through the tunnel the website is there, and sees the VPS")
    good = True
    for version in (4, 6):
        seen = lab.visit("address", addresses.SITE[version])["address"]
        good &= seen == addresses.VPS[version]
        teller.fact(f"the laptop's own IPv{version} address", addresses.LAPTOP[version])
        teller.fact("the visitor the website saw", f"{seen}{' (the VPS)' if seen == addresses.VPS[version] else ''}", seen == addresses.VPS[version])
    return good


def show_wire(lab, teller):
    teller.heading("What the wire between laptop and VPS showed meanwhile")
    with Capture(lab.router, "lan0") as wire, Capture(lab.site, "eth0") as far:
        lab.visit("marker", addresses.SITE[4], MARKER)
    beside = strangers(wire.packets, 4)
    tunnelled = [packet for packet in wire.packets if packet not in beside and packet.is_udp]
    if not tunnelled:
        teller.fact("datagrams captured", "none", False)
        return False
    teller.fact("packets captured", f"{len(tunnelled)}, UDP between {addresses.LAPTOP[4]} and {addresses.VPS[4]}:{addresses.PORT}")
    teller.fact("others", f"{len(beside)}", not beside)
    longest = max(tunnelled, key=lambda packet: len(packet.payload)).payload[UDP_HEADER:]
    teller.line("one of them begins:")
    for at in range(0, 48, 16):
        teller.line("    " + hexdump(longest[at:at + 16], at))
    found, beyond = wire.bytes.count(MARKER.encode()), far.bytes.count(MARKER.encode())
    teller.fact(f'"{MARKER[:17]}..." on the wire', f"found {found} times", found == 0)
    teller.fact("the same at the website's door", f"found {beyond} times", beyond > 0)
    return found == 0 and beyond > 0 and not beside


def hexdump(data, offset):
    text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)
    return f"{offset:04x}  {data.hex(' '):47}  {text}"


def show_speed(lab, teller, seconds_to_connect):
    teller.heading("How fast")
    teller.fact("from `connect` to an answer", f"{seconds_to_connect * 1000:.0f} ms", seconds_to_connect < MOST_SECONDS_TO_CONNECT)
    pings = lab.laptop.run("ping", "-n", "-q", "-c", "50", "-i", "0.01", addresses.TUNNEL_SERVER[4]).out
    average = float(re.search(r"= [\d.]+/([\d.]+)/", pings).group(1))
    teller.fact("ping inside the tunnel", f"{average:.2f} ms")
    good = True
    for way, name in (("get", "download from the website"), ("put", "upload to the website")):
        done = lab.visit(way, addresses.SITE[4], MEGABYTES_100)
        good &= done["right"]
        rate = f"{done['bytes'] * 8 / done['seconds'] / 1e6:,.0f} Mbit/s ({done['bytes'] // 10**6} MB, checksum {'right' if done['right'] else 'WRONG'})"
        teller.fact(name, rate, done["right"])
    return good


def show_end(lab, teller):
    if sentences.is_reference():
        return True
    teller.heading("And back to how it was")
    typed(teller, lab.laptop, CLIENT, "disconnect")
    rules = lab.laptop.run("ip", "rule").out.strip().splitlines()
    teller.fact("policy rules on the laptop", f"{len(rules)}, as on any machine", len(rules) == 3)
    return len(rules) == 3


def tell(directory):
    """The story, inside namespaces of its own."""
    teller = Teller()
    with Lab(directory) as lab:
        teller.line(f"laptop {addresses.LAPTOP[4]} --- router --- {addresses.VPS[4]} vps\n                             |\n"
                    f"                             +----- {addresses.SITE[4]} website")
        good = show_before(lab, teller)
        connected_in = set_up(lab, teller)
        good &= show_visit(lab, teller)
        good &= show_wire(lab, teller)
        good &= show_speed(lab, teller, connected_in)
        good &= show_end(lab, teller)
    print("\nAll as it should be." if good else "\nSomething is not as it should be: see above.")
    return 0 if good else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", action="store_true")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reference:
        os.environ[sentences.REFERENCE] = "1"
    if options.inside:
        inside.become_init()
        return tell(options.inside)
    if machine.why_not():
        print(f"demo: {machine.why_not()}", file=sys.stderr)
        return 5
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    before = machine.state()
    with tempfile.TemporaryDirectory(prefix="vpn-demo-") as directory:
        code = subprocess.run(machine.apart_from(machine.this_script(), "--inside", directory), check=False).returncode
    left = machine.left_behind(before)
    print("\n".join(["Left behind on this machine:", *left]) if left else "Nothing of it is left on this machine.")
    return code or (1 if left else 0)


if __name__ == "__main__":
    sys.exit(main())
