"""What an order costs: remote calls, the service's own time, memory, and how long a start takes.

`python -m benchmarks.order [--quick]` starts the service against a sandbox that answers at once, and lets orders with
two plans, two tags and a contract through it, one after the other. The own time of an order is the time from the
beginning of its first step to the end of its last, less the time that the sandbox had its calls. Figures are medians.
Exits with 1 when a promise is not kept.
"""

import argparse
import re
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from benchmarks.running import settings_for
from sandbox.process import SandboxProcess
from tests.tools.office import Office
from tests.tools.processes import ServiceProcess
from tests.tools.promises import broken, contract_of

MOST_CALLS = 13
OWN_MS = 100.0
MOST_MEGABYTES = 200.0
START_SECONDS = 3.0


def starts(service: ServiceProcess, times: int) -> list[float]:
    """Seconds from the start of the process to `/readyz`, each after a clean stop; it runs afterwards."""
    seconds = []
    for number in range(times):
        if number:
            service.terminate()
            service.ended()
        seconds.append(service.start())
    return seconds


def finish(service: ServiceProcess, office: Office, orderref: str) -> dict[str, Any]:
    """The order, once it is completed and its notice sent."""
    assert service.post_callback(orderref) == 200
    (order,) = office.rested([orderref])
    return order


def story_ms(order: dict[str, Any]) -> float:
    """From the beginning of the first step to the end of the last, less the wait in the queue between the stages."""
    began = {step["name"]: datetime.fromisoformat(step["started_at"]) for step in order["steps"]}
    ended = {step["name"]: datetime.fromisoformat(step["finished_at"]) for step in order["steps"]}
    queued = began["find_customer"] - ended["hand_over"]
    return 1000 * (max(ended.values()) - min(began.values()) - queued).total_seconds()


def remote_ms(service: ServiceProcess) -> float:
    """What the calls of all orders so far took, as the service measured them; the contract's goes with the notice."""
    text = requests.get(f"{service.url}/metrics", timeout=10).text
    sums = re.findall(r'^utopia_handler_remote_call_seconds_sum\{action="([^"]+)",[^}]*\} (\S+)', text, re.MULTILINE)
    return 1000 * sum(float(seconds) for action, seconds in sums if action != "contractdownload")


def measure(sandbox: SandboxProcess, service: ServiceProcess, office: Office, orders: int) -> tuple[int, list[float]]:
    """The most remote calls of an order, and each order's own milliseconds; the first order warms up."""
    calls, own = 0, []
    for number in range(orders + 1):
        sandbox.control.add_order(f"UIA202411-{number:06}", **contract_of(number))
        calls_before, remote_before = _calls(sandbox), remote_ms(service)
        order = finish(service, office, f"UIA202411-{number:06}")
        calls = max(calls, _calls(sandbox) - calls_before)
        own.append(story_ms(order) - (remote_ms(service) - remote_before))
    return calls, own[1:]


def _calls(sandbox: SandboxProcess) -> int:
    calls: dict[str, dict[str, int]] = sandbox.control.counts()["calls"]
    return sum(calls["utopia"].values()) + sum(calls["powercode"].values())


def main() -> None:
    """Measure, print, and exit with 1 when a promise is not kept."""
    parser = argparse.ArgumentParser(description="What an order costs")
    parser.add_argument("--quick", action="store_true", help="fewer orders and starts")
    orders, times = (10, 2) if parser.parse_args().quick else (60, 5)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sandbox = stack.enter_context(SandboxProcess())
        settings = settings_for(sandbox, folder)
        service = stack.enter_context(ServiceProcess(settings, folder))
        seconds = starts(service, times)
        office = stack.enter_context(closing(Office(settings, sandbox.control.state)))
        calls, own = measure(sandbox, service, office, orders)
        faults = broken(sandbox.control.state(), office.orders())
        promises = [
            (calls <= MOST_CALLS, f"{calls} remote calls an order, promised <= {MOST_CALLS}"),
            (_median(own) < OWN_MS, f"{_median(own):.1f} ms own time an order, promised < {OWN_MS:g} ms"),
            (service.megabytes < MOST_MEGABYTES, f"{service.megabytes:.0f} MB, promised < {MOST_MEGABYTES:g} MB"),
            (_median(seconds) < START_SECONDS, f"{_median(seconds):.2f} s to /readyz, promised < {START_SECONDS:g} s"),
            (not faults, f"{orders + 1} orders, each of them once and whole, promised all"),
        ]
        print(f"own time: fastest {min(own):.1f} ms, slowest {max(own):.1f} ms; gunicorn's master holds ", end="")
        print(f"{service.master_megabytes:.0f} MB besides")
    for kept, words in promises:
        print(f"{'kept    ' if kept else 'NOT KEPT'}  {words}")
    sys.exit(0 if all(kept for kept, _ in promises) else 1)


def _median(values: Sequence[float]) -> float:
    return statistics.median(values)


if __name__ == "__main__":
    main()
