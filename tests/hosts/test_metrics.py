"""The server's numbers: Prometheus fetches them, an alert and a dashboard name no other, and peers are told apart by name."""

import json
import socket
import stat

from . import addresses
from .metrics import ROOT, Samples, metrics_in, promtool, scrape
from .ours import BAD_CONFIG, FAILURE
from .patience import eventually
from .sentences import sentence
from .tunnel import Tunnel, pinging
from .wireguard import genkey, pubkey

PORT = 9586
HERE = f"127.0.0.1:{PORT}"
# Gaps in the kernel's taking are no one's doing.
THREADS = {"vpn-server", "vpn-out-0", "vpn-in4-0", "vpn-in6-0"}


def measured(lab, metrics=HERE, **choices):
    """A tunnel whose server tells its metrics; not started."""
    tunnel = Tunnel(lab, **choices)
    tunnel.server.changes = {"metrics": metrics}
    return tunnel


def fetch(lab, *place):
    return Samples(scrape(lab.vps, *(place or ("127.0.0.1", PORT))))


def forge_source(lab):
    """The laptop sends under an address of the tunnel that is not its own."""
    lab.laptop.ip("addr add 10.66.0.99/32 dev laptop")
    lab.laptop.run("ping", "-n", "-c3", "-i0.1", "-W1", "-I", "10.66.0.99", addresses.TUNNEL_SERVER[4], code=None)


@sentence("a scrape tells of peers by name, traffic, handshakes, drops, queues and each thread's processor time, and promtool finds no fault",
          seconds=5)
def page(lab):
    tunnel = measured(lab).up()
    lab.visit("get", addresses.SITE[4], 1_000_000)
    forge_source(lab)
    samples = eventually("the forged packets are counted", lambda: (one := fetch(lab)).get("vpn_drops_total", reason="wrong-source") and one)
    assert samples.get("vpn_peers") == samples.get("vpn_peers_online") == samples.get("vpn_peer_online", peer="laptop") == 1, samples.page
    assert samples.get("vpn_peer_sent_bytes_total", peer="laptop") > 1_000_000, samples.page
    assert samples.get("vpn_peer_received_bytes_total", peer="laptop") > 1000, samples.page
    assert samples.get("vpn_handshakes_total") >= samples.get("vpn_peer_handshakes_total", peer="laptop") >= 1, samples.page
    assert samples.get("vpn_peer_drops_total", peer="laptop", reason="wrong-source") >= 1, samples.page
    assert samples.get("vpn_handshake_queue_depth") == 0 and samples.get("vpn_handshake_queue_capacity") == 4096, samples.page
    assert THREADS <= samples.labels("vpn_thread_cpu_seconds_total", "thread"), samples.page
    version = samples.labels("vpn_build_info", "version")
    assert version == {tunnel.server.command("--version").out.split()[-1]}, version
    promtool("check", "metrics", stdin=samples.page)


@sentence("the rules of the alerts are sound, each fires for what it is meant for, and they and the dashboard name only metrics that a scrape holds",
          seconds=5)
def rules_and_dashboard(lab):
    rules = ROOT / "vpn-server" / "alerts.yml"
    promtool("check", "rules", rules)
    promtool("test", "rules", ROOT / "tests" / "vpn-server" / "alerts_test.yml")
    measured(lab).up()
    forge_source(lab)
    names = eventually("each family has a sample", lambda: {"vpn_peer_drops_total"} <= (held := fetch(lab).names) and held)
    wanted = metrics_in(rules.read_text(encoding="utf-8"))
    assert wanted and wanted <= names, wanted - names
    dashboard = json.loads((ROOT / "vpn-server" / "grafana.json").read_text(encoding="utf-8"))
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    expressions += [one["definition"] for one in dashboard["templating"]["list"] if one["type"] == "query"]
    expressions += [one["expr"] for one in dashboard["annotations"]["list"]]
    for expression in expressions:
        assert metrics_in(expression), f"names none of ours: {expression}"
        assert metrics_in(expression) <= names, f"{metrics_in(expression) - names} in {expression}"
    assert names <= wanted | set().union(*map(metrics_in, expressions)), "a metric that nobody shows"


@sentence("every expression of the dashboard is one that Prometheus understands", bare=True)
def dashboard_parses(directory):
    dashboard = json.loads((ROOT / "vpn-server" / "grafana.json").read_text(encoding="utf-8"))
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    plain = [one.replace("$__rate_interval", "5m").replace("$instance", ".*").replace("$peer", ".*") for one in expressions]
    rules = {"groups": [{"name": "dashboard", "rules": [{"record": f"panel:{number}", "expr": one} for number, one in enumerate(plain)]}]}
    path = f"{directory}/dashboard.yml"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(rules, file)
    promtool("check", "rules", path)


@sentence("metrics are told nowhere by default, at a socket for its owner only, and `reload` moves them and ends them without a session's loss",
          seconds=6)
