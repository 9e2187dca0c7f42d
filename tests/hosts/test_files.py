"""wg-quick's files: connected as they are, taken over, and handed on to other WireGuard programs."""

import json
import signal
import stat

from . import addresses
from .ours import BAD_CONFIG, CLIENT, FAILURE, SERVER, SERVER_FILE, USAGE, OurServer
from .patience import eventually
from .sentences import sentence
from .snapshot import Snapshot
from .tunnel import Facts, Tunnel
from .wireguard import WireguardGo, pubkey

HOOKS = ("PreUp", "PostUp", "PreDown", "PostDown")
WG_FILE = "/etc/vpn/laptop.conf"


def wg_text(facts, *lines, allowed_ips=None):
    """The client's end of these facts as wg-quick's text; `lines` go to the interface's section."""
    return "\n".join(["[Interface]", f"PrivateKey = {facts.client_key}", f"Address = {', '.join(facts.client_addresses)}", *lines, "[Peer]",
                      f"PublicKey = {pubkey(facts.server_key)}", f"Endpoint = {facts.endpoint}",
                      f"AllowedIPs = {', '.join(allowed_ips or facts.allowed_ips)}", ""])


def server_up(lab):
    """A server whose client is described by a wg-quick file, and the facts."""
    tunnel = Tunnel(lab)
    tunnel.server.up()
    return tunnel


def reaches_site(lab):
    return all(lab.visit("address", addresses.SITE[version]) == {"address": addresses.VPS[version]} for version in (4, 6))


def hand_over_wg(lab):
    """The file that `vpn-server peer add --format wg` makes, on the laptop."""
    lab.vps.run(SERVER, "init", "--endpoint", addresses.VPS[4], "--dns", addresses.SITE[4])
    OurServer(lab.vps, Facts()).up()
    return lab.laptop.write(WG_FILE, lab.vps.run(SERVER, "peer", "add", "laptop", "--format", "wg").out)


@sentence("what `vpn-server peer add --format wg` prints connects as it is, and once more by name after `import`", seconds=6)
def handed_over(lab):
    file = hand_over_wg(lab)
    before = Snapshot(lab.laptop)
    for target in (file, "laptop"):
        lab.laptop.run(CLIENT, "connect", target)
        assert reaches_site(lab)
        lab.laptop.run(CLIENT, "disconnect", "laptop")
        before.assert_unchanged(f"the connection by {target}")
        if target == file:
            imported = lab.laptop.run(CLIENT, "import", file)
            assert imported.out == "imported: /etc/vpn/laptop.json; next: vpn-client connect laptop\n", imported
            assert stat.S_IMODE(lab.laptop.path("/etc/vpn/laptop.json").stat().st_mode) == 0o600


@sentence("`import` replaces nothing, and takes nothing that `connect` would not")
def import_refuses(lab):
    facts = Facts()
    file = lab.laptop.write(WG_FILE, wg_text(facts, "PostUp = touch /run/hook", "Colour = blue"))
    again = ["import", file, "--output", "/run/other.json"]
    done = lab.laptop.run(CLIENT, *again)
    assert "PostUp" in done.err and "is not run" in done.err and "Colour" in done.err and not lab.laptop.exists("/run/hook"), done
    written = lab.laptop.read("/run/other.json")
    assert "/run/other.json is there already" in lab.laptop.run(CLIENT, *again, code=FAILURE).err
    assert lab.laptop.read("/run/other.json") == written
    lab.laptop.run(CLIENT, "import", file, "--output", "/run/other.conf", code=USAGE)
    lab.laptop.write(WG_FILE, wg_text(facts).replace("[Peer]", "[Pear]"))
    broken = lab.laptop.run(CLIENT, "import", file, code=BAD_CONFIG)
    assert f"{WG_FILE}:4: expected the section" in broken.err and not lab.laptop.exists("/etc/vpn/laptop.json"), broken
    lab.laptop.write(WG_FILE, wg_text(facts), mode=0o644)
    assert "chmod 600" in lab.laptop.run(CLIENT, "import", file, code=BAD_CONFIG).err


