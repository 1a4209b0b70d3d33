"""Callbacks beside stalled connections: how long they take while 200 callers began a request and send no more.

`python -m benchmarks.stalled [--stalled 200] [--callbacks 200]` opens so many of each kind of half a request, posts
callbacks one after the other meanwhile, and prints their seconds: without a proxy, and through the examples for nginx
and Caddy where they are installed. It exits with 1 when the median of a way in is over 100 ms, or one is not answered.
"""

import argparse
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.running import settings_for
from sandbox.process import SandboxProcess
from tests.tools.processes import ServiceProcess
from tests.tools.proxies import HALF, INSTALLED_BY, NO_PROXY, PROXIES, Door, is_installed, opened

MOST_MILLISECONDS = 100.0


def through(proxy: str, service: ServiceProcess, folder: Path, options: argparse.Namespace) -> float:
    """The result of `measured` for one way in; 0 for a proxy that isn't installed."""
    if not is_installed(proxy):
        print(f"{proxy} is not installed: apt-get install {INSTALLED_BY[proxy]}")
        return 0.0
    folder.mkdir()
    with opened(proxy, service, folder) as door:
        return measured(door, proxy, options)


def measured(door: Door, name: str, options: argparse.Namespace) -> float:
    """Print the milliseconds of the callbacks beside each kind of stalled request; the highest of their medians."""
    medians = []
    for number, sent in enumerate([None, *HALF]):
        with ExitStack() as stalled:
            for _ in range(options.stalled if sent is not None else 0):
                stalled.enter_context(door.open(sent or b""))
            took = [answered(door, f"{name.replace(' ', '-')}-{number}-{each}") for each in range(options.callbacks)]
        what = "nothing" if sent is None else f"{options.stalled} that sent {len(sent)} bytes"
        median, p99, slowest = statistics.median(took), sorted(took)[int(0.99 * len(took))], max(took)
        times = f"median {median:>6.1f} ms, p99 {p99:>6.1f}, slowest {slowest:>6.1f}"
        print(f"{name:<9} beside {what:<28} {times}", flush=True)
        medians.append(median)
    return max(medians)


def answered(door: Door, orderref: str) -> float:
    """The milliseconds of one callback, with its connection and TLS."""
    began = time.perf_counter()
    status, _ = door.callback(orderref)
    if status != 200:
        sys.exit(f"A callback was answered {status}")
    return 1000 * (time.perf_counter() - began)


def main() -> None:
    """Run, print, and exit with 1 when a bound was not kept."""
    parser = argparse.ArgumentParser(description="Post callbacks beside stalled connections")
    parser.add_argument("--stalled", type=int, default=200)
    parser.add_argument("--callbacks", type=int, default=200)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = settings_for(stack.enter_context(SandboxProcess()), folder, trusted_proxies=1)
        service = stack.enter_context(ServiceProcess(settings, folder))
        service.start()
        highest = max(through(proxy, service, folder / proxy, options) for proxy in (NO_PROXY, *PROXIES))
    sys.exit(highest > MOST_MILLISECONDS)


if __name__ == "__main__":
    main()
