"""A peer beside the main one is sought as the main one is: its families raced, its endpoints in turn; and not while nobody wants it."""

import re
import time

from . import addresses
from .capture import Capture
from .patience import eventually
from .second_peer import PORT, endpoints, main_endpoint, second_answers, with_second_peer
from .sentences import sentence
from .test_roaming import change_address
from .test_whereabouts import NEW_VPS, write_zone
from .tunnel import pinging

LOCKS = ("", ", under the lock too")


def asks_second(packet):
    return packet.is_initiation and packet.ports[1] == PORT


def deafen(lab, *addresses_of_server):
    """The second peer is heard at none of these any more."""
    rules = "".join(f"{'ip6' if ':' in each else 'ip'} {side}addr {each} udp {side}port {PORT} drop; " for each in addresses_of_server for side in "ds")
    lab.router.nft("table inet deaf {}\ndelete table inet deaf\n"
                   f"table inet deaf {{ chain pass {{ type filter hook forward priority 0; {rules} }}; }}")


def let_through(lab):
    """The addresses that the lock lets the second peer's datagrams go to."""
    return set(re.findall(rf"([0-9a-f.:]+) \. {PORT}\b", lab.laptop.run("nft", "list", "table", "inet", "vpn-lock-laptop").out))


@sentence("a second peer of both families whose IPv6 is deaf answers by IPv4 a quarter of a second later, and nobody asks it before somebody wants it{lock}",
          lock=LOCKS, seconds=8, suites=True)
def raced(lab, lock):
    write_zone(lab, "both.test", addresses.VPS[4], addresses.VPS[6])
    deafen(lab, addresses.VPS[6])
    tunnel = with_second_peer(lab, f"both.test:{PORT}", lock=bool(lock))
    with Capture(lab.router, "lan0", asks_second) as before:
        tunnel.client.up()
        time.sleep(0.6)
    assert not before.packets, before.packets
    with Capture(lab.router, "lan0", asks_second) as wire:
        eventually("the second peer answers", lambda: second_answers(lab), seconds=20)
    first, *others = wire.packets
    assert first.version == 6 and others and others[0].version == 4, wire.packets
    assert 0.24 <= others[0].time - first.time < 2.5, others[0].time - first.time
    assert others[0].payload[8:] == first.payload[8:], "not the same initiation"
    assert endpoints(tunnel) == {"vps": main_endpoint(), "other": addresses.host_port(addresses.VPS[4], PORT)}, endpoints(tunnel)


@sentence("of a second peer's endpoints the first that answers is taken, in their order, and the next when it falls silent{lock}",
          lock=LOCKS, seconds=60, apart=True, suites=True)
def in_turn(lab, lock):
    lab.vps.ip(f"addr add {NEW_VPS[4]}/24 dev eth0")
    tunnel = with_second_peer(lab, [f"{each}:{PORT}" for each in (addresses.NOBODY[4], addresses.VPS[4], NEW_VPS[4])], lock=bool(lock))
    tunnel.client.up()
    with pinging(lab.laptop, addresses.TUNNEL_SERVER[4]) as pings:
        eventually("the second peer answers", lambda: second_answers(lab), seconds=30)
        assert endpoints(tunnel) == {"vps": main_endpoint(), "other": f"{addresses.VPS[4]}:{PORT}"}, endpoints(tunnel)
        deafen(lab, addresses.VPS[4])
        eventually("it answers from elsewhere", lambda: second_answers(lab), seconds=60)
        assert endpoints(tunnel) == {"vps": main_endpoint(), "other": f"{NEW_VPS[4]}:{PORT}"}, endpoints(tunnel)
    assert pings.longest_silence < 1, pings.longest_silence