@sentence("what `export --format wg` prints is taken by `wg-quick strip` and `wg setconf`, and wireguard-go connects with it", seconds=6)
def exported(lab):
    tunnel = Tunnel(lab, psk=True, keepalive=25, dns=[addresses.SITE[4]], suite="wireguard")
    tunnel.server.up()
    tunnel.client.write()
    text = lab.laptop.run(CLIENT, "export", tunnel.client.file, "--format", "wg").out
    lab.laptop.run(CLIENT, "export", "laptop", "--format", "wg", "--output", "/run/wg0.conf")
    assert lab.laptop.read("/run/wg0.conf") == text and stat.S_IMODE(lab.laptop.path("/run/wg0.conf").stat().st_mode) == 0o600
    lab.laptop.run(CLIENT, "export", "laptop", "--format", "wg", "--output", "/run/wg0.conf", code=FAILURE)
    stripped = lab.laptop.run("wg-quick", "strip", "/run/wg0.conf").out
    go = WireguardGo(lab.laptop, tunnel.facts)
    go._start(stripped, tunnel.facts.client_addresses)
    lab.laptop.ip(f"route add {addresses.TUNNEL_NETWORK[4]} dev wg0")
    eventually("an answer", lambda: lab.laptop.run("ping", "-c1", "-W1", addresses.TUNNEL_SERVER[4], code=None).code == 0)
    shown = lab.laptop.run("wg", "show", "wg0", "allowed-ips").out
    assert all(prefix in shown for prefix in tunnel.facts.allowed_ips), shown


@sentence("suite hybrid is not exported, since nobody else speaks it")
def exports_no_hybrid(lab):
    tunnel = Tunnel(lab, suite="hybrid")
    tunnel.client.write()
    refused = lab.laptop.run(CLIENT, "export", tunnel.client.file, "--format", "wg", code=FAILURE)
    assert "hybrid" in refused.err and not refused.out, refused


@sentence("hooks of a wg-quick file are shown and not run, unless `--run-hooks` says so", seconds=5)
def hooks_not_run(lab):
    tunnel = server_up(lab)
    lab.laptop.write(WG_FILE, wg_text(tunnel.facts, *(f"{key} = echo {key} >> /run/hooks" for key in HOOKS)))
    for command in ("check", "connect"):
        said = lab.laptop.run(CLIENT, command, WG_FILE).err
        assert all(f'"{key}" at line' in said and f"echo {key}" in said for key in HOOKS) and "--run-hooks" in said, said
    lab.laptop.run(CLIENT, "disconnect", "laptop")
    assert not lab.laptop.exists("/run/hooks")


@sentence("with `--run-hooks`, each hook runs at its moment with the interface's name, and before `disconnect` returns", seconds=5)
def hooks_run(lab):
    tunnel = server_up(lab)
    look = "echo %i $(ip -br addr show dev %i 2>&1 | grep -c '10.66.0.2\\|does not exist') >> /run/hooks"
    lab.laptop.write(WG_FILE, wg_text(tunnel.facts, *(f"{key} = echo {key}; printf '{key} ' >> /run/hooks; {look}" for key in HOOKS)))
    before = Snapshot(lab.laptop)
    done = lab.laptop.run(CLIENT, "connect", "--run-hooks", WG_FILE)
    assert done.out.startswith("connected: ") and done.out.count("\n") == 1, done
    assert lab.laptop.read("/run/hooks") == "PreUp laptop 0\nPostUp laptop 1\n"
    assert reaches_site(lab)
    lab.laptop.run(CLIENT, "disconnect", "laptop")
    assert lab.laptop.read("/run/hooks") == "PreUp laptop 0\nPostUp laptop 1\nPreDown laptop 1\nPostDown laptop 1\n"
    before.assert_unchanged("a connection with hooks")


