"""Keys stay where they belong: not in ps, not in logs, not in a core."""

import base64
import json
import os
import resource
import signal

from . import addresses
from .hooks import FILE, hooked, processes_for_hooks
from .ours import CLIENT, KEYS, SERVER
from .patience import eventually
from .sentences import Skip, sentence
from .tunnel import Tunnel
from .wireguard import genkey, pubkey


def spellings(key):
    """A key as it might be written."""
    raw = base64.b64decode(key)
    return [key, key.rstrip("="), raw.hex(), raw.hex().upper(), base64.urlsafe_b64encode(raw).decode()]


def assert_absent(keys, text, where):
    for name, key in keys.items():
        for spelling in spellings(key):
            assert spelling not in text, f"the {name} stands in {where}"


def talkative(lab):
    """A tunnel whose both ends stay in the foreground and say all they can."""
    tunnel = Tunnel(lab, psk=True)
    tunnel.server.write()
    tunnel.server.process = lab.vps.start(SERVER, "--log-level", "debug", "run", "--config", tunnel.server.file, log="vpn-server")
    eventually("vpn-server answers", tunnel.server.answers, seconds=10)
    tunnel.client.write()
    tunnel.client.process = lab.laptop.start(CLIENT, "--log-level", "debug", "connect", "--foreground", tunnel.client.file, log="vpn-client")
    eventually("the tunnel stands", lambda: tunnel.client.command("status", "laptop", code=None).code == 0, seconds=10)
    return tunnel


def keys_of(tunnel):
    facts = tunnel.facts
    return {"server's private key": facts.server_key, "client's private key": facts.client_key, "preshared key": facts.psk}


@sentence("no private and no preshared key stands in a log at any level, or in what `status` says", seconds=6)
def logs(lab):
    tunnel = talkative(lab)
    lab.visit("get", addresses.SITE[4], 1_000_000)
    config = tunnel.client.config()
    config["peers"][0]["preshared_key"] = other = genkey()
    tunnel.client.process.stop()
    tunnel.client.write(config)
    said = tunnel.client.connect("--timeout", "2s", code=4)
    tunnel.server.command("reload")
    texts = {"vpn-server's log": tunnel.server.process.out + tunnel.server.process.err, "vpn-client's log": tunnel.client.process.out + tunnel.client.process.err,
             "connect's words": said.out + said.err, "vpn-server status": tunnel.server.command("status", "--json").out + tunnel.server.command("status").out,
             "peer list": tunnel.server.command("peer", "list", "--json").out + tunnel.server.command("peer", "list").out}
    assert texts["vpn-server's log"].strip() and texts["vpn-client's log"].strip(), "nothing was logged: nothing was tested"
    for where, text in texts.items():
        assert_absent({**keys_of(tunnel), "other preshared key": other}, text, where)


@sentence("no key stands in any process's command line or environment", seconds=5)
def command_lines(lab):
    tunnel = talkative(lab)
    handed = lab.vps.run(SERVER, "peer", "add", "tablet", "--output", "/run/tablet.json")
    assert not handed.out.strip(), handed
    for pid in lab.vps.pids() + lab.laptop.pids():
        for part in ("cmdline", "environ"):
            with open(f"/proc/{pid}/{part}", "rb") as file:
                assert_absent(keys_of(tunnel), file.read().decode(errors="replace"), f"/proc/{pid}/{part}")


@sentence("a {which} that crashes leaves no core, even where the machine makes them without limit", which=("server", "client"), seconds=5)
def no_core(lab, which):
    def unlimited():
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        os.chdir(lab.directory)
    control = lab.vps.start("sleep", 60, prepare=unlimited)
    eventually("it sleeps", lambda: os.readlink(f"/proc/{control.pid}/exe").endswith("sleep"))
    control.send(signal.SIGSEGV)
    if not os.WCOREDUMP(control.wait_status()):
        raise Skip("this machine dumps no cores at all")
    tunnel = Tunnel(lab)
    tunnel.server.up(prepare=unlimited)
    victim = tunnel.server.process if which == "server" else tunnel.client.start_foreground(prepare=unlimited)
    if which == "client":
        eventually("the tunnel stands", lambda: tunnel.client.command("status", "laptop", code=None).code == 0, seconds=10)
    victim.send(signal.SIGSEGV)
    status = victim.wait_status()
    assert os.WIFSIGNALED(status) and not os.WCOREDUMP(status), f"wait status {status:#x}"


