"""A machine's network as it stands, to be compared byte for byte with how it stood before."""

import difflib

COMMANDS = ["ip addr", "ip -d link", "ip rule", "ip -6 rule", "ip route show table all", "ip -6 route show table all", "nft list ruleset",
            "stat -c '%A %u %g %N' /etc/resolv.conf || :", "cat /etc/resolv.conf 2>&1 || :", "ls -A /run/vpn 2>/dev/null || :",
            "ls /var/lib/vpn/*.dns /etc/resolv.conf?* 2>/dev/null || :"]
# What the kernel changes by itself: counters, and timers that run.
VOLATILE = "count|random_id|fib_multipath_hash_seed|stable_secret|fastopen_key"
SYSCTLS = (r"find /proc/sys/net/ipv4 /proc/sys/net/ipv6 /proc/sys/net/netfilter -type f ! -name flush -perm -u=r | "
           f"grep -Ev '({VOLATILE})$' | sort | xargs grep -H '' 2>/dev/null || :")
RUNNING_TIMERS = "sed -E 's/ (expires|valid_lft|preferred_lft) [0-9]+sec//g'"
SCRIPT = "\n".join([*(f"echo '# {command}'; {{ {command}; }} | {RUNNING_TIMERS}" for command in COMMANDS), SYSCTLS])


class Snapshot:
    """Addresses, rules, routes, nftables, the resolver's file, sockets of ours, and every sysctl of the network."""

    def __init__(self, host):
        self._host = host
        self.text = host.sh(SCRIPT).out

    def assert_unchanged(self, after):
        """Fails with a diff if the host's network is not what it was. `after` says what happened in between."""
        now = Snapshot(self._host).text
        if now != self.text:
            diff = difflib.unified_diff(self.text.splitlines(), now.splitlines(), "before", "after", lineterm="", n=0)
            raise AssertionError(f"{self._host.name} is not as it was before {after}:\n" + "\n".join(diff))