@sentence("a hook is root with nothing of the caller's or the client's: not a variable, not a descriptor, nothing to read, a process group of its own",
          seconds=5)
def hooks_get_nothing(lab):
    tunnel = server_up(lab)
    look = "env > /run/env; ls /proc/self/fd > /run/fds; cat > /run/input; echo $$ $(cut -d' ' -f5 /proc/$$/stat) > /run/group; grep Cap /proc/self/status > /run/caps"
    lab.laptop.write(WG_FILE, wg_text(tunnel.facts, f"PostUp = {look}"))
    process = lab.laptop.start("sh", "-c", f"exec 9< /etc/passwd; echo typed | TOKEN=hunter2 NOTIFY_SOCKET=/run/nobody {CLIENT} connect --foreground --run-hooks {WG_FILE}",
                               log="hooks")
    eventually("it is connected", lambda: "connected: " in process.out or not process.running, seconds=20)
    names = {line.split("=")[0] for line in lab.laptop.read("/run/env").splitlines()}
    assert names - {"_", "PWD", "SHLVL", "OLDPWD"} == {"PATH", "HOME", "USER", "LOGNAME", "LC_ALL"}, names
    assert lab.laptop.read("/run/fds").split() == ["0", "1", "2", "3"], "3 is the directory that ls reads"
    assert lab.laptop.read("/run/input") == ""
    pid, group = lab.laptop.read("/run/group").split()
    assert pid == group
    ours = lab.laptop.run("grep", "CapEff", "/proc/self/status").out
    assert ours in lab.laptop.read("/run/caps"), "not all of root's privileges"
    process.stop()


@sentence("a hook that hangs is told of after ten seconds, ends when `connect` is asked to, and everything is put back", seconds=16, apart=True)
def hook_hangs(lab):
    tunnel = server_up(lab)
    lab.laptop.write(WG_FILE, wg_text(tunnel.facts, "PostUp = sleep 1000 & sleep 1001"))
    before = Snapshot(lab.laptop)
    process = lab.laptop.start(CLIENT, "connect", "--run-hooks", WG_FILE, log="hooks")
    eventually("it is told", lambda: "PostUp at line 4 still runs" in process.err, seconds=20)
    assert "sleep 1000 & sleep 1001" in process.err and "two minutes" in process.err, process.err
    process.send(signal.SIGTERM)
    assert process.wait(10) == FAILURE, process.err
    assert "(interrupted)" in process.err, process.err
    assert lab.laptop.run("pgrep", "-f", "sleep 100[01]", code=None).code == 1
    before.assert_unchanged("a hook that hung")


@sentence("a {hook} that fails ends `connect` with 1 and its line, and everything is put back", hook=("PreUp", "PostUp"), seconds=5)
def hook_fails(lab, hook):
    tunnel = server_up(lab)
    lab.laptop.write(WG_FILE, wg_text(tunnel.facts, f"{hook} = ip rule add pref 77 table main; exit 3", "PostDown = ip rule del pref 77"))
    before = Snapshot(lab.laptop)
    failed = lab.laptop.run(CLIENT, "connect", "--run-hooks", WG_FILE, code=FAILURE)
    assert f"{hook} at line 4 failed (exit 3)" in failed.err and not failed.out, failed
    before.assert_unchanged(f"a {hook} that failed")
    assert not tunnel.client.pids


@sentence("hooks of a file that is not root's are refused, even to root, and nothing is run")
def hooks_of_others(lab):
    lab.laptop.write(WG_FILE, wg_text(Facts(), "PreUp = touch /run/hook"))
    lab.laptop.run("chown", "1000", WG_FILE)
    refused = lab.laptop.run(CLIENT, "connect", "--run-hooks", WG_FILE, code=BAD_CONFIG, environment={"SUDO_UID": "1000"})
    assert "belongs to user 1000" in refused.err and "chown root" in refused.err and not lab.laptop.exists("/run/hook"), refused
    lab.laptop.run("chown", "0", WG_FILE)
    lab.laptop.run("chmod", "620", WG_FILE)
    lab.laptop.run(CLIENT, "connect", "--run-hooks", WG_FILE, code=BAD_CONFIG)
    assert not lab.laptop.exists("/run/hook")