@sentence("`vpn-keys` writes and reads the same text as `wg`, and takes keys from stdin only")
def same_as_wg(lab):
    key = lab.laptop.run(KEYS, "genkey").out
    assert lab.laptop.run(KEYS, "pubkey", stdin=key).out == pubkey(key.strip()) + "\n"
    assert len(base64.b64decode(lab.laptop.run(KEYS, "genpsk").out.strip(), validate=True)) == 32
    theirs = genkey()
    assert lab.laptop.run(KEYS, "pubkey", stdin=theirs + "\n").out.strip() == pubkey(theirs)
    for wrong in ("", "short\n", theirs[:-2] + "\n", theirs + theirs + "\n"):
        refused = lab.laptop.run(KEYS, "pubkey", stdin=wrong, code=None)
        assert refused.code != 0 and not refused.out, refused
        assert theirs[:20] not in refused.err, refused
    lab.laptop.run(KEYS, "pubkey", theirs, code=2)


@sentence("no two keys are alike")
def keys_differ(lab):
    keys = lab.laptop.sh(f"for i in $(seq 50); do {KEYS} genkey; {KEYS} genpsk; done").out.split()
    assert len(set(keys)) == 100


def memory_of(pid):
    """All that a process has in memory and a look at it allows, locked and hidden pages too."""
    found = []
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            start, end = (int(number, 16) for number in line.split()[0].split("-"))
            if line.rstrip().endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            try:
                memory.seek(start)
                found.append(memory.read(end - start))
            except (OSError, ValueError, OverflowError):
                continue
    return b"\0".join(found)


def times_in(memory, key):
    """How often a key stands there, as it is and as it is written."""
    raw = base64.b64decode(key)
    written = {*spellings(key)} | {text.lower() for text in spellings(key)[2:4]}
    # In UTF-8 and without a word's end: base64 has 43 characters that matter.
    return memory.count(raw), sum(memory.count(text.rstrip("=").encode()) for text in written - {key})


@sentence("in memory, keys that are in use stand as they are and never as they are written; what a peer had is gone once it is removed", seconds=25)
def memory(lab):
    tunnel = Tunnel(lab, psk=True).up()
    lab.visit("get", addresses.SITE[4], 100_000)
    client, = tunnel.client.pids
    server = tunnel.server.process.pid
    try:
        seen = memory_of(client)
    except PermissionError as error:
        raise Skip("this machine lets nobody look into a process's memory") from error
    facts = tunnel.facts
    raw, written = times_in(seen, facts.client_key)
    assert raw >= 1, "the look at the memory sees nothing"
    assert written == 0, f"the client's private key is written {written} times in its memory"
    assert times_in(seen, facts.psk)[1] == 0, "the preshared key is written in the client's memory"
    assert times_in(seen, facts.server_key) == (0, 0)

    seen = memory_of(server)
    raw, written = times_in(seen, facts.server_key)
    assert raw >= 1 and written == 0, (raw, written)
    raw, written = times_in(seen, facts.psk)
    assert raw >= 1 and written == 0, (raw, written)
    assert times_in(seen, facts.client_key) == (0, 0)

    # A key that the server makes for a peer is handed over and forgotten; of the peer itself nothing stays.
    added = json.loads(tunnel.server.command("peer", "add", "tablet", "--psk").out)
    made, psk = added["interface"]["private_key"], added["peers"][0]["preshared_key"]
    assert times_in(memory_of(server), made) == (0, 0), "a peer's private key stayed with the server"
    raw, written = times_in(memory_of(server), psk)
    assert raw >= 1 and written == 0, (raw, written)
    for peer, key in (("tablet", psk), ("laptop", facts.psk)):
        tunnel.server.command("peer", "remove", peer)
        left = times_in(memory_of(server), key)
        assert left == (0, 0), f"of the removed {peer}'s preshared key stayed, as it is and written: {left}"


@sentence("the process that runs hooks holds them in its memory, and no key", seconds=5)
def memory_for_hooks(lab):
    facts = hooked(lab, "PreUp = true words of a hook", psk=True)
    lab.laptop.run(CLIENT, "connect", "--run-hooks", FILE)
    runner, = processes_for_hooks(lab.laptop)
    try:
        seen = memory_of(runner)
    except PermissionError as error:
        raise Skip("this machine lets nobody look into a process's memory") from error
    assert b"true words of a hook" in seen, "the look at the memory sees nothing"
    for name, key in (("private key", facts.client_key), ("preshared key", facts.psk), ("server's key", facts.server_key)):
        raw, written = times_in(seen, key)
        assert (raw, written, seen.count(key.rstrip("=").encode())) == (0, 0, 0), f"the {name} stands in it"
