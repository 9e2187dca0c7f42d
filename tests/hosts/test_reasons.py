"""A `connect` that cannot succeed says which it is, ends with 4, and puts everything back."""

import dataclasses
import time
from collections.abc import Callable

from . import addresses
from .ours import CLIENT, NO_TUNNEL
from .sentences import sentence
from .snapshot import Snapshot
from .tunnel import OURS, WIREGUARD_GO, Tunnel
from .wireguard import genkey, pubkey

DROP_UDP = "table inet wall {\n chain input { type filter hook input priority 0; udp dport 51820 drop; }\n}\n"
DROP_INNER = "table inet wall {\n chain input { type filter hook input priority 0; iifname { vpns, wg0 } drop; }\n" \
             " chain forward { type filter hook forward priority 0; iifname { vpns, wg0 } drop; }\n}\n"
DROP_FORWARDED = "table inet wall {\n chain forward { type filter hook forward priority 0; iifname { vpns, wg0 } drop; }\n}\n"


@dataclasses.dataclass
class Trouble:
    """What goes wrong, and what has to be said about it."""

    reason: str
    # Words that the message has to hold, any of each group.
    words: list
    prepare: Callable = lambda lab: None
    change: Callable = lambda config: None
    facts: dict = dataclasses.field(default_factory=dict)
    seconds: float = 3
    # And a word that would be wrong.
    never: str | None = None


def set_peer(**values):
    return lambda config: config["peers"][0].update(values)


def no_default_route(lab):
    lab.laptop.ip("route del default")
    lab.laptop.run("ip", "-6", "route", "del", "default")


# Before anybody puts them together.
DROP_FRAGMENTS = "table inet holes {\n chain raw { type filter hook prerouting priority -500; ip frag-off & 0x3fff != 0 drop; }\n}\n"


def drop_fragments(lab):
    lab.narrow(1280)
    lab.router.nft(DROP_FRAGMENTS)


def drop_fragments_beyond(lab):
    lab.router.ip("link set vps0 mtu 1280")
    lab.vps.nft(DROP_FRAGMENTS)


TROUBLES = {
    "the file holds another server's key": Trouble("silence", [["key"], ["UDP", "firewall"]], change=set_peer(public_key=pubkey(genkey()))),
    "the server does not know this client's key":
        Trouble("silence", [["key"]], change=lambda config: config["interface"].update(private_key=genkey())),
    "the preshared key is another": Trouble("wrong-psk", [["preshared"]], change=set_peer(preshared_key=genkey())),
    "the preshared key is missing": Trouble("wrong-psk", [["preshared"]], change=lambda config: config["peers"][0].pop("preshared_key"),
                                            facts={"psk": True}),
    "nothing listens on the port": Trouble("port-closed", [["51999"]], change=set_peer(endpoint=f"{addresses.VPS[4]}:51999")),
    "nothing listens on the port, over IPv6": Trouble("port-closed", [["51999"]], change=set_peer(endpoint=f"[{addresses.VPS[6]}]:51999")),
    "the host is not there": Trouble("no-route", [[addresses.NOBODY[4]]], change=set_peer(endpoint=f"{addresses.NOBODY[4]}:51820"), seconds=8),
    "no router knows the way": Trouble("no-route", [[addresses.NOWHERE[4]]], change=set_peer(endpoint=f"{addresses.NOWHERE[4]}:51820")),
    "no router knows the way, over IPv6": Trouble("no-route", [[addresses.NOWHERE[6]]], change=set_peer(endpoint=f"[{addresses.NOWHERE[6]}]:51820")),
    "the laptop has no way out": Trouble("no-route", [[addresses.VPS[4]]], prepare=no_default_route),
    "the server's name does not exist": Trouble("name-not-resolved", [["missing.test"]], change=set_peer(endpoint="missing.test:51820")),
    "no resolver answers": Trouble("name-not-resolved", [["vps.test"]], change=set_peer(endpoint="vps.test:51820"),
                                   prepare=lambda lab: lab.laptop.write("/etc/resolv.conf", f"nameserver {addresses.VPS[4]}\n", 0o644)),
    "the server has suite wireguard for this client, the file hybrid":
        Trouble("wrong-suite", [["hybrid"], ["wireguard"], ["suite"]], change=set_peer(suite="hybrid"), seconds=15),
    "the server has suite hybrid for this client, the file wireguard":
        Trouble("wrong-suite", [["hybrid"], ["wireguard"], ["suite"]], change=set_peer(suite="wireguard"), facts={"suite": "hybrid"}, seconds=15),
    "the suites differ and there is little time":
        Trouble("wrong-suite", [["hybrid"], ["wireguard"], ["suite"]], change=set_peer(suite="hybrid"), seconds=3),
    "fragments are dropped and a hybrid handshake does not fit":
        Trouble("silence", [["small datagram"], ["fragment"], ["1280"], ["suite wireguard's"]], facts={"suite": "hybrid"}, prepare=drop_fragments,
                seconds=15),
    "fragments are dropped on the server's side only":
        Trouble("silence", [["small datagram"], ["fragment"]], facts={"suite": "hybrid"}, prepare=drop_fragments_beyond, seconds=15),
    "a firewall swallows a hybrid handshake":
        Trouble("silence", [["UDP", "firewall"]], facts={"suite": "hybrid"}, prepare=lambda lab: lab.vps.nft(DROP_UDP), seconds=15,
                never="fragment"),
    "the server does not know this client's key, and the file says hybrid":
        Trouble("silence", [["key"]], change=lambda config: config["interface"].update(private_key=genkey()), facts={"suite": "hybrid"},
                seconds=15, never="fragment"),
    "a firewall swallows it": Trouble("silence", [["UDP", "firewall"]], prepare=lambda lab: lab.vps.nft(DROP_UDP)),
    "the handshake is fine and nothing comes back": Trouble("no-return", [["handshake"]], prepare=lambda lab: lab.vps.nft(DROP_INNER)),
    "the server answers pings and forwards nothing":
        Trouble("no-return", [["forward", "NAT"]], prepare=lambda lab: lab.vps.nft(DROP_FORWARDED), facts={"dns": [addresses.SITE[4]]}),
}


