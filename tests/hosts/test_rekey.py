"""The server's own key becomes another, with a time in which the old one answers too."""

import datetime
import json
import stat
import time

from . import addresses
from .ours import CLIENT, FAILURE, NO_TUNNEL, SERVER, SERVER_FILE
from .patience import eventually
from .sentences import Skip, sentence
from .test_limits import answers, is_silent, knocking
from .test_peers import hand_over
from .test_secrets import assert_absent, memory_of, times_in
from .tunnel import OURS, WIREGUARD_GO, Tunnel, connected, pinging
from .wireguard import genkey, pubkey

INSIDE = addresses.TUNNEL_SERVER[4]


def interface_of(server):
    return json.loads(server.host.read(server.file))["interface"]


def keys(server):
    return json.loads(server.command("key", "--json").out)


def rekey(server, *options):
    """The new public key."""
    return server.command("rekey", *options).out.strip()


def tell(tunnel, key):
    """The laptop's owner writes the server's new public key into the file, and connects again."""
    config = tunnel.client.config()
    config["peers"][0]["public_key"] = key
    tunnel.client.disconnect()
    tunnel.client.write(config)
    tunnel.client.connect()


def end_in(server, seconds):
    """The owner has the old key end so soon, in the file, and tells the server."""
    config = json.loads(server.host.read(server.file))
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    config["interface"]["old_key"]["expires"] = end.strftime("%Y-%m-%dT%H:%M:%SZ")
    server.write(config)
    server.command("reload")


@sentence("`rekey` cuts nobody off: who has the old key loses no ping and comes again, who is handed the new one connects, and `key` tells them apart",
          seconds=12, suites=True)
def two_keys(lab):
    tunnel = connected(lab)
    server = tunnel.server
    with pinging(lab.laptop, INSIDE) as pings:
        new = rekey(server)
        lab.site.run(CLIENT, "connect", hand_over(lab, "tablet", lab.site, "--allowed-ips", "10.66.0.0/24"))
        assert answers(lab.site)
    assert pings.lost == 0, f"lost {pings.lost} of {pings.sent}"

    interface = interface_of(server)
    assert pubkey(interface["private_key"]) == new and interface["old_key"]["private_key"] == tunnel.facts.server_key, "the file"
    assert stat.S_IMODE(lab.vps.path(SERVER_FILE).stat().st_mode) == 0o600
    left = datetime.datetime.fromisoformat(interface["old_key"]["expires"].replace("Z", "+00:00")) - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(days=6, hours=23) < left <= datetime.timedelta(days=7, seconds=1), left
    assert json.loads(lab.site.read("/run/tablet.json"))["peers"][0]["public_key"] == new
    assert lab.vps.run("wg", "show", "vpns", "public-key").out.strip() == new

    told = keys(server)
    assert told["public_key"] == new and told["old_key"]["public_key"] == pubkey(tunnel.facts.server_key), told
    assert told["old_key"]["used_by"] == ["laptop"] and told["old_key"]["not_seen"] == [], told
    by_name = {peer["name"]: peer["server_key"] for peer in server.status()["peers"]}
    assert by_name == {"laptop": "old", "tablet": "current"}, by_name
    said = server.command("key").out + server.command("status").out
    assert new in said and "laptop" in said and tunnel.facts.server_key not in said, said

    tunnel.client.disconnect()
    tunnel.client.connect()
    assert keys(server)["old_key"]["used_by"] == ["laptop"]
    tell(tunnel, new)
    eventually("nobody uses the old key", lambda: keys(server)["old_key"]["used_by"] == [])
    assert "rekey --end" in server.command("key").out


