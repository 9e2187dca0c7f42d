"""What is measured over a tunnel, each by itself."""

import dataclasses
import functools
import json
import re
import statistics
from collections.abc import Callable

from hosts import addresses
from hosts.patience import eventually

FAR = addresses.TUNNEL_SERVER[4]


def iperf_server(pair, log):
    """An iperf3 on the far host, for one client."""
    server = pair.far.start("iperf3", "-s", "-1", "-J", log=log)
    eventually("iperf3 listens", lambda: ":5201 " in pair.far.run("ss", "-ltn").out)
    return server


def iperf(pair, seconds, *options):
    """iperf3 from near to far: what the client and what the server say, parsed."""
    server = iperf_server(pair, f"iperf3{''.join(map(str, options))}")
    client = pair.near.run("iperf3", "-c", FAR, "-J", "-t", seconds, *options, timeout=seconds + 30)
    server.wait(10)
    return json.loads(client.out), json.loads(server.out)


def tcp(pair, seconds, *options):
    """Gbit/s and bytes that arrived."""
    said, _ = iperf(pair, seconds, *options)
    arrived = said["end"]["sum_received"]
    return arrived["bits_per_second"] / 1e9, arrived["bytes"]


def udp(pair, seconds, size):
    """Packets a second that arrived, by the receiver's count; the sender sends as fast as it can."""
    _, receiver = iperf(pair, seconds, "-u", "-b", "0", "-l", size)
    end = receiver["end"]["sum"]
    return (end["packets"] - end["lost_packets"]) / end["seconds"]


def ping(pair, count, every):
    """The median round trip in milliseconds."""
    out = pair.near.run("ping", "-n", "-c", count, "-i", every, FAR, timeout=count * every + 30, code=None).out
    return statistics.median(float(time) for time in re.findall(r"time=([\d.]+) ms", out))


def ping_under_load(pair, seconds):
    """The same, while a TCP stream fills the tunnel."""
    iperf_server(pair, "iperf3-under-ping")
    load = pair.near.start("iperf3", "-c", FAR, "-t", seconds + 1, log="load")
    found = ping(pair, int(seconds / 0.02), 0.02)
    load.wait(30)
    return found


class Visit:
    """One look at one tunnel. What several measures need is taken once."""

    def __init__(self, pair, seconds):
        self._pair, self._seconds = pair, seconds

    @functools.cached_property
    def _stream(self):
        """One TCP stream: its Gbit/s, and CPU seconds of the tunnel for each GB."""
        before = self._pair.cpu_seconds()
        rate, carried = tcp(self._pair, self._seconds)
        return rate, (self._pair.cpu_seconds() - before) / (carried / 1e9)

    def tcp_1(self):
        return self._stream[0]

    def tcp_4(self):
        return tcp(self._pair, self._seconds, "-P", 4)[0]

    def tcp_reversed(self):
        return tcp(self._pair, self._seconds, "-R")[0]

    def udp_64(self):
        return udp(self._pair, self._seconds, 64)

    def udp_1372(self):
        return udp(self._pair, self._seconds, 1372)

    def ping_idle(self):
        return ping(self._pair, 200, 0.005)

    def ping_loaded(self):
        return ping_under_load(self._pair, self._seconds)

    def cpu(self):
        return self._stream[1]

    def memory(self):
        return self._pair.peak_memory()


@dataclasses.dataclass(frozen=True)
class Measure:
    """A name with its unit, how it is taken, and how it is shown."""

    name: str
    take: Callable[[Visit], float]
    shown: str


MEASURES = [
    Measure("TCP x1, Gbit/s", Visit.tcp_1, "{:.2f}"),
    Measure("TCP x4, Gbit/s", Visit.tcp_4, "{:.2f}"),
    Measure("TCP x1 reversed, Gbit/s", Visit.tcp_reversed, "{:.2f}"),
    Measure("UDP 64 bytes, delivered/s", Visit.udp_64, "{:,.0f}"),
    Measure("UDP 1372 bytes, delivered/s", Visit.udp_1372, "{:,.0f}"),
    Measure("ping idle, ms (less is better)", Visit.ping_idle, "{:.3f}"),
    Measure("ping under a TCP stream, ms (less is better)", Visit.ping_loaded, "{:.2f}"),
    Measure("CPU of both ends, s/GB (less is better)", Visit.cpu, "{:.2f}"),
    Measure("peak memory of an end, MiB (less is better)", Visit.memory, "{:.1f}"),
]