@sentence("Table = off leaves every route as it was, and the tunnel works all the same", seconds=5)
def table_off(lab):
    tunnel = server_up(lab)
    lab.laptop.write(WG_FILE, wg_text(tunnel.facts, "Table = off"))
    routes = "ip route; ip -6 route show table main | grep -v laptop; ip rule"
    before = lab.laptop.sh(routes).out
    lab.laptop.run(CLIENT, "connect", WG_FILE)
    assert lab.laptop.sh(routes).out == before
    lab.laptop.run("ping", "-c1", "-W2", "-I", "laptop", addresses.TUNNEL_SERVER[4])


@sentence("a card goes to the server and its answer back, both no secret, and `import` joins it to the key that stayed", seconds=6)
def card(lab):
    lab.vps.run(SERVER, "init", "--endpoint", addresses.VPS[4])
    OurServer(lab.vps, Facts()).up()
    made = lab.laptop.run(CLIENT, "card", "laptop")
    key = json.loads(lab.laptop.read("/etc/vpn/laptop.json"))["interface"]["private_key"]
    assert json.loads(made.out) == {"version": 1, "name": "laptop", "public_key": pubkey(key)}
    assert lab.laptop.run(CLIENT, "card", "laptop").out == made.out, "another card for the same key"
    waiting = lab.laptop.run(CLIENT, "connect", "laptop", code=BAD_CONFIG)
    assert "has a key and no server yet" in waiting.err, waiting
    lab.vps.write("/run/laptop.card.json", made.out)
    added = lab.vps.run(SERVER, "peer", "add", "--card", "/run/laptop.card.json", "--output", "/run/laptop.json")
    assert "vpn-client import laptop.json" in added.err, added
    answer = lab.vps.read("/run/laptop.json")
    assert key not in answer and "preshared_key" not in answer and pubkey(key) in answer, answer
    lab.laptop.write("/run/laptop.json", answer)
    assert "vpn-client import" in lab.laptop.run(CLIENT, "connect", "/run/laptop.json", code=BAD_CONFIG).err
    lab.laptop.write("/run/other.json", answer)
    assert "--output" in lab.laptop.run(CLIENT, "import", "/run/other.json", code=FAILURE).err
    lab.laptop.path("/run/laptop.json").chmod(0o644)  # nothing in it is secret
    lab.laptop.run(CLIENT, "import", "/run/laptop.json")
    assert stat.S_IMODE(lab.laptop.path("/etc/vpn/laptop.json").stat().st_mode) == 0o600
    lab.laptop.run(CLIENT, "connect", "laptop")
    assert reaches_site(lab)
    assert "no key that waits" in lab.laptop.run(CLIENT, "import", "/run/laptop.json", code=BAD_CONFIG).err
    assert "is there already" in lab.laptop.run(CLIENT, "card", "laptop", code=FAILURE).err


@sentence("an answer that {what} is refused for what is wrong with it, and the only copy of the key that waits stays", seconds=5,
          what=("is broken JSON", "may be written by others", "holds a preshared key and may be read by others", "is no answer", "is not there", "is wg-quick's"))
