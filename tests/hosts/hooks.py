"""Connections whose wg-quick file has hooks."""

from .ours import OurServer
from .tunnel import Facts
from .wireguard import genkey, pubkey

FILE = "/etc/vpn/laptop.conf"
# Where the file's first line of hooks stands.
FIRST_LINE = 4


def hooked(lab, *lines, psk=False):
    """A server that waits, and the client's file with these lines in it. The facts of both."""
    facts = Facts(psk=genkey() if psk else None)
    OurServer(lab.vps, facts).up()
    preshared = f"PresharedKey = {facts.psk}\n" if psk else ""
    lab.laptop.write(FILE, f"[Interface]\nPrivateKey = {facts.client_key}\nAddress = {', '.join(facts.client_addresses)}\n" + "\n".join(lines) +
                     f"\n[Peer]\nPublicKey = {pubkey(facts.server_key)}\n{preshared}Endpoint = {facts.endpoint}\nAllowedIPs = 10.66.0.0/24\n")
    return facts


def processes_for_hooks(host):
    """The pids of those that run hooks."""
    found = []
    for pid in host.pids():
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            if file.read() == "vpn-hooks\n":
                found.append(pid)
    return found
