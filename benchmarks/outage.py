"""An outage of PowerCode under a load of callbacks: what the queue takes, and whether a new order waits behind it.

`python -m benchmarks.outage [--orders 10000] [--new 5]` takes PowerCode away, posts the callbacks of so many orders,
brings it back, and lets new orders come in at once. It prints the memory of all processes while the orders are queued,
and the seconds from each new order's callback to its account, and exits with 1 when more than 250 MB or 5 seconds were
needed.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.load import post_each
from benchmarks.running import settings_for
from sandbox.process import SandboxProcess
from tests.tools.office import Office
from tests.tools.processes import ServiceProcess, until
from tests.tools.promises import contract_of

CLIENTS = 8
MOST_MEGABYTES = 250.0
LONGEST_SECONDS = 5.0
NOTICED_SECONDS = 5.0
"""How long PowerCode is back before the new orders come: the service asks it once in so many seconds."""
IMPATIENT = {"retry_minutes": "0.05", "connect_timeout_seconds": 1, "read_timeout_seconds": 2}


def queued(service: ServiceProcess, orderrefs: Sequence[str]) -> float:
    """Post the callbacks, and return the megabytes of all processes when they are taken."""
    answers = post_each(service.port, orderrefs, clients=CLIENTS)
    print(f"callbacks                        {len(orderrefs):>8}, {answers.other_than_200} of them not answered 200")
    return service.megabytes + service.master_megabytes


def seconds_to_account(service: ServiceProcess, office: Office, orderref: str) -> float:
    """From the callback to the account."""
    began = time.monotonic()
    service.post_callback(orderref)
    until(lambda: office.orders([orderref])[0]["state"] == "completed", 120)
    return time.monotonic() - began


def main() -> None:
    """Run, print, and exit with 1 when a bound was not kept."""
    parser = argparse.ArgumentParser(description="Queue callbacks while PowerCode is down")
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--new", type=int, default=5, help="orders that come in when PowerCode is back")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, SandboxProcess() as sandbox:
        folder = Path(name)
        orderrefs = [f"UIA202411-{number:06}" for number in range(options.orders + options.new)]
        for number, orderref in enumerate(orderrefs):
            sandbox.control.add_order(orderref, **contract_of(number))
        waiting, news = orderrefs[: options.orders], orderrefs[options.orders :]
        settings = settings_for(sandbox, folder, **IMPATIENT)
        with ServiceProcess(settings, folder) as service:
            service.start()
            sandbox.control.down("powercode")
            megabytes = queued(service, waiting)
            sandbox.control.up("powercode")
            time.sleep(NOTICED_SECONDS)
            office = Office(settings, sandbox.control.state)
            seconds = [seconds_to_account(service, office, orderref) for orderref in news]
            office.close()
    print(f"memory with all queued, MB       {megabytes:>8.0f}")
    print(f"a new order, seconds: median     {statistics.median(seconds):>8.1f}, longest {max(seconds):.1f}")
    sys.exit(megabytes > MOST_MEGABYTES or max(seconds) > LONGEST_SECONDS)


if __name__ == "__main__":
    main()
