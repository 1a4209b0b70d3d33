"""How much memory this process holds."""

import re
from pathlib import Path


def resident_megabytes() -> float:
    """Megabytes (RSS)."""
    found = re.findall(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[0]) / 1024