@sentence("within the grace Debian's wireguard-go makes handshakes with the old key, and with the new one", seconds=20)
def debians(lab):
    tunnel = Tunnel(lab, client=WIREGUARD_GO, psk=True)
    tunnel.server.up()
    new = rekey(tunnel.server)
    tunnel.client.up()
    assert keys(tunnel.server)["old_key"]["used_by"] == ["laptop"]
    with pinging(lab.laptop, INSIDE) as pings:
        time.sleep(0.5)
    assert pings.lost == 0, f"lost {pings.lost} of {pings.sent}"
    facts = tunnel.facts
    lab.laptop.write("/run/psk", facts.psk)
    lab.laptop.run("wg", "set", "wg0", "peer", pubkey(facts.server_key), "remove")
    lab.laptop.run("wg", "set", "wg0", "peer", new, "preshared-key", "/run/psk", "endpoint", facts.endpoint, "allowed-ips", ",".join(facts.allowed_ips))
    eventually("an answer", lambda: answers(lab.laptop), seconds=20)
    assert keys(tunnel.server)["old_key"]["used_by"] == []


@sentence("the old key ends by itself, live and in the file: who still used it is named, refused and counted, and the others lose nothing",
          seconds=25, suites=True)
def ends(lab):
    tunnel = connected(lab, server=OURS)
    server = tunnel.server
    rekey(server)
    lab.site.run(CLIENT, "connect", hand_over(lab, "tablet", lab.site, "--allowed-ips", "10.66.0.0/24"))
    with pinging(lab.site, INSIDE) as pings:
        assert answers(lab.laptop)
        end_in(server, 3)
        eventually("the old key is gone from the file", lambda: "old_key" not in interface_of(server), seconds=20)
        assert is_silent(lab.laptop)
    assert pings.lost == 0, f"lost {pings.lost} of {pings.sent}"
    assert keys(server)["old_key"] is None
    said = server.process.err
    assert "old-key-ended" in said and "peer-left-behind" in said and "peer=laptop" in said.partition("peer-left-behind")[2].partition("\n")[0], said
    before = server.drops()["bad-mac1"]
    tunnel.client.disconnect()
    refused = lab.laptop.run(CLIENT, "connect", "--timeout", "3s", tunnel.client.file, code=NO_TUNNEL)
    assert refused.reason == "silence", refused
    assert server.drops()["bad-mac1"] > before, server.drops()
    tell_new = json.loads(lab.vps.read(server.file))["interface"]["private_key"]
    config = tunnel.client.config()
    config["peers"][0]["public_key"] = pubkey(tell_new)
    tunnel.client.write(config)
    tunnel.client.connect()


@sentence("`rekey --end` ends the old key at once, and `rekey --grace none` leaves none", seconds=12)
def ended(lab):
    tunnel = Tunnel(lab, client=WIREGUARD_GO).up()
    server = tunnel.server
    rekey(server, "--grace", "1d")
    assert answers(lab.laptop)
    server.command("rekey", "--end")
    assert "old_key" not in interface_of(server) and keys(server)["old_key"] is None
    assert is_silent(lab.laptop)
    with knocking(lab.laptop):
        eventually("its handshakes are counted", lambda: server.drops()["bad-mac1"] > 0, seconds=60)
    again = server.command("rekey", "--end", code=FAILURE)
    assert "no old key" in again.err, again
    new = rekey(server, "--grace", "none")
    assert "old_key" not in interface_of(server) and pubkey(interface_of(server)["private_key"]) == new


@sentence("a server that starts again within the grace says hello to each peer by the key that it uses", seconds=15, suites=True)
def restarts(lab):
    tunnel = connected(lab)
    server = tunnel.server
    rekey(server)
    lab.site.run(CLIENT, "connect", hand_over(lab, "tablet", lab.site, "--allowed-ips", "10.66.0.0/24"))
    with pinging(lab.laptop, INSIDE) as olds, pinging(lab.site, INSIDE) as news:
        server.down()
        server.up()
        began = time.monotonic()
        for pings in (olds, news):
            last = max(pings.answered)
            eventually("an answer again", lambda pings=pings, last=last: max(pings.answered) > last, seconds=8)
        assert time.monotonic() - began < 8
    assert keys(server)["old_key"]["used_by"] == ["laptop"]
    by_name = {peer["name"]: peer["server_key"] for peer in server.status()["peers"]}
    assert by_name == {"laptop": "old", "tablet": "current"}, by_name
    server.down()
    assert keys(server)["old_key"]["used_by"] == ["laptop"], "as the files say"