@sentence("an endpoint given as an address that no way led to at `connect` is taken once one does and the other falls silent{lock}", lock=LOCKS, seconds=15)
def literal_later(lab, lock):
    lab.laptop.run("ip", "-6", "route", "del", "default")
    tunnel = with_second_peer(lab, [f"{addresses.VPS[4]}:{PORT}", addresses.host_port(addresses.VPS[6], PORT)], lock=bool(lock))
    tunnel.client.up()
    eventually("the second peer answers", lambda: second_answers(lab), seconds=20)
    assert endpoints(tunnel)["other"] == f"{addresses.VPS[4]}:{PORT}", endpoints(tunnel)
    lab.laptop.ip(f"route add default via {addresses.ROUTER_LAN[6]} dev eth0")
    deafen(lab, addresses.VPS[4])
    eventually("it answers by IPv6", lambda: second_answers(lab), seconds=60)
    assert endpoints(tunnel)["other"] == addresses.host_port(addresses.VPS[6], PORT), endpoints(tunnel)


@sentence("in another network, where IPv6 is deaf, a second peer is reached by IPv4{lock}", lock=LOCKS, seconds=12, suites=True)
def elsewhere(lab, lock):
    lab.open_cafe()
    write_zone(lab, "both.test", addresses.VPS[4], addresses.VPS[6])
    tunnel = with_second_peer(lab, f"both.test:{PORT}", lock=bool(lock))
    tunnel.client.up()
    eventually("the second peer answers", lambda: second_answers(lab), seconds=20)
    assert endpoints(tunnel)["other"] == addresses.host_port(addresses.VPS[6], PORT), endpoints(tunnel)
    lab.router.nft('table inet deaf { chain pass { type filter hook forward priority 0; iifname "cafe0" ip6 version 6 drop; oifname "cafe0" ip6 version 6 drop; }; }')
    with Capture(lab.router, "cafe0", asks_second) as wire:
        lab.move_to_cafe()
        eventually("the second peer answers", lambda: second_answers(lab), seconds=20)
    assert endpoints(tunnel) == {"vps": main_endpoint(), "other": addresses.host_port(addresses.VPS[4], PORT)}, endpoints(tunnel)
    answered = min(packet.time for packet in wire.packets if packet.version == 4)
    assert answered - wire.packets[0].time < 2.5, wire.packets


@sentence("a second peer that nobody has sent anything to is not asked after a change of the network either, and is sought once somebody does", seconds=8)
def unwanted(lab):
    write_zone(lab, "both.test", addresses.VPS[4], addresses.VPS[6])
    tunnel = with_second_peer(lab, f"both.test:{PORT}")
    tunnel.client.up()
    with Capture(lab.router, "lan0", asks_second) as wire:
        for version in (4, 6):
            change_address(lab, version)
        lab.laptop.run("ip", "-6", "route", "del", "default")  # no way leads to where it is thought to be
        time.sleep(1)
    assert not wire.packets, wire.packets
    eventually("the second peer answers", lambda: second_answers(lab), seconds=20)
    assert endpoints(tunnel)["other"] == addresses.host_port(addresses.VPS[4], PORT), endpoints(tunnel)


@sentence("the lock lets datagrams go to where peers may be sought, and no longer to where their names said before", seconds=10)
def candidates(lab):
    write_zone(lab, "both.test", addresses.VPS[4], addresses.VPS[6])
    tunnel = with_second_peer(lab, [f"both.test:{PORT}", f"{addresses.NOBODY[4]}:{PORT}"], keepalive=5, lock=True)
    tunnel.client.up()
    before = {addresses.VPS[4], addresses.VPS[6], addresses.NOBODY[4]}
    assert let_through(lab) == before, let_through(lab)
    eventually("the second peer answers", lambda: second_answers(lab), seconds=20)
    write_zone(lab, "both.test", NEW_VPS[4], NEW_VPS[6])
    change_address(lab, 4)
    change_address(lab, 6)
    # Where it was heard last it may be yet.
    here = addresses.VPS[6]
    eventually("the lock has heard of it", lambda: let_through(lab) == {NEW_VPS[4], NEW_VPS[6], addresses.NOBODY[4], here}, seconds=20)