def moved(lab):
    tunnel = Tunnel(lab).up()
    server = tunnel.server
    scrape(lab.vps, "127.0.0.1", PORT, code=1)

    def told_at(where):
        server.changes = {"metrics": where}
        server.write()
        server.command("reload")
    path = "/run/vpn/metrics.sock"
    with pinging(lab.laptop, addresses.TUNNEL_SERVER[4]) as pings:
        told_at(f"unix:{path}")
        assert stat.S_IMODE(lab.vps.path(path).lstat().st_mode) == 0o600
        assert fetch(lab, path).get("vpn_peers_online") == 1
        told_at(HERE)
        assert not lab.vps.exists(path)
        assert fetch(lab).get("vpn_peers_online") == 1
        told_at(f"[::1]:{PORT}")
        scrape(lab.vps, "127.0.0.1", PORT, code=1)
        assert fetch(lab, "::1", PORT).get("vpn_handshakes_total") == 1, "a session was lost"
        told_at(False)
        scrape(lab.vps, "::1", PORT, code=1)
    assert pings.longest_silence <= 1, f"{pings.longest_silence:.2f} s without an answer"


@sentence("an address that others reach is refused with its reason, by `check`, `run` and `reload`, and the running server goes on as it was")
def refused(lab):
    tunnel = measured(lab)
    server = tunnel.server
    server.up()
    for wrong in ("0.0.0.0:9586", f"{addresses.VPS[4]}:9586", "[::]:9586", "9586", "unix:metrics.sock", "127.0.0.1:0", 9586, None):
        server.changes = {"metrics": wrong}
        server.write()
        said = [server.command(command, code=BAD_CONFIG).err for command in ("check", "run", "reload")]
        assert all('"metrics"' in one and f"{server.file}:" in one for one in said), said
    assert "can be reached from outside" in said_of(server, "0.0.0.0:9586")
    assert fetch(lab).get("vpn_peers") == 1


def said_of(server, metrics):
    server.changes = {"metrics": metrics}
    server.write()
    return server.command("check", code=BAD_CONFIG).err


@sentence("where the port is taken `reload` refuses and changes nothing, and `run` serves peers all the same and says so", seconds=5)
def taken(lab):
    tunnel = measured(lab)
    server = tunnel.server
    squatter = lab.vps.start("/usr/bin/python3", "-c", f"import socket,time; s=socket.create_server(('127.0.0.1',{PORT + 1})); time.sleep(600)",
                             log="squatter")
    eventually("the port is taken", lambda: f":{PORT + 1} " in lab.vps.run("ss", "-Hltn").out)
    tunnel.up()
    server.changes = {"metrics": f"127.0.0.1:{PORT + 1}"}
    config = server.config()
    config["peers"].append({"name": "phone", "public_key": pubkey(genkey()), "addresses": ["10.66.0.7/32"]})
    server.write(config)
    said = server.command("reload", code=FAILURE).err
    assert "metrics" in said and f"127.0.0.1:{PORT + 1}" in said, said
    assert fetch(lab).get("vpn_peers") == 1
    server.restart()
    assert "no-metrics" in server.process.err, server.process.err
    eventually("the laptop is served again", lambda: lab.laptop.run("ping", "-n", "-c1", "-W1", addresses.TUNNEL_SERVER[4], code=None).code == 0, seconds=60)
    squatter.stop()
    server.command("reload")
    assert fetch(lab, "127.0.0.1", PORT + 1).get("vpn_peers") == 2


@sentence("who connects and asks nothing, too much or nonsense, disturbs neither peers nor, once gone, who asks properly", seconds=8)
def rude(lab):
    tunnel = measured(lab, metrics="unix:/run/vpn/metrics.sock").up()
    path = str(lab.vps.path("/run/vpn/metrics.sock"))

    def reach():
        one = socket.socket(socket.AF_UNIX)
        one.settimeout(5)
        one.connect(path)
        return one
    with pinging(lab.laptop, addresses.TUNNEL_SERVER[4]) as pings:
        for nonsense in (b"\x16\x03\x01\x00\xa5\x01", b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 20000, b"PUT /metrics HTTP/1.1\r\n\r\n", b"\0" * 1000):
            with reach() as one:
                try:
                    one.sendall(nonsense)
                except BrokenPipeError:
                    pass
        silent = [reach() for _ in range(40)]
        lab.visit("get", addresses.SITE[4], 100_000)
        for one in silent:
            one.close()
        assert fetch(lab, "/run/vpn/metrics.sock").get("vpn_peers_online") == 1
    assert pings.longest_silence <= 1, f"{pings.longest_silence:.2f} s without an answer"
    assert tunnel.server.process.running


@sentence("`status` and `peer show` name the peer whose packets were dropped, and why", seconds=5)
def by_name(lab):
    tunnel = Tunnel(lab).up()
    forge_source(lab)
    [peer] = eventually("it is counted", lambda: [one for one in tunnel.server.status()["peers"] if one["drops"].get("wrong-source", 0) >= 3])
    assert peer["name"] == "laptop" and set(peer["drops"]) == {"wrong-source"}, peer
    lines = tunnel.server.command("status").out.splitlines()
    assert any(line.split() == ["laptop", "wrong-source", str(peer["drops"]["wrong-source"])] for line in lines), lines
    assert f"wrong-source {peer['drops']['wrong-source']}" in tunnel.server.command("peer", "show", "laptop").out
