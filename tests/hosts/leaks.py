"""What a laptop sends in clear: how to have it send all it can, and how to tell what of it left."""

import json

from . import addresses
from .capture import Capture
from .lab import PROGRAMS, PYTHON


def link_local(host, interface):
    """A host's link-local addresses."""
    found = json.loads(host.run("ip", "-j", "-6", "addr", "show", "dev", interface).out)
    return [info["local"] for link in found for info in link.get("addr_info", []) if info.get("scope") == "link"]


def try_everything(laptop):
    """Sends what a laptop sends, to everywhere: TCP, UDP, ICMP, questions for names, multicast; how it ends does not matter."""
    a = addresses
    targets = [a.SITE[4], a.SITE[6], a.VPS[4], a.VPS[6], a.ROUTER_LAN[4], a.ROUTER_LAN[6], a.NOBODY[4]]
    laptop.sh("\n".join(f"ping -n -c 2 -i 0.2 -W 1 {target} >/dev/null 2>&1 &" for target in targets) + "\nwait || :")
    program = ("import socket, sys\n"
               "for target in sys.argv[1:]:\n"
               "    family = socket.AF_INET6 if ':' in target else socket.AF_INET\n"
               "    for port in (53, 80, 443, 5353):\n"
               "        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):\n"
               "            with socket.socket(family, kind) as s:\n"
               "                s.settimeout(0.2)\n"
               "                try:\n"
               "                    s.connect((target, port))\n"
               "                    s.send(b'in clear')\n"
               "                except OSError:\n"
               "                    pass\n")
    laptop.run("/usr/bin/python3", "-S", "-c", program, *targets, timeout=60)
    laptop.run(*PYTHON, PROGRAMS / "shout.py", "eth0", NEIGHBOUR, timeout=60)


# The router's, for whom it may concern.
NEIGHBOUR = "fe80::1"


def is_tunnels_own(packet):
    ends = {*addresses.LAPTOP.values(), *addresses.VPS.values()}
    return packet.is_udp and addresses.PORT in packet.ports and {packet.source, packet.destination} <= ends


def in_clear(packets):
    """What left the laptop in clear: all but the tunnel's own datagrams and what a link needs. ARP is no IP packet, and what others
    send to it is not its doing."""
    return [packet for packet in packets if packet.from_laptop and not is_tunnels_own(packet) and not packet.is_link_upkeep]


def capture(lab):
    """On the laptop's link. Each packet knows whether it comes from the laptop."""
    if NEIGHBOUR not in lab.router.run("ip", "-6", "addr", "show", "dev", "lan0").out:
        lab.router.run("ip", "addr", "add", f"{NEIGHBOUR}/64", "dev", "lan0", "nodad")
    mine = set(addresses.ROUTER_LAN.values()) | set(link_local(lab.router, "lan0"))
    elsewhere = (*addresses.VPS.values(), *addresses.SITE.values(), *addresses.ROUTER_VPS.values(), *addresses.ROUTER_SITE.values())

    def keep(packet):
        # The router forwards to the laptop what others send; whoever else is on this link is the laptop under one name or another.
        packet.from_laptop = packet.source not in mine and packet.source not in elsewhere
        return True
    return Capture(lab.router, "lan0", keep)
