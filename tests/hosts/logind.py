"""logind on a host: Debian's elogind, which needs no systemd as process 1, on a bus of its own. It is asked to put the machine to
sleep, says so, and writes where the kernel would listen: but there lie plain files, so that nothing sleeps. scripts/setup unpacks it."""

import pathlib

from .patience import eventually
from .resolvers import BUS, make_own
from .sentences import Skip

UNPACKED = pathlib.Path(__file__).resolve().parents[2] / ".deps" / "logind"
ELOGIND = UNPACKED / "elogind"
LIBRARIES = {"LD_LIBRARY_PATH": f"{ELOGIND / 'lib/elogind'}:{UNPACKED / 'libelogind0/lib/x86_64-linux-gnu'}"}
STATE = "/sys/power/state"
# So long it takes to fall asleep: whoever does something when it begins is told from who waits for the waking.
FALLING_ASLEEP = 1.5
HOOKS = "/etc/elogind/system-sleep"

SETTINGS = """[Login]
HandlePowerKey=ignore
HandleSuspendKey=ignore
HandleHibernateKey=ignore
HandleLidSwitch=ignore
"""

# The kernel's own switches are out of reach: read-only, and covered.
NO_SLEEP = """
mount -o remount,ro,bind /sys
mount -t tmpfs -o mode=755 tmpfs /sys/power
mount -t tmpfs -o mode=755 tmpfs /dev/input 2>/dev/null || :
mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
echo "freeze mem disk" > /sys/power/state
echo "[s2idle]" > /sys/power/mem_sleep
echo "platform [shutdown]" > /sys/power/disk
"""


class Elogind:
    """logind and its bus; nobody is logged in."""

    def __init__(self, host):
        self.host = host
        host.sh(NO_SLEEP)
        make_own(host, "elogind")
        host.write("/etc/elogind/logind.conf", SETTINGS, 0o644)
        host.write(f"{HOOKS}/slowly", f'#!/bin/sh\n[ "$1" = post ] || sleep {FALLING_ASLEEP}\ndate +%s.%N >> /run/$1\n', 0o755)
        host.write("/run/bus.conf", BUS % (ELOGIND / "usr/share/dbus-1/system.d/org.freedesktop.login1.conf"), 0o644)
        host.sh("mkdir -p /run/dbus /run/systemd")
        self.bus = host.start("dbus-daemon", "--config-file=/run/bus.conf", "--nofork", "--nopidfile", log="bus")
        eventually("the bus is there", lambda: host.exists("/run/dbus/system_bus_socket"))
        self.daemon = host.start(ELOGIND / "lib/elogind/elogind", log="elogind", environment=LIBRARIES)
        eventually(f"logind answers ({self.daemon.err_path})", lambda: self.control("list-seats", code=None).code == 0, seconds=20)

    def control(self, *words, **options):
        return self.host.run(ELOGIND / "bin/loginctl", "--no-pager", *words, environment=LIBRARIES, **options)

    def harmless(self):
        """What logind would write to is no switch of the kernel's, as logind itself sees it."""
        kinds = [self.host.run("stat", "-f", "-c", "%T", place).out.strip() for place in ("/sys/power", STATE, "/sys/power/mem_sleep", "/sys/power/disk")]
        seen = self.host.run("stat", "-f", "-c", "%T", f"/proc/{self.daemon.pid}/root{STATE}").out.strip()
        writable = self.host.run("sh", "-c", "grep -E ' - sysfs ' /proc/self/mountinfo | awk '$5 == \"/sys\" {options = $6} END {print options}'").out
        return kinds == ["tmpfs"] * 4 and seen == "tmpfs" and writable.startswith("ro")

    def sleep(self):
        """`loginctl suspend`. The moments before it was asked, and when what would have been asleep was woken."""
        if not self.harmless():
            raise Skip("the kernel's switches for sleep can't be covered here, and this machine is not to sleep")
        began = float(self.host.run("date", "+%s.%N").out)
        self.control("suspend")
        woke = float(eventually("it has woken", lambda: self.host.run("cat", "/run/post", code=None).out, seconds=20))
        assert self.host.read(STATE).strip() == "mem", self.host.read(STATE)
        return began, woke