@sentence("an old key whose time ended while the server was down is gone when it is up", seconds=6)
def ended_meanwhile(lab):
    tunnel = Tunnel(lab)
    config = tunnel.server.config()
    config["interface"]["old_key"] = {"private_key": genkey(), "expires": "2001-01-01T00:00:00Z"}
    tunnel.server.write(config)
    tunnel.up()
    eventually("the file is rid of it", lambda: "old_key" not in interface_of(tunnel.server))
    assert interface_of(tunnel.server)["private_key"] == tunnel.facts.server_key


@sentence("a server that is killed in the middle of `rekey` leaves a good file, in which the old key still answers", seconds=30)
def killed(lab):
    tunnel = Tunnel(lab)
    server = tunnel.server
    made = 0
    for step in range(8):
        server.write()
        server.up()
        command = lab.vps.start(SERVER, "rekey", "--config", server.file, log=f"rekey-{step}")
        time.sleep(step * 0.004)
        server.process.kill()
        command.wait()
        server.command("check")
        interface = interface_of(server)
        old = interface.get("old_key", {}).get("private_key")
        assert tunnel.facts.server_key in (interface["private_key"], old), "the old key is lost"
        made += old is not None
    if not made:  # the machine is slow: one is killed behind it, then
        server.up()
        rekey(server)
        server.process.kill()
    tunnel.server.up()
    tunnel.client.up()


@sentence("`rekey` is refused while two keys answer and where the file changed by hand, and nothing is changed then", seconds=6)
def refused(lab):
    tunnel = Tunnel(lab)
    server = tunnel.server
    server.up()
    rekey(server)
    before = server.host.read(server.file)
    again = server.command("rekey", code=FAILURE)
    assert "two keys answer already" in again.err and "--end" in again.err and not again.out, again
    assert server.host.read(server.file) == before
    config = json.loads(before)
    config["dns"] = ["9.9.9.9"]
    server.write(config)
    for words in (("rekey", "--end"), ("rekey",)):
        told = server.command(*words, code=FAILURE)
        assert "reload" in told.err or "two keys" in told.err, told
    assert json.loads(server.host.read(server.file)) == config
    assert keys(server)["old_key"] is not None
    tunnel.client.connect()


@sentence("`wg set private-key` takes the place of both keys", seconds=6)
def by_wg(lab):
    tunnel = connected(lab)
    server = tunnel.server
    rekey(server)
    other = genkey()
    lab.vps.write("/run/other.key", other)
    lab.vps.run("wg", "set", "vpns", "private-key", "/run/other.key")
    assert interface_of(server)["private_key"] == other and "old_key" not in interface_of(server)
    tell(tunnel, pubkey(other))


@sentence("the old key is gone from the server's memory once it has ended; neither key is ever written there, in a log, or in what commands say", seconds=8)
def memory(lab):
    tunnel = connected(lab)
    server, old = tunnel.server, tunnel.facts.server_key
    said = server.command("rekey")
    new = interface_of(server)["private_key"]
    try:
        seen = memory_of(server.process.pid)
    except PermissionError as error:
        raise Skip("this machine lets nobody look into a process's memory") from error
    for key in (old, new):
        raw, written = times_in(seen, key)
        assert raw >= 1 and written == 0, (raw, written)
    told = [server.command(*words) for words in (("key",), ("key", "--json"), ("status", "--json"), ("rekey", "--end"))]
    left = times_in(memory_of(server.process.pid), old)
    assert left == (0, 0), f"of the old key stayed, as it is and written: {left}"
    for outcome in (said, *told):
        assert_absent({"old key": old, "new key": new}, outcome.out + outcome.err, " ".join(map(str, outcome.command)))
    assert_absent({"old key": old, "new key": new}, server.process.err + server.process.out, "the log")
