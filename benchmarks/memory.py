"""How much memory processes hold."""

import re
from pathlib import Path


def resident_megabytes() -> float:
    """Megabytes of this process (RSS)."""
    found = re.findall(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[0]) / 1024


def proportional_megabytes(pid: int) -> float:
    """Megabytes of a process, where a page that several share counts in parts (PSS); 0 when it is gone."""
    try:
        found = re.findall(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except OSError:
        return 0.0
    return int(found[0]) / 1024 if found else 0.0