def fails(lab, trouble, server=OURS):
    tunnel = Tunnel(lab, server=server, **trouble.facts)
    tunnel.server.up()
    trouble.prepare(lab)
    config = tunnel.client.config()
    trouble.change(config)
    tunnel.client.write(config)
    before = Snapshot(lab.laptop)
    failed = tunnel.client.connect("--timeout", f"{trouble.seconds:g}s", code=NO_TUNNEL)
    assert failed.reason == trouble.reason, failed
    for words in trouble.words:
        assert any(word.lower() in failed.err.lower() for word in words), f"none of {words} in: {failed}"
    assert trouble.never is None or trouble.never not in failed.err.lower(), failed
    assert failed.seconds < trouble.seconds + 3, failed
    assert not failed.out.strip(), f"stdout is for what was asked for: {failed}"
    before.assert_unchanged("the connect that failed")
    assert not tunnel.client.pids, "a daemon was left behind"
    return tunnel, failed


@sentence("when {what}, `connect` says so and puts everything back", what=tuple(TROUBLES), seconds=5)
def says_why(lab, what):
    fails(lab, TROUBLES[what])


@sentence("with wireguard-go's server too: when {what}, `connect` says so", seconds=5,
          what=("the file holds another server's key", "the preshared key is another", "the handshake is fine and nothing comes back"))
def says_why_of_another(lab, what):
    fails(lab, TROUBLES[what], server=WIREGUARD_GO)


@sentence("the server counts the handshakes of a client that it does not know")
def server_counts_unknown(lab):
    tunnel, _ = fails(lab, TROUBLES["the server does not know this client's key"])
    assert sum(tunnel.server.drops().values()) >= 1, tunnel.server.status()


@sentence("the server counts the handshakes of a client whose file has another suite, and names it", seconds=15)
def server_counts_wrong_suite(lab):
    tunnel, _ = fails(lab, TROUBLES["the server has suite hybrid for this client, the file wireguard"])
    assert tunnel.server.drops().get("wrong-suite", 0) >= 1, tunnel.server.status()
    [laptop] = tunnel.server.status()["peers"]
    assert laptop["drops"]["wrong-suite"] >= 1, laptop
    said = [line for line in tunnel.server.process.err.splitlines() if "wrong-suite" in line]
    assert len(said) == 1 and "peer=laptop" in said[0], said


@sentence("a client whose large handshakes get lost is not said to have another suite", seconds=15)
def question_names_nobody(lab):
    tunnel, _ = fails(lab, TROUBLES["fragments are dropped and a hybrid handshake does not fit"])
    assert tunnel.server.drops().get("wrong-suite", 0) == 1, tunnel.server.status()
    assert "wrong-suite" not in tunnel.server.process.err, tunnel.server.process.err


@sentence("the other suite is asked for at every address of a name, the dead ones and the one that answers", seconds=15)
def asks_every_address(lab):
    tunnel = Tunnel(lab, suite="hybrid", endpoint=f"vps.test:{addresses.PORT}")
    tunnel.server.up()
    config = tunnel.client.config()
    config["peers"][0]["suite"] = "wireguard"
    tunnel.client.write(config)
    for host in addresses.NOBODY[4], addresses.VPS[4]:
        lab.laptop.sh(f"echo {host} vps.test >> /etc/hosts")
    failed = tunnel.client.connect("--timeout", "15s", code=NO_TUNNEL)
    assert failed.reason == "wrong-suite", failed


@sentence("`connect` tells the reasons apart: each has a text of its own", seconds=20)
def texts_differ(lab):
    tunnel = Tunnel(lab)
    tunnel.server.up()
    texts = {}
    for what in ("the file holds another server's key", "the preshared key is another", "nothing listens on the port", "no router knows the way",
                 "the server's name does not exist"):
        config = tunnel.client.config()
        TROUBLES[what].change(config)
        tunnel.client.write(config)
        texts[what] = tunnel.client.connect("--timeout", "2s", code=NO_TUNNEL).err
    assert len(set(texts.values())) == len(texts), texts


@sentence("a server is found by its name")
def by_name(lab):
    Tunnel(lab, endpoint=f"vps.test:{addresses.PORT}").up()


@sentence("`connect --timeout 0` waits until the server is there", seconds=8)
def waits_for_ever(lab):
    tunnel = Tunnel(lab)
    tunnel.client.write()
    waiting = lab.laptop.start(CLIENT, "connect", "--timeout", "0", tunnel.client.file, log="waiting")
    time.sleep(1)
    assert waiting.running, waiting.err
    tunnel.server.up()
    assert waiting.wait(20) == 0, waiting.err
