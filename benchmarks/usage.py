"""How much memory processes hold, and how much processor time they took."""

import os
import re
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def resident_megabytes(pid: int | str = "self") -> float:
    """Megabytes of a process (RSS)."""
    found = re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[0]) / 1024


def proportional_megabytes(pid: int) -> float:
    """Megabytes of a process, with shared memory pages divided among its users (PSS); 0 when the process is gone."""
    try:
        found = re.findall(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except OSError:
        return 0.0
    return int(found[0]) / 1024 if found else 0.0


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and of all its children so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS + sum(map(cpu_seconds, children_of(pid)))


def children_of(pid: int) -> list[int]:
    """The process ids of a process's children."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def all_megabytes(pid: int) -> float:
    """`proportional_megabytes` of a process and of all its children."""
    return proportional_megabytes(pid) + sum(map(all_megabytes, children_of(pid)))
