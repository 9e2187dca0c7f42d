"""`vpn-client doctor` finds what is wrong, names it, and says what to do; where nothing is, it says so."""

import json
import time

from . import addresses
from .ours import BAD_CONFIG, CLIENT, DONE, FAILURE, NO_PERMISSION, USAGE
from .patience import eventually
from .sentences import sentence
from .test_path_mtu import hush, narrow_silently
from .tunnel import Tunnel, connected

DROPPING = """
table inet %s {
    chain f { type filter hook forward priority 0; %s drop; }
}
"""


def examined(tunnel, *words, code=None):
    """What it found, by check: the worst verdict, and all it said and advised."""
    outcome = tunnel.client.command("doctor", *words, "--json", code=code, timeout=40)
    report = json.loads(outcome.out)
    assert report["version"] == 1, report
    assert outcome.code == (FAILURE if report["failed"] else DONE), outcome
    found = {}
    for each in report["checks"]:
        worst, texts = found.get(each["check"], ("ok", ""))
        verdict = max(worst, each["verdict"], key=["ok", "warn", "fail"].index)
        found[each["check"]] = (verdict, texts + each["says"] + "\n" + each["fix"] + "\n")
        assert (each["verdict"] == "ok") == (not each["fix"]), each
    return found


def failing(found):
    return {check for check, (verdict, _) in found.items() if verdict == "fail"}


@sentence("`doctor` finds nothing wrong with a tunnel that works: v4, v6 and DNS come out of it, and packets as long as its MTU", seconds=6, suites=True)
def healthy(lab):
    lab.laptop.write("/etc/resolv.conf", f"nameserver {addresses.SITE[4]}\n", 0o644)
    tunnel = connected(lab, dns=[addresses.SITE[4], addresses.SITE[6]])
    found = examined(tunnel, "laptop")
    assert not failing(found), found
    assert addresses.TUNNEL_SERVER[4] in found["IPv4"][1], found["IPv4"]
    assert "through the tunnel" in found["IPv6"][1], found["IPv6"]
    assert addresses.SITE[4] in found["DNS"][1], found["DNS"]
    assert "pass and come back" in found["packet size"][1], found["packet size"]
    said = tunnel.client.command("doctor").out
    assert "FAIL" not in said and said.startswith("OK"), said


@sentence("`doctor` tells how large a packet the way carries, as the connection found it by probing", seconds=8)
def tells_the_way(lab):
    hush(lab)
    narrow_silently(lab, 1400)
    tunnel = connected(lab, dns=[addresses.SITE[4]])
    eventually("the path's MTU is found", lambda: tunnel.client.status()["path_mtu"] == 1400, seconds=20)
    found = examined(tunnel, "laptop")
    assert found["packet size"][0] == "ok" and "the way takes 1400 bytes" in found["packet size"][1], found["packet size"]


@sentence("before connecting, `doctor` tells that the server answers a handshake, and leaves the laptop as it was", seconds=5)
def before_connecting(lab):
    tunnel = Tunnel(lab)
    tunnel.server.up()
    tunnel.client.write()
    found = examined(tunnel, tunnel.client.file)
    assert not failing(found), found
    assert "answered a handshake" in found["server"][1], found["server"]
    assert not lab.laptop.exists("/run/vpn/client-laptop.sock")
    tunnel.client.up()


@sentence("`doctor` tells {what} by its reason", what=("a closed port", "a wrong preshared key", "a server that is silent"), seconds=16)
def reasons(lab, what):
    tunnel = Tunnel(lab, psk=True)
    tunnel.server.write()
    config = tunnel.client.config()
    if what == "a wrong preshared key":
        config["peers"][0]["preshared_key"] = tunnel.facts.server_key
    tunnel.client.write(config)
    if what != "a closed port":
        tunnel.server.up()
    if what == "a server that is silent":
        lab.router.nft(DROPPING % ("wall", "udp dport 51820"))
    found = examined(tunnel, "laptop", code=FAILURE)
    token = {"a closed port": "port-closed", "a wrong preshared key": "wrong-psk", "a server that is silent": "silence"}[what]
    assert failing(found) == {"server"} and token in found["server"][1], found


def rows(tunnel, check, code):
    """Each of a check's findings: its verdict and what it says."""
    outcome = tunnel.client.command("doctor", "laptop", "--json", code=code, timeout=40)
    return [(each["verdict"], each["says"]) for each in json.loads(outcome.out)["checks"] if each["check"] == check]


@sentence("`doctor` looks at every endpoint of a file, names each, and takes no longer for several that are silent: {which}", seconds=30,
          which=("one of them answers", "none does"))
