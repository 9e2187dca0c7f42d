"""In a hotel: a captive portal answers for the web and drops the rest. It is named, and nothing leaves for its sake."""

from . import addresses
from .capture import Capture, strangers
from .lab import PROGRAMS, PYTHON
from .ours import CLIENT, FAILURE, NO_TUNNEL
from .patience import eventually
from .sentences import sentence
from .snapshot import Snapshot
from .test_doctor import examined, failing
from .tunnel import Tunnel, connected

HOTEL = "login.hotel.test"
CAPTIVITY = """
table inet hotel {
    chain doors { type filter hook forward priority 0; iifname "lan0" drop; oifname "lan0" drop; }
    chain web { type nat hook prerouting priority dstnat; iifname "lan0" meta nfproto ipv4 tcp dport 80 redirect to :8080; }
}
"""


class Portal:
    """On the router, from when it shuts until somebody pays."""

    def __init__(self, lab, location=f"http://{HOTEL}/welcome?from=you"):
        self._router = lab.router
        self._server = lab.router.start(*PYTHON, PROGRAMS / "portal.py", location, log="portal")
        eventually("the portal is open", lambda: ":8080 " in lab.router.run("ss", "-ltn").out)
        self.shut()

    def shut(self):
        self._router.nft(CAPTIVITY)

    def pay(self):
        self._router.nft("delete table inet hotel")

    @property
    def asked(self):
        return self._server.out.splitlines()


def browsed(lab):
    """What a browser on the laptop gets from the web."""
    return lab.visit("status", addresses.SITE[4])


def silent(tunnel):
    """Until the client has noticed that its server is silent. Somebody has to send something."""
    with_traffic = tunnel.client.host.start("ping", "-n", "-i", "0.5", addresses.TUNNEL_SERVER[4], log="traffic")
    eventually("the server's silence is noticed", lambda: tunnel.client.command("status", "laptop", code=None).reason == "silence", seconds=90, every=0.5)
    return with_traffic


@sentence("behind a captive portal `connect` names it and what to do, {lock} a lock of its own, ends with 4, and puts everything back",
          lock=("with", "without"), seconds=6)
def connect_names_it(lab, lock):
    tunnel = Tunnel(lab, lock=lock == "with")
    tunnel.server.up()
    portal = Portal(lab)
    before = Snapshot(lab.laptop)
    failed = tunnel.client.connect("--timeout", "3s", code=NO_TUNNEL)
    assert failed.reason == "silence", failed
    for words in ("captive portal", HOTEL, "vpn-client pause 5m laptop", "does not answer"):
        assert words in failed.err, f"{words} is not in {failed.err}"
    before.assert_unchanged("the connect that failed")
    assert portal.asked == [f"{addresses.LAPTOP[4]} connectivity-check.ubuntu.com /"], portal.asked
    portal.pay()
    tunnel.client.up()


@sentence("a portal that also answers for the server's name, and refuses its port, is named as well", seconds=6)
def names_and_ports(lab):
    tunnel = Tunnel(lab, endpoint=f"portal.test:{addresses.PORT}")
    lab.laptop.sh(f"echo {addresses.ROUTER_LAN[4]} portal.test >> /etc/hosts")
    Portal(lab)
    failed = tunnel.client.connect("--timeout", "5s", code=NO_TUNNEL)
    assert failed.reason == "port-closed" and HOTEL in failed.err, failed


@sentence("with \"portal_check\": false nobody is asked, and nothing is said of portals", seconds=5)
def asks_nobody(lab):
    tunnel = Tunnel(lab)
    portal = Portal(lab)
    config = tunnel.client.config()
    config["interface"]["portal_check"] = False
    tunnel.client.write(config)
    failed = tunnel.client.connect("--timeout", "3s", code=NO_TUNNEL)
    assert failed.reason == "silence" and "portal" not in failed.err, failed
    assert "captive portal" not in examined(tunnel, "laptop", code=FAILURE)
    assert not portal.asked, portal.asked


