"""Where the time of a tunnel's processes goes: samples of perf, in shares by what the time is spent on.

The clock of the CPU is sampled, not its counters, which virtual machines have not. While interrupts are off nothing is sampled: that
time is counted where they come on again, most of it where somebody is woken up or put to sleep. It is a group of its own.
"""

import re
import shutil
import subprocess

from hosts.patience import eventually

from .measures import IDLE_EVERY, IDLE_PINGS, iperf_server
from .network import SITE

PERF = shutil.which("perf")
SAMPLES_A_SECOND = 997  # in step with nothing
TOP = 12
WORTH_A_WORD = 0.01

# The first that knows a symbol has it. (title, part of the symbol's name, whether of the kernel (None: of either))
GROUPS = [
    ("with interrupts off, wake-ups mostly", r"irq_enable|irqrestore|unlock_irq", True),
    ("cipher and handshake", r"chacha|poly1305|aegis|aead|crypto_|salsa|blake2|sha3|keccak|mlkem|x25519|fe25519|(en|de)crypt_detached|ge25519|sodium|SessionKeys", False),
    ("checksums", r"csum|checksum|sum_words|(^|::)fold\b|ipv[46]_?check", None),
    ("copies", r"copy_(from|to|user|page|iter)|_copy_|copyin|copyout|rep_movs|mem(cpy|move|set)|memmove|skb_copy|clear_page|zero", None),
    ("wake-ups and scheduling", r"sched|wake|ttwu|task|enqueue_|dequeue_|pick_next|update_curr|update_load|switch_to|futex|poll|wait|irq|"
                               r"hrtimer|ktime|clock|timer|mutex|cond_|pthread|cpu_idle|rcu|load_avg|avg_vruntime|spin_unlock_irq", None),
    ("system calls, entry and exit", r"syscall|entry_|exit_to_user|sysret|sysenter|fdget|fput|ksys_|__x64_sys|pvm_", True),
    ("network stack", r"tcp|udp|(^|_)ip6?_|ipv[46]|inet|skb|sock|(^|_)net|dev_|nf_|nft|nat|conntrack|veth|tun_|fib|napi|gro|gso|neigh|"
                      r"xmit|qdisc|fq_|sch_|rx|icmp|sk_|datagram|(send|recv)m?msg|kmem|kmalloc|kfree|slab|slub|page_frag|iov|flow|dst_|rt_|"
                      r"eth_|loopback|bpf|zerocopy|validate|segment|ptr_ring|hash|alloc_pages|free_pages|put_page|___slab", True),
    ("the programs' own code", r"", False),
    ("the rest of the kernel", r"", True),
]
UNNAMED, UNNAMED_PROGRAM = "the kernel, without names", "the programs, without names"
GROUP_NAMES = [name for name, _, _ in GROUPS] + [UNNAMED_PROGRAM, UNNAMED]


def group_of(symbol, of_kernel):
    """What time is spent on in a function."""
    if re.match(r"0x[0-9a-f]+$", symbol):
        return UNNAMED if of_kernel else UNNAMED_PROGRAM
    return next(name for name, pattern, kernel in GROUPS if kernel in (None, of_kernel) and re.search(pattern, symbol))


def parse(text):
    """What `perf report -F overhead,sym -t ;` says: shares of 1 by (symbol, whether of the kernel)."""
    shares = {}
    for line in text.splitlines():
        if match := re.match(r"\s*([\d.]+)%\s*;\s*\[(.)\] (.+?)\s*$", line):
            key = (match.group(3), match.group(2) in "kH")
            shares[key] = shares.get(key, 0) + float(match.group(1)) / 100
    return shares


def grouped(shares):
    """By group."""
    sums = dict.fromkeys(GROUP_NAMES, 0.0)
    for (symbol, of_kernel), share in shares.items():
        sums[group_of(symbol, of_kernel)] += share
    return sums


class Sampler:
    """Samples the processes of a tunnel while something runs through it."""

    def __init__(self, network, seconds, directory):
        self._network, self._seconds, self._file = network, seconds, f"{directory}/perf.data"

    def _sampled(self):
        """Shares by function, and the cores that the processes used."""
        subprocess.run([PERF, "record", "-q", "-e", "cpu-clock", "-F", str(SAMPLES_A_SECOND), "-o", self._file, "-p",
                        ",".join(map(str, self._network.pids)), "--", "sleep", str(self._seconds)], check=True, capture_output=True)
        told = subprocess.run([PERF, "report", "-i", self._file, "--stdio", "-q", "-F", "overhead,sym", "-t", ";", "--percent-limit", "0"],
                              check=True, capture_output=True, text=True).stdout
        samples = subprocess.run([PERF, "script", "-i", self._file, "-F", "pid"], check=True, capture_output=True, text=True).stdout.count("\n")
        shares = parse(told)
        top = sorted(((share, symbol) for (symbol, _), share in shares.items()), reverse=True)[:TOP]
        return {"groups": grouped(shares), "cores": samples / SAMPLES_A_SECOND / self._seconds, "top": top}

    def _streamed(self, server, address, *options):
        """While one TCP stream flows."""
        serving = iperf_server(server, f"iperf3-profile-{address}{''.join(options)}")
        load = self._network.near.start("iperf3", "-c", address, "-t", self._seconds + 20, "--forceflush", *options,
                                        log=f"profile-{address}{''.join(options)}")
        eventually("the stream flows", lambda: "bits/sec" in load.out, seconds=30)
        found = self._sampled()
        if not load.running:
            raise AssertionError(f"the stream ended too early: {load.err}")
        load.stop()
        serving.stop()
        return found

    def _pinged(self):
        """While pings come and go as when idle is measured."""
        count = int(self._seconds / IDLE_EVERY) + IDLE_PINGS
        load = self._network.near.start("ping", "-n", "-q", "-c", count, "-i", IDLE_EVERY, self._network.far_address, log="profile-ping")
        found = self._sampled()
        load.stop()
        return found

    def take(self):
        """Each by its title."""
        network = self._network
        return {"TCP x1": self._streamed(network.far, network.far_address),
                "TCP x1 reversed": self._streamed(network.far, network.far_address, "-R"),
                "TCP x1 forwarded and NATed": self._streamed(network.site, SITE),
                "pings, idle": self._pinged()}


def markdown(peer, found):
    """A table of one tunnel's profiles, as lines, and the functions at the top of each."""
    yield from (f"`{peer}`, shares of the CPU time of both ends, kernel included:", "")
    yield "| what | " + " | ".join(found) + " |"
    yield "|---|" + "---:|" * len(found)
    for group in GROUP_NAMES:
        shares = [profile["groups"][group] for profile in found.values()]
        if group not in (UNNAMED, UNNAMED_PROGRAM) or any(shares):
            yield f"| {group} | " + " | ".join(f"{100 * share:.1f} %" for share in shares) + " |"
    yield "| cores used | " + " | ".join(f"{profile['cores']:.2f}" for profile in found.values()) + " |"
    # One that a module has just lost has none either.
    if any(profile["groups"][UNNAMED] > WORTH_A_WORD for profile in found.values()):
        yield from ("", "Names of the kernel's functions are not to be had here (sysctl kernel.kptr_restrict): its time can't be told apart.")
    if any(profile["groups"][UNNAMED_PROGRAM] > WORTH_A_WORD for profile in found.values()):
        yield from ("", "Some functions of the programs have no names (a stripped binary): their time, the cipher's too, can't be told apart.")
    for title, profile in found.items():
        yield from ("", f"{title}: " + ", ".join(f"{symbol} {100 * share:.1f} %" for share, symbol in profile["top"]))