def every_endpoint(lab, which):
    tunnel = Tunnel(lab)
    vps, silent = addresses.host_port(addresses.VPS[4], addresses.PORT), addresses.host_port(addresses.NOBODY[4], addresses.PORT)
    closed = addresses.host_port(addresses.VPS[6], 9)
    config = tunnel.client.config()
    config["peers"][0]["endpoint"] = [f"missing.test:{addresses.PORT}", silent, vps, closed]
    tunnel.client.write(config)
    tunnel.server.up()
    if which == "none does":
        lab.router.nft(DROPPING % ("wall", "udp dport 51820"))
    began = time.monotonic()
    found = rows(tunnel, "server", DONE if which == "one of them answers" else FAILURE)
    assert time.monotonic() - began < 25
    bad = "warn" if which == "one of them answers" else "fail"
    assert [verdict for verdict, _ in found] == [bad, "ok" if bad == "warn" else bad, bad], found
    assert [says.split(": ")[0] for _, says in found] == [silent, vps, closed], found
    assert "port-closed" in found[2][1], found
    if which == "none does":
        return
    names = rows(tunnel, "name", DONE)
    assert [verdict for verdict, _ in names] == ["warn", "ok", "ok", "ok"] and "missing.test has no address" in names[0][1], names
    tunnel.client.up()  # what was tried is no replay afterwards
    found = rows(tunnel, "server", DONE)
    assert len(found) == 4 and all(verdict == "ok" for verdict, _ in found), found
    assert any(says.startswith(f"{vps}: the server answered a handshake") for _, says in found), found
    assert any(says.startswith(f"{silent}: is not asked") and "eth0" in says for _, says in found), found


@sentence("`doctor` names what a crash left, what a lock keeps shut, and `recover` and `disconnect` mend it", seconds=6)
def after_a_crash(lab):
    tunnel = connected(lab, lock=True)
    lab.laptop.run("kill", "-KILL", *tunnel.client.pids)
    eventually("the client is gone", lambda: not tunnel.client.pids)
    found = examined(tunnel)
    assert found["leftovers"][0] == "fail" and "vpn-client recover" in found["leftovers"][1], found
    assert found["lock"][0] == "warn" and "vpn-client disconnect laptop" in found["lock"][1], found
    tunnel.client.command("recover")
    assert examined(tunnel)["leftovers"][0] == "ok"
    tunnel.client.disconnect()
    assert "lock" not in examined(tunnel)


@sentence("`doctor` finds a {what}", seconds=6, what=("route past the tunnel", "VPN of somebody else", "network that overlaps", "strict filter",
                                                      "way that loses long packets", "manager of our interface", "server that forwards nothing"))
def conflicts(lab, what):
    allowed = ["10.66.0.0/24", "fd66::/64", *addresses.SITE_NETWORK.values()] if what == "network that overlaps" else list(addresses.EVERYWHERE)
    tunnel = connected(lab, allowed_ips=allowed, dns=[addresses.SITE[4]])
    laptop = lab.laptop
    check, words = SPOIL[what](lab, laptop)
    found = examined(tunnel, "laptop")
    assert found[check][0] != "ok" and words in found[check][1], found


def route_past(lab, laptop):
    laptop.run("ip", "rule", "add", "priority", "100", "to", "203.0.113.0/24", "lookup", "main")
    return "IPv4", "eth0"


def other_vpn(lab, laptop):
    laptop.ip("tuntap add other0 mode tun", "link set other0 up", "route add default dev other0 table 77", "rule add priority 100 lookup 77")
    return "other VPN", "other0"


def overlapping(lab, laptop):
    laptop.ip("link add office type veth peer name office2", "addr add 203.0.113.200/28 dev office", "link set office up")
    return "overlap", "203.0.113.192/28"


def strict_filter(lab, laptop):
    laptop.sysctl(ipv4__conf__eth0__rp_filter=1, ipv4__conf__all__src_valid_mark=0)
    return "reverse path", "src_valid_mark=1"


def lossy(lab, laptop):
    lab.router.nft(DROPPING % ("narrow", "meta length > 1300"))
    return "packet size", "get lost"


def managed(lab, laptop):
    index = laptop.read("/sys/class/net/laptop/ifindex").strip() if laptop.exists("/sys/class/net/laptop/ifindex") else laptop.run(
        "ip", "-o", "link", "show", "laptop").out.split(":")[0]
    laptop.write(f"/run/NetworkManager/devices/{index}", "[device]\nmanaged=true\n", 0o644)
    return "NetworkManager", "nmcli device set laptop managed no"


def no_forwarding(lab, laptop):
    lab.vps.sysctl(ipv4__ip_forward=0)
    return "DNS", addresses.SITE[4]


SPOIL = {"route past the tunnel": route_past, "VPN of somebody else": other_vpn, "network that overlaps": overlapping, "strict filter": strict_filter,
         "way that loses long packets": lossy, "manager of our interface": managed, "server that forwards nothing": no_forwarding}


@sentence("`doctor` without a connection looks at the machine alone; a file that is wrong, a name that is none, and a user who is not root are refused")
def without_connection(lab):
    alone = json.loads(lab.laptop.run(CLIENT, "doctor", "--json").out)
    assert alone["name"] == "" and {each["check"] for each in alone["checks"]} == {"clock", "leftovers", "other VPN"}, alone
    lab.laptop.run(CLIENT, "doctor", "nobody-here", code=BAD_CONFIG)
    lab.laptop.run(CLIENT, "doctor", "a name", code=USAGE)
    lab.laptop.write("/etc/vpn/broken.json", "{")
    lab.laptop.run(CLIENT, "doctor", "broken", code=BAD_CONFIG)
    lab.laptop.run("setpriv", "--bounding-set=-all", CLIENT, "doctor", code=NO_PERMISSION)
