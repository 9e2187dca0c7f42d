"""Ten thousand peers: the figures that a server is held to."""

import base64
import json
import os
import statistics
import time

from . import addresses
from .ours import FAILURE, SERVER, SERVER_FILE, OurServer
from .patience import eventually
from .sentences import sentence
from .tunnel import Facts

PEERS = 10_000


def key():
    return base64.b64encode(os.urandom(32)).decode()


def crowded():
    """A server's file with ten thousand peers, each with a preshared key and two addresses."""
    facts = Facts()
    peers = [{"name": f"peer-{number}", "public_key": key(), "preshared_key": key(), "suite": "hybrid",
              "addresses": [f"10.66.{number // 250}.{number % 250 + 2}/32", f"fd66::{number + 2:x}/128"], "allowed_ips": [], "disabled": False}
             for number in range(PEERS)]
    interface = {"name": "vpns", "private_key": facts.server_key, "listen_port": addresses.PORT, "addresses": ["10.66.0.1/16", "fd66::1/64"]}
    return {"version": 1, "interface": interface, "endpoint": facts.endpoint, "networks": ["10.66.0.0/16", "fd66::/64"], "peers": peers}


def resident_kib(host, pid):
    return int(host.run("ps", "-o", "rss=", "-p", pid).out)


def seconds(action):
    began = time.monotonic()
    action()
    return time.monotonic() - began


def begin(server):
    """Starts it, and waits until it has begun and answers; in seconds."""
    before = server.process.err.count(" running ") if server.process else 0

    def start():
        server.start()
        eventually("it has begun", lambda: server.process.err.count(" running ") > before, seconds=60, every=0.005)
        # It holds the file from then on: a command waits until it answers.
        assert "nobody" in server.command("peer", "reset", "nobody", code=FAILURE).err
    return seconds(start)


@sentence("with 10,000 peers a server starts within 2 s and idles in 40 MB, and adds one in less than 50 ms, also as the first after a start",
          seconds=35, quiet=True)
def crowd(lab):
    lab.vps.write(SERVER_FILE, json.dumps(crowded(), indent=2))
    server = OurServer(lab.vps, Facts())
    started = begin(server)
    idle = resident_kib(lab.vps, server.process.pid)
    adding = lambda name: lambda: lab.vps.run(SERVER, "peer", "add", name, "--output", f"/run/{name}.json")
    # In turns, so that both have the machine as it is.
    took = [(seconds(adding(f"new-{number}")), seconds(lambda: lab.vps.run(SERVER, "check"))) for number in range(8)]
    add, read = (min(column) for column in zip(*took))
    grown = resident_kib(lab.vps, server.process.pid)
    print(f"start {started:.2f} s, add {add * 1000:.0f} ms and check {read * 1000:.0f} ms at best of"
          f" {[tuple(round(each * 1000) for each in pair) for pair in took]}, resident {idle * 1.024e-3:.1f} MB, then {grown * 1.024e-3:.1f} MB")
    starts, idles, firsts = [started], [idle], []
    for number in range(3):
        server.down()
        time.sleep(3.1)  # of a file that has just been written it is not known whether it will be written again
        starts.append(begin(server))
        idles.append(resident_kib(lab.vps, server.process.pid))
        firsts.append(seconds(adding(f"first-{number}")))
        print(f"started again in {starts[-1]:.2f} s, the first addition took {firsts[-1] * 1000:.0f} ms,"
              f" resident {idles[-1] * 1.024e-3:.1f} MB")
    assert max(starts) < 2, starts
    assert min(firsts) < 0.05, firsts
    assert add < 0.05 and add < 0.7 * read, (add, read)
    assert statistics.median(idles) * 1024 < 40_000_000, idles
    assert grown < 45_000, grown
    assert json.loads(lab.vps.read(SERVER_FILE))["peers"][-1]["name"] == "first-2"
