"""A server from nothing, and its peers while it runs."""

import json
import stat

from . import addresses
from .ours import CLIENT, DONE, FAILURE, NO_TUNNEL, NOT_RUNNING, SERVER, SERVER_FILE, USAGE, OurServer, find
from .sentences import sentence
from .tunnel import Facts, connected, pinging
from .wireguard import genkey, pubkey


def initialised(lab, *options):
    """A server as its owner makes it: `init`, `run`."""
    lab.vps.run(SERVER, "init", "--endpoint", addresses.VPS[4], *options)
    return OurServer(lab.vps, Facts()).up()


def hand_over(lab, name, host=None, *options):
    """`peer add NAME --output`, and the file copied over as it is. Where it lies on the other host."""
    host = host or lab.laptop
    path = f"/run/{name}.json"
    lab.vps.run(SERVER, "peer", "add", name, "--output", path, *options)
    assert stat.S_IMODE(lab.vps.path(path).stat().st_mode) == 0o600, "the file is open to others"
    return host.write(f"/run/{name}.json", lab.vps.read(path))


@sentence("`init` writes a file that only root can read, and `check` finds it right")
def init(lab):
    lab.vps.run(SERVER, "init", "--endpoint", addresses.VPS[4])
    written = lab.vps.path(SERVER_FILE)
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    config = json.loads(written.read_text())
    assert config["version"] == 1 and config["endpoint"].startswith(addresses.VPS[4])
    lab.vps.run(SERVER, "check")


@sentence("`init` does not overwrite a server's file unless it is told to, since the key would be lost")
def init_again(lab):
    lab.vps.run(SERVER, "init", "--endpoint", addresses.VPS[4])
    before = lab.vps.read(SERVER_FILE)
    again = lab.vps.run(SERVER, "init", "--endpoint", addresses.VPS[4], code=FAILURE)
    assert "--force" in again.err and SERVER_FILE in again.err, again
    assert lab.vps.read(SERVER_FILE) == before
    lab.vps.run(SERVER, "init", "--endpoint", addresses.VPS[4], "--force")
    assert lab.vps.read(SERVER_FILE) != before


@sentence("`init`'s options are found in its file")
def init_options(lab):
    lab.vps.run(SERVER, "init", "--endpoint", "vpn.test:4433", "--network", "10.77.0.0/24", "--network6", "fd77::/64", "--interface", "wan7",
                "--listen-port", 4433, "--dns", "9.9.9.9,2620:fe::fe")
    config = json.loads(lab.vps.read(SERVER_FILE))
    assert config["endpoint"] == "vpn.test:4433" and config["networks"] == ["10.77.0.0/24", "fd77::/64"], config
    assert config["interface"]["name"] == "wan7" and config["interface"]["listen_port"] == 4433, config
    assert config["dns"] == ["9.9.9.9", "2620:fe::fe"], config


@sentence("what `peer add` writes connects as it is: two commands on the server, one on the laptop", seconds=5)
def quick_way(lab):
    initialised(lab)
    lab.laptop.run(CLIENT, "connect", hand_over(lab, "laptop"))
    for version in (4, 6):
        assert lab.visit("address", addresses.SITE[version]) == {"address": addresses.VPS[version]}
    lab.laptop.run(CLIENT, "disconnect", "laptop")


@sentence("what `peer add` wrote while the server was down connects when it is up")
def added_before(lab):
    lab.vps.run(SERVER, "init", "--endpoint", addresses.VPS[4])
    file = hand_over(lab, "laptop")
    OurServer(lab.vps, Facts()).up()
    lab.laptop.run(CLIENT, "connect", file)


@sentence("`peer add` without --output prints the file, and nothing else, to stdout")
def to_stdout(lab):
    initialised(lab)
    config = json.loads(lab.vps.run(SERVER, "peer", "add", "laptop").out)
    assert config["interface"]["private_key"] and config["peers"][0]["preshared_key"] and config["peers"][0]["persistent_keepalive"] == 25, config
    assert config["peers"][0]["allowed_ips"] == addresses.EVERYWHERE, config
    assert config["peers"][0]["endpoint"] == addresses.host_port(addresses.VPS[4], 51820), config


@sentence("`peer add --public-key` answers with a file that holds no private key")
def by_public_key(lab):
    initialised(lab)
    key = pubkey(genkey())
    answer = json.loads(lab.vps.run(SERVER, "peer", "add", "laptop", "--public-key", key).out)
    # Where the peer's own key lies, or nothing.
    assert answer["interface"].get("private_key", "file:").startswith("file:"), answer
    assert "preshared_key" not in answer["peers"][0], "a preshared key makes the answer secret, and nobody asked for one"
    assert json.loads(lab.vps.read(SERVER_FILE))["peers"][0]["public_key"] == key