@sentence("a portal that leads to a name full of control characters moves nobody's cursor", seconds=5)
def escapes(lab):
    tunnel = Tunnel(lab)
    Portal(lab, "http://a\x1b]0;owned\x07.test/")
    failed = tunnel.client.connect("--timeout", "3s", code=NO_TUNNEL)
    assert failed.reason == "silence" and "captive portal" in failed.err, failed
    assert "\x1b" not in failed.err and "\x07" not in failed.err, failed


@sentence("`doctor` names the portal and its remedy; where there is none it says so", seconds=30)
def doctor_names_it(lab):
    tunnel = Tunnel(lab)
    tunnel.client.write()
    portal = Portal(lab)
    found = examined(tunnel, "laptop", code=FAILURE)
    assert failing(found) == {"server", "captive portal"}, found
    assert HOTEL in found["captive portal"][1] and "vpn-client pause 5m laptop" in found["captive portal"][1], found
    portal.pay()
    found = examined(tunnel, "laptop", code=FAILURE)
    assert found["captive portal"][0] == "ok", found


@sentence("while connected, `status` names a portal that shuts, and forgets it when the server answers again", seconds=45)
def status_names_it(lab):
    tunnel = connected(lab)
    assert tunnel.client.status()["portal"] is None
    portal = Portal(lab)
    silent(tunnel)
    eventually("the portal is seen", lambda: tunnel.client.status()["portal"] == HOTEL, seconds=40, every=0.5)
    said = tunnel.client.command("status", "laptop", code=NO_TUNNEL).out
    assert HOTEL in said and "pause 5m" in said, said
    portal.pay()
    eventually("the tunnel works again", lambda: tunnel.client.status()["state"] == "connected", seconds=40, every=0.5)
    assert tunnel.client.status()["portal"] is None


@sentence("a `connect` that waits for ever, with name servers of the tunnel's, is told of a portal by `status` before there ever was a handshake",
          seconds=40)
def waits_for_ever(lab):
    tunnel = Tunnel(lab, dns=[addresses.SITE[4]])
    tunnel.server.up()
    portal = Portal(lab)
    tunnel.client.write()
    waiting = lab.laptop.start(CLIENT, "connect", "laptop", "--foreground", "--timeout", "0", log="waiting")
    with Capture(lab.router, "lan0", lambda packet: packet.ports[1] == addresses.DNS_PORT) as wire:
        eventually("the portal is seen", lambda: tunnel.client.status()["portal"] == HOTEL, seconds=40, every=0.5)
    assert tunnel.client.status()["state"] == "connecting", tunnel.client.status()
    assert portal.asked == [f"{addresses.LAPTOP[4]} connectivity-check.ubuntu.com /"], portal.asked
    assert wire.packets and all(packet.destination == addresses.ROUTER_LAN[4] and b"connectivity-check" in packet.raw for packet in wire.packets), wire.packets
    portal.pay()
    eventually("the tunnel works", lambda: tunnel.client.status()["state"] == "connected", seconds=40, every=0.5)
    assert tunnel.client.status()["portal"] is None
    waiting.stop()


@sentence("under the lock nobody is asked; `pause` lets a browser and the question out, names the portal, and shuts again by itself", seconds=60)
def lock_and_pause(lab):
    tunnel = connected(lab, lock=True)
    portal = Portal(lab)
    with Capture(lab.router, "lan0") as wire:
        silent(tunnel)
        assert "error" in browsed(lab)
        assert examined(tunnel, "laptop")["captive portal"][0] == "warn"
    assert not portal.asked and not strangers(wire.packets, 4), (portal.asked, strangers(wire.packets, 4))
    tunnel.client.command("pause", "8s", "laptop")
    assert browsed(lab) == {"status": 302, "location": f"http://{HOTEL}/welcome?from=you"}
    eventually("the portal is seen", lambda: tunnel.client.status()["portal"] == HOTEL, seconds=7)
    eventually("the pause is over", lambda: tunnel.client.status()["lock"]["state"] == "shut", seconds=30)
    asked = len(portal.asked)
    with Capture(lab.router, "lan0") as wire:
        assert "error" in browsed(lab)
    assert len(portal.asked) == asked and not strangers(wire.packets, 4), strangers(wire.packets, 4)
