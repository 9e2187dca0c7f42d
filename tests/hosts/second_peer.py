"""A peer of the laptop's beside the main one: a VPN of its own on the VPS, with inner addresses that nobody else has."""

from . import addresses
from .ours import OurServer
from .tunnel import Facts, Tunnel
from .wireguard import genkey, pubkey

PORT = 51821
INNER = {"laptop": "10.77.0.2", "vps": "10.77.0.1"}


def with_second_peer(lab, endpoint, keepalive=0, **facts):
    """A tunnel whose client's file has the peer `other`, both servers up, and the client not yet started."""
    tunnel = Tunnel(lab, **facts)
    beside = OurServer(lab.vps, Facts(server_key=genkey(), client_key=tunnel.facts.client_key, suite=tunnel.facts.suite), "/etc/vpn/second.json")
    beside.interface = "vpns2"
    config = beside.config()
    config["interface"] |= {"listen_port": PORT, "addresses": [f"{INNER['vps']}/24"]}
    config["networks"] = ["10.77.0.0/24"]
    config["peers"][0]["addresses"] = [f"{INNER['laptop']}/32"]
    config["nat"] = False
    beside.write(config)
    file = tunnel.client.config()
    peer = {"name": "other", "public_key": pubkey(beside.facts.server_key), "endpoint": endpoint, "allowed_ips": ["10.77.0.0/24"]}
    if tunnel.facts.suite:
        peer["suite"] = tunnel.facts.suite
    if keepalive:
        peer["persistent_keepalive"] = keepalive
    file["peers"].append(peer)
    file["interface"]["addresses"] = [*file["interface"]["addresses"], f"{INNER['laptop']}/32"]
    tunnel.client.write(file)
    tunnel.server.up()
    beside.up()
    return tunnel


def second_answers(lab):
    """One ping to it is answered within a second."""
    return lab.laptop.run("ping", "-n", "-c", "1", "-W", "1", "-I", INNER["laptop"], INNER["vps"], code=None).code == 0


def endpoints(tunnel):
    """Where each peer is, by its name."""
    return {peer["name"]: peer["endpoint"] for peer in tunnel.client.status()["peers"]}


def main_endpoint():
    return addresses.host_port(addresses.VPS[4], addresses.PORT)