@sentence("peers get addresses of their own, and `peer list` names them")
def own_addresses(lab):
    server = initialised(lab)
    files = [json.loads(lab.vps.run(SERVER, "peer", "add", name).out) for name in ("laptop", "phone", "tablet")]
    given = [address for file in files for address in file["interface"]["addresses"]]
    assert len(given) == len(set(given)) == 6, given
    assert server.peer_names() == ["laptop", "phone", "tablet"]


@sentence("a name is given once: `peer add` with a taken one is refused and changes nothing")
def taken_name(lab):
    server = initialised(lab)
    lab.vps.run(SERVER, "peer", "add", "laptop")
    before = lab.vps.read(SERVER_FILE)
    refused = lab.vps.run(SERVER, "peer", "add", "laptop", code=None)
    assert refused.code in (FAILURE, USAGE) and "laptop" in refused.err and not refused.out, refused
    assert lab.vps.read(SERVER_FILE) == before and server.peer_names() == ["laptop"]


@sentence("a peer is added and another removed while pings go on: none is lost", seconds=6)
def live(lab):
    server = initialised(lab)
    lab.laptop.run(CLIENT, "connect", hand_over(lab, "laptop"))
    with pinging(lab.laptop, addresses.TUNNEL_SERVER[4]) as pings:
        tablet = hand_over(lab, "tablet", lab.site, "--allowed-ips", "10.66.0.0/24")
        lab.site.run(CLIENT, "connect", tablet)
        assert server.peer_names() == ["laptop", "tablet"]
        lab.vps.run(SERVER, "peer", "remove", "tablet")
        assert server.peer_names() == ["laptop"]
        gone = lab.site.run("ping", "-n", "-c5", "-i0.1", "-W1", addresses.TUNNEL_SERVER[4], code=None)
        assert " 0 received" in gone.out, gone
    assert pings.lost == 0, f"lost {pings.lost} of {pings.sent}"


@sentence("a removed peer is not in the file, and does not come back with the daemon", seconds=5)
def removed_for_good(lab):
    server = initialised(lab)
    file = hand_over(lab, "laptop")
    lab.laptop.run(CLIENT, "connect", file)
    lab.vps.run(SERVER, "peer", "remove", "laptop")
    server.restart()
    assert server.peer_names() == []
    assert json.loads(lab.vps.read(SERVER_FILE))["peers"] == []
    lab.laptop.run(CLIENT, "disconnect")
    refused = lab.laptop.run(CLIENT, "connect", "--timeout", "2s", file, code=NO_TUNNEL)
    assert refused.reason == "silence", refused


@sentence("`peer remove` of a name that nobody has says so")
def remove_nobody(lab):
    initialised(lab)
    refused = lab.vps.run(SERVER, "peer", "remove", "nobody", code=FAILURE)
    assert "nobody" in refused.err, refused


@sentence("the server names its peers with where they are and what passed", seconds=5)
def named_in_status(lab):
    tunnel = connected(lab)
    lab.visit("get", addresses.SITE[4], 1_000_000)
    said = tunnel.server.command("status").out
    assert "laptop" in said and addresses.LAPTOP[4] in said, said
    status = tunnel.server.status()
    assert find(status, "version") == 1, status
    peer = next(peer for peer in find(status, "peers") if peer["name"] == "laptop")
    assert addresses.LAPTOP[4] in json.dumps(peer), peer
    received, sent = find(peer, "received", "rx_bytes", "received_bytes"), find(peer, "sent", "tx_bytes", "sent_bytes")
    assert sent > 1_000_000 > received > 1000, peer


@sentence("a server without peers answers `status` with 0, and without a daemon with 3")
def status_codes(lab):
    server = initialised(lab)
    assert lab.vps.run(SERVER, "status").code == DONE
    server.down()
    lab.vps.run(SERVER, "status", code=NOT_RUNNING)
    lab.vps.run(SERVER, "reload", code=NOT_RUNNING)


@sentence("only root may ask the server's control socket")
def socket_is_ours(lab):
    server = initialised(lab)
    sockets = lab.vps.sh("find /run/vpn -type s").out.split()
    assert sockets == [f"/run/vpn/server-{server.interface}.sock"], sockets
    assert stat.S_IMODE(lab.vps.path(sockets[0]).stat().st_mode) == 0o600
