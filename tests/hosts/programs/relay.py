#!/usr/bin/python3
"""A UDP relay between many clients and one server, which impairs what passes.

Each client gets a socket of its own towards the server, as a NAT gives it a mapping. Lines on stdin change things on the way:
`set drop=0.5`, `rebind` (new sockets towards the server: new mappings), `stats` (one line of JSON on stdout).
"""

import argparse
import asyncio
import json
import random
import socket
import sys

IMPAIRMENTS = ("drop", "duplicate", "corrupt", "reorder", "delay", "jitter")


def split(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


class Wire:
    """Decides what happens to each datagram: its copies, and when each goes on."""

    def __init__(self, options):
        self.random = random.Random(options.seed)
        self.rates = {name: getattr(options, name) for name in IMPAIRMENTS}
        self.counts = dict.fromkeys(("passed", "dropped", "duplicated", "corrupted", "reordered"), 0)

    def chance(self, name, counted):
        happens = self.random.random() < self.rates[name]
        self.counts[counted] += happens
        return happens

    def carry(self, datagram, onward):
        if self.chance("drop", "dropped"):
            return
        for _ in range(2 if self.chance("duplicate", "duplicated") else 1):
            wait = self.rates["delay"] + self.random.random() * self.rates["jitter"]
            if self.chance("reorder", "reordered"):
                wait += 0.02
            self.send_later(self.spoil(datagram), onward, wait)

    def spoil(self, datagram):
        if not datagram or not self.chance("corrupt", "corrupted"):
            return datagram
        at = self.random.randrange(len(datagram))
        return datagram[:at] + bytes([datagram[at] ^ (1 << self.random.randrange(8))]) + datagram[at + 1:]

    def send_later(self, datagram, onward, wait):
        self.counts["passed"] += 1
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, onward, datagram)
        else:
            onward(datagram)


class Client(asyncio.DatagramProtocol):
    """One client's mapping towards the server."""

    def __init__(self, relay, address):
        self.relay, self.address = relay, address

    def connection_made(self, transport):
        self.transport = transport
        grow(transport)

    def datagram_received(self, datagram, _):
        self.relay.wire.carry(datagram, lambda it: self.relay.transport.sendto(it, self.address))

    def error_received(self, _):
        pass


class Relay(asyncio.DatagramProtocol):
    def __init__(self, wire, server):
        self.wire, self.server, self.mappings = wire, server, {}

    def connection_made(self, transport):
        self.transport = transport
        grow(transport)

    def datagram_received(self, datagram, address):
        mapping = self.mappings.get(address)
        if mapping is None:
            mapping = self.mappings[address] = asyncio.ensure_future(self.open(address))
        mapping.add_done_callback(lambda done: self.wire.carry(datagram, lambda it: done.result().sendto(it)))

    async def open(self, address):
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: Client(self, address), remote_addr=self.server)
        return transport

    def rebind(self):
        for mapping in self.mappings.values():
            mapping.add_done_callback(lambda done: done.result().close())
        self.mappings.clear()


def grow(transport):
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)


async def commands(relay):
    """Obeys the lines of stdin until it closes."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := (await reader.readline()).decode().split():
        if line[0] == "rebind":
            relay.rebind()
        elif line[0] == "stats":
            print(json.dumps(relay.wire.counts), flush=True)
        else:
            relay.wire.rates.update((key, float(value)) for key, value in (pair.split("=") for pair in line[1:]))
    await asyncio.Event().wait()


async def serve(options):
    relay = Relay(Wire(options), split(options.to))
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: relay, local_addr=split(options.listen))
    await commands(relay)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", required=True)
    parser.add_argument("--to", required=True)
    parser.add_argument("--seed", type=int, default=1)
    for name in IMPAIRMENTS:
        parser.add_argument(f"--{name}", type=float, default=0.0, help="seconds" if name in ("delay", "jitter") else "0 to 1")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
