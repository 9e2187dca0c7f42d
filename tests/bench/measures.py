"""What is measured over a tunnel, each by itself, and what the project wants of it."""

import dataclasses
import functools
import json
import math
import re
import statistics
from collections.abc import Callable

from hosts.patience import eventually

from . import usage
from .network import SITE

# Enough for a 99th percentile that is not one ping's luck.
IDLE_PINGS, IDLE_EVERY = 1000, 0.005
LOADED_PINGS, LOADED_EVERY = 600, 0.01


def iperf_server(host, log):
    """An iperf3 on a host, for one client."""
    server = host.start("iperf3", "-s", "-1", "-J", log=log)
    eventually("iperf3 listens", lambda: ":5201 " in host.run("ss", "-ltn").out)
    return server


def iperf(client, server, address, seconds, *options):
    """iperf3 between two hosts: what the client and what the server say, parsed."""
    serving = iperf_server(server, f"iperf3{''.join(map(str, options))}")
    said = client.run("iperf3", "-c", address, "-J", "-t", seconds, *options, timeout=seconds + 30)
    serving.wait(10)
    return json.loads(said.out), json.loads(serving.out)


def percentile_99(values):
    """The smallest value that 99 of a hundred do not exceed."""
    return sorted(values)[math.ceil(len(values) * 0.99) - 1]


class Visit:
    """One look at one tunnel. What several measures need is taken once."""

    def __init__(self, network, seconds):
        self._network, self._seconds = network, seconds

    def _tcp(self, *options):
        """Gbit/s and bytes that arrived."""
        said, _ = iperf(self._network.near, self._network.far, self._network.far_address, self._seconds, *options)
        arrived = said["end"]["sum_received"]
        return arrived["bits_per_second"] / 1e9, arrived["bytes"]

    def _udp(self, size):
        """Packets a second that arrived, by the receiver's count; the sender sends as fast as it can."""
        _, receiver = iperf(self._network.near, self._network.far, self._network.far_address, self._seconds, "-u", "-b", 0, "-l", size)
        end = receiver["end"]["sum"]
        return (end["packets"] - end["lost_packets"]) / end["seconds"]

    def _pings(self, count, every):
        """The round trips that were answered, in milliseconds, and the percentage that was not."""
        done = self._network.near.run("ping", "-n", "-c", count, "-i", every, "-W", 1, self._network.far_address,
                                      timeout=count * every * 4 + 30, code=None)
        times = [float(time) for time in re.findall(r"time=([\d.]+) ms$", done.out, re.MULTILINE)]
        if not times:
            raise AssertionError(f"no ping was answered: {done}")
        return times, 100 * (count - len(times)) / count

    @functools.cached_property
    def _stream(self):
        """One TCP stream: its Gbit/s, and CPU seconds of the tunnel for each GB."""
        before = usage.cpu_seconds(self._network.pids)
        rate, carried = self._tcp()
        return rate, (usage.cpu_seconds(self._network.pids) - before) / (carried / 1e9)

    @functools.cached_property
    def _idle(self):
        return self._pings(IDLE_PINGS, IDLE_EVERY)

    @functools.cached_property
    def _loaded(self):
        """Pings while a TCP stream fills the tunnel."""
        serving = iperf_server(self._network.far, "iperf3-under-ping")
        longest = int(LOADED_PINGS * LOADED_EVERY * 4 + 40)
        load = self._network.near.start("iperf3", "-c", self._network.far_address, "-t", longest, "--forceflush", log="load")
        eventually("the stream flows", lambda: "bits/sec" in load.out, seconds=10)
        found = self._pings(LOADED_PINGS, LOADED_EVERY)
        if not load.running:
            raise AssertionError(f"the stream ended before the pings did: {load.err}")
        load.stop()
        serving.stop()
        return found

    def tcp_1(self):
        return self._stream[0]

    def tcp_4(self):
        return self._tcp("-P", 4)[0]

    def tcp_reversed(self):
        return self._tcp("-R")[0]

    def forwarded(self, *options):
        """One TCP stream through the tunnel and out again, masqueraded, to the site."""
        said, _ = iperf(self._network.near, self._network.site, SITE, self._seconds, *options)
        return said["end"]["sum_received"]["bits_per_second"] / 1e9

    def forwarded_reversed(self):
        return self.forwarded("-R")

    def udp_64(self):
        return self._udp(64)

    def udp_1372(self):
        return self._udp(1372)

    def idle_median(self):
        return statistics.median(self._idle[0])

    def idle_99(self):
        return percentile_99(self._idle[0])

    def loaded_median(self):
        return statistics.median(self._loaded[0])

    def loaded_99(self):
        return percentile_99(self._loaded[0])

    def loaded_lost(self):
        return self._loaded[1]

    def cpu(self):
        return self._stream[1] if self._network.pids else None

    def memory(self):
        return usage.peak_memory(self._network.pids)


@dataclasses.dataclass(frozen=True)
class Measure:
    """A name with its unit, how it is taken (None where there is nothing to take) and shown, the ratio to the newest wireguard-go
    that each suite of ours is to reach, if any, and which way is better."""

    name: str
    take: Callable[[Visit], float | None]
    shown: str
    ours: float | None = None
    hybrid: float | None = None
    less_is_better: bool = False

    @property
    def targets(self):
        """By peer."""
        return {own: target for own, target in (("ours", self.ours), ("hybrid", self.hybrid)) if target is not None}

    @property
    def title(self):
        return self.name + (" (less is better)" if self.less_is_better else "")

    def wanted(self, own):
        """The target of one of ours as text; requires one."""
        return f"{'<=' if self.less_is_better else '>='} {self.targets[own]:g}"

    def is_met(self, own, ratio):
        """Requires a target."""
        target = self.targets[own]
        return ratio is not None and (ratio <= target if self.less_is_better else ratio >= target)


MEASURES = [
    Measure("TCP x1, Gbit/s", Visit.tcp_1, "{:.2f}", 1.3, 2.7),
    Measure("TCP x4, Gbit/s", Visit.tcp_4, "{:.2f}", 1.1, 2.4),
    Measure("TCP x1 reversed, Gbit/s", Visit.tcp_reversed, "{:.2f}", 1.3, 2.7),
    Measure("TCP x1 forwarded and NATed, Gbit/s", Visit.forwarded, "{:.2f}", 1.2),
    Measure("TCP x1 forwarded, reversed, Gbit/s", Visit.forwarded_reversed, "{:.2f}", 1.2),
    Measure("UDP 64 bytes, delivered/s", Visit.udp_64, "{:,.0f}", 2.0, 2.0),
    Measure("UDP 1372 bytes, delivered/s", Visit.udp_1372, "{:,.0f}", 2.0),
    Measure("ping idle, median ms", Visit.idle_median, "{:.3f}", 0.6, less_is_better=True),
    Measure("ping idle, p99 ms", Visit.idle_99, "{:.3f}", 0.6, less_is_better=True),
    Measure("ping under a TCP stream, median ms", Visit.loaded_median, "{:.2f}", 0.6, less_is_better=True),
    Measure("ping under a TCP stream, p99 ms", Visit.loaded_99, "{:.2f}", 0.6, less_is_better=True),
    Measure("pings lost under a TCP stream, %", Visit.loaded_lost, "{:.1f}", less_is_better=True),
    Measure("CPU of both ends, s/GB", Visit.cpu, "{:.2f}", 0.6, 0.25, less_is_better=True),
    Measure("peak memory of an end, MiB", Visit.memory, "{:.1f}", 0.1, less_is_better=True),
]
