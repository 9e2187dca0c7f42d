"""What processes have taken of the machine so far."""

import os
import pathlib


def cpu_seconds(pids):
    """In user mode and in the kernel, all threads, all processes together."""
    ticks = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def peak_memory(pids):
    """MiB that the largest of the processes ever held; None of none."""
    def peak(pid):
        status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
    return max(map(peak, pids), default=None)