def answer_disliked(lab, what):
    lab.vps.run(SERVER, "init", "--endpoint", addresses.VPS[4])
    lab.vps.write("/run/laptop.card.json", lab.laptop.run(CLIENT, "card", "laptop").out)
    psk = ["--psk"] if "preshared" in what else []
    answer = lab.vps.run(SERVER, "peer", "add", "--card", "/run/laptop.card.json", *psk).out
    waiting = lab.laptop.read("/etc/vpn/laptop.json")
    own_key = json.loads(answer)
    own_key["interface"]["private_key"] = Facts().client_key
    del own_key["interface"]["public_key"]
    text, mode, words = {"is broken JSON": (answer.replace(":", "", 1), 0o600, ("/run/laptop.json:2:",)),
                         "may be written by others": (answer, 0o646, ("chmod go-w",)),
                         "holds a preshared key and may be read by others": (answer, 0o644, ("chmod 600",)),
                         "is no answer": (json.dumps(own_key), 0o600, ("private key of its own",)),
                         "is not there": (None, 0, ("No such file",)),
                         "is wg-quick's": (wg_text(Facts()), 0o600, ())}[what]
    file = WG_FILE if what == "is wg-quick's" else "/run/laptop.json"
    if text is not None:
        lab.laptop.write(file, text, mode)
    refused = lab.laptop.run(CLIENT, "import", file, code=BAD_CONFIG)
    assert all(word in refused.err for word in words) and "remove" not in refused.err and "--output" in refused.err, refused
    assert lab.laptop.read("/etc/vpn/laptop.json") == waiting
    lab.laptop.write("/run/laptop.json", answer, 0o600 if psk else 0o644)
    lab.laptop.run(CLIENT, "import", "/run/laptop.json")


@sentence("an answer to another card is refused, and both files stay as they are")
def wrong_card(lab):
    lab.vps.run(SERVER, "init", "--endpoint", addresses.VPS[4])
    lab.vps.write("/run/other.card.json", lab.vps.run(CLIENT, "card", "other").out)
    answer = lab.vps.run(SERVER, "peer", "add", "laptop", "--card", "/run/other.card.json").out
    lab.laptop.run(CLIENT, "card", "laptop")
    before = lab.laptop.read("/etc/vpn/laptop.json")
    refused = lab.laptop.run(CLIENT, "import", lab.laptop.write("/run/laptop.json", answer), code=BAD_CONFIG)
    assert "for another key" in refused.err and lab.laptop.read("/etc/vpn/laptop.json") == before, refused
    lab.vps.run(SERVER, "peer", "add", "--card", "/run/other.card.json", "--public-key", pubkey(Facts().client_key), code=USAGE)
    lab.vps.run(SERVER, "peer", "add", "--card", SERVER_FILE, code=BAD_CONFIG)


@sentence("what allowed_ips excludes goes past the tunnel, all else through it; `check`, `status` and `export` say so", seconds=6)
def excluded(lab):
    tunnel = Tunnel(lab, allowed_ips=["0.0.0.0/0", f"!{addresses.SITE_NETWORK[4]}", "::/0"], suite="wireguard")
    tunnel.server.up()
    tunnel.client.write()
    checked = lab.laptop.run(CLIENT, "check", "laptop").out
    assert f"without {addresses.SITE_NETWORK[4]}, a " in checked, checked
    before = Snapshot(lab.laptop)
    tunnel.client.up()
    assert lab.visit("refused", addresses.SITE[4], 80)["error"], "the site was reached through the tunnel"
    assert lab.visit("address", addresses.SITE[6]) == {"address": addresses.VPS[6]}
    lab.laptop.run("ping", "-c1", "-W2", addresses.TUNNEL_SERVER[4])
    assert "dev laptop" in lab.laptop.run("ip", "route", "get", "203.0.112.1").out
    assert tunnel.client.status()["excluded"] == [addresses.SITE_NETWORK[4]]
    assert f"{addresses.SITE_NETWORK[4]} (not through the tunnel)" in lab.laptop.run(CLIENT, "status", "laptop").out
    tunnel.client.disconnect()
    before.assert_unchanged("a connection with exclusions")
    exported = lab.laptop.run(CLIENT, "export", "laptop", "--format", "wg")
    assert "!" not in exported.out and "203.0.112.0/24" in exported.out and "exclusions" in exported.err, exported
