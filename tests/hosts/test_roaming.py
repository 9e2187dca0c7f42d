"""Addresses change under a tunnel that stands; the tunnel goes on."""

import time

from . import addresses
from .patience import eventually
from .sentences import sentence
from .tunnel import Tunnel, connected, pinging

# A moment that nobody notices; a session that had to be made anew would take fifteen seconds.
MOMENT = 1.0


def goes_on_through(lab, change, inner=4):
    """Pings through the tunnel from the laptop while something changes."""
    with pinging(lab.laptop, addresses.TUNNEL_SERVER[inner]) as pings:
        time.sleep(0.5)
        change()
        time.sleep(2.5)
    assert pings.longest_silence <= MOMENT, f"{pings.longest_silence:.2f} s without an answer; lost {pings.lost} of {pings.sent}"


def change_address(lab, outer):
    """As a DHCP client does it when the lease is another one."""
    length, nodad = {4: (24, ""), 6: (64, " nodad")}[outer]
    lab.laptop.ip(f"addr del {addresses.LAPTOP[outer]}/{length} dev eth0", f"addr add {addresses.LAPTOP_MOVED[outer]}/{length} dev eth0{nodad}",
                  f"route replace default via {addresses.ROUTER_LAN[outer]} dev eth0")


@sentence("the laptop's IPv{outer} address changes under traffic, and the tunnel goes on within a second", outer=(4, 6), seconds=5, reference=True, suites=True)
def new_address(lab, outer):
    connected(lab, outer=outer)
    goes_on_through(lab, lambda: change_address(lab, outer))


@sentence("the laptop moves to another network over IPv{outer}, and the tunnel goes on within a second", outer=(4, 6), seconds=5, reference=True, suites=True)
def new_network(lab, outer):
    lab.open_cafe()
    connected(lab, outer=outer)
    goes_on_through(lab, lab.move_to_cafe)


@sentence("the home router forgets its mappings and leaves by another address, and the tunnel goes on within a second", seconds=5, reference=True, suites=True)
def new_mapping(lab):
    lab.nat()
    connected(lab)
    goes_on_through(lab, lab.change_mapping)


@sentence("a NAT gives the laptop another port, and the tunnel goes on within a second", seconds=5, reference=True, suites=True)
def new_port(lab):
    relay, endpoint = lab.relay()
    connected(lab, endpoint=endpoint)

    def rebind():
        relay.stdin.write(b"rebind\n")
        relay.stdin.flush()
    goes_on_through(lab, rebind)


@sentence("after the laptop moved, the server reaches it without being asked", seconds=5, reference=True, suites=True)
def server_speaks_first(lab):
    lab.open_cafe()
    connected(lab)
    lab.move_to_cafe()
    lab.laptop.run("ping", "-n", "-c3", "-i0.2", "-W1", addresses.TUNNEL_SERVER[4], code=None)
    lab.vps.run("ping", "-n", "-c3", "-i0.05", "-W1", addresses.TUNNEL_CLIENT[4])


@sentence("a stopped server that comes back has its client back within 21 seconds: ended by {ending}", ending=("SIGTERM", "SIGKILL"),
          seconds=30, apart=True, reference=True, suites=True)
def server_restarts(lab, ending):
    tunnel = Tunnel(lab, keepalive=5).up()
    with pinging(lab.laptop, addresses.TUNNEL_SERVER[4], every=0.1) as pings:
        end_and_start_again(tunnel, ending)
        seen, end = max(pings.answered), time.monotonic() + 21
        while time.monotonic() < end and max(pings.answered) <= seen + 1:
            time.sleep(0.1)
    assert pings.longest_silence < 21, f"{pings.longest_silence:.1f} s without an answer"
    assert lab.visit("address", addresses.SITE[4]) == {"address": addresses.VPS[4]}


def end_and_start_again(tunnel, ending):
    if ending == "SIGTERM":
        tunnel.server.restart()
    else:
        tunnel.server.process.kill()
        try_delete_table(tunnel)
        tunnel.server.up()


@sentence("our server says hello after a restart, and its client is back within 2 seconds: ended by {ending}, {client}",
          ending=("SIGTERM", "SIGKILL"), client=("in use", "silent"), seconds=12, suites=True)
def server_says_hello(lab, ending, client):
    tunnel = Tunnel(lab).up()
    time.sleep(6)  # who is killed forgets what happened within five seconds
    if client == "in use":
        with pinging(lab.laptop, addresses.TUNNEL_SERVER[4], every=0.05) as pings:
            end_and_start_again(tunnel, ending)
            seen = max(pings.answered)
            eventually("pings are answered again", lambda: max(pings.answered) > seen + 2, seconds=10)
        assert pings.longest_silence < 2, f"{pings.longest_silence:.1f} s without an answer"
        print(f"{pings.longest_silence:.2f} s without an answer")
        return
    end_and_start_again(tunnel, ending)
    eventually("there is a session", lambda: tunnel.server.status()["peers"][0]["online"], seconds=2)
    # What comes from behind the server reaches the laptop, which has said nothing.
    lab.vps.run("ping", "-n", "-c1", "-W2", addresses.TUNNEL_CLIENT[4])


def try_delete_table(tunnel):
    """wireguard-go has no NAT of its own: the lab's goes with it. Ours must cope with what a crash left."""
    if tunnel.server.interface == "wg0":
        tunnel.server.host.run("nft", "delete", "table", "inet", "wgnat")


@sentence("a network cable pulled for 3 seconds costs 3 seconds", seconds=8, reference=True, suites=True)
def cable(lab):
    connected(lab)
    with pinging(lab.laptop, addresses.TUNNEL_SERVER[4]) as pings:
        time.sleep(0.3)
        lab.router.run("ip", "link", "set", "lan0", "down")
        time.sleep(3)
        lab.router.run("ip", "link", "set", "lan0", "up")
        lab.router.ip(f"addr replace {addresses.ROUTER_LAN[6]}/64 dev lan0 nodad")
        time.sleep(2.5)
    assert pings.longest_silence < 4.5, f"{pings.longest_silence:.1f} s without an answer"
