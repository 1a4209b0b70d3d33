"""Orders under fire: the service is killed again and again, PowerCode and UTOPIA misbehave, and mail comes and goes.

`python -m benchmarks.soak_orders [--orders 1000] [--kills 200] [--seed N]` posts callbacks until each is acknowledged,
kills the whole service with SIGKILL at random moments (in a start, too), lets each kind of fault happen in turn, and
then waits until every order is at rest. Then the office answers what is asked of it, and the orders go on to their end.
It prints the counts, and exits with 1 when an acknowledged order is lost, anything is there twice, a notice is missing,
or an order or a notice has not moved for a minute after the trouble was over.
"""

import argparse
import itertools
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn, Protocol

from benchmarks.running import settings_for
from sandbox.control import SandboxControl
from sandbox.process import SandboxProcess
from tests.tools.office import Office
from tests.tools.processes import ServiceProcess
from tests.tools.promises import broken, contract_of, repeats

REST_SECONDS = 900.0
LONGEST_LIFE_SECONDS = 6.0
LAST_FAULTS_SECONDS = 15.0
"""How long the faults go on after the last callback: they end while many orders are still under way."""
CALLS_AN_ORDER = 8
STILL_SECONDS = 60
LOOK_EVERY_SECONDS = 1.0
MANY = 5
"""If this many orders have moved since the last look, the queue is at work."""
SHOWN = 20
READ_SECONDS = 0.8
SLOW_SECONDS = 1.0
SETTLE_SECONDS = 2.0
"""Longer than the slowest request that was started but not answered can take (see PC_SETTLE_SECONDS)."""

IMPATIENT: dict[str, Any] = {
    "connect_timeout_seconds": 1,
    "read_timeout_seconds": READ_SECONDS,
    "pc_settle_seconds": SETTLE_SECONDS,
    "retry_minutes": "0.005,0.01,0.02",
}
"""Settings with short waits, so that a run ends soon."""

FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("refuse", {}),
    ("reset", {}),
    ("reset", {"processed": True}),
    ("garbage", {}),
    ("garbage", {"processed": True, "status": 500}),
    ("status_code", {"status_code": "1"}),
    ("status_code", {"status_code": 23}),
    ("http", {"status": 429, "retry_after": 1}),
    ("http", {"status": 502, "processed": True}),
    ("no_answer", {}),
    ("slow", {"seconds": SLOW_SECONDS, "when": "before"}),
    ("slow", {"seconds": SLOW_SECONDS, "when": "after"}),
    ("empty", {}),
    ("cut", {}),
    ("stall", {"seconds": SLOW_SECONDS}),
)
WRITES = ("createCustomer", "addCustomerService", "createTicket", "POST customer/tags/customer")
READS = ("searchCustomers", "readCustomer")
"""A refusal of these means that there is no such customer: a lie, not a fault, so they don't get any."""


class Killable(Protocol):
    """What is killed: a `ServiceProcess`, or several."""

    def start(self, *, wait: bool = True) -> float:
        """Start it; returns when it is ready, or at once without `wait`."""

    def kill(self) -> None:
        """SIGKILL."""

    def post_callback(self, orderref: str, msg: str = "Project New Order", timeout: float = 10.0) -> int:
        """Send UTOPIA's callback; the HTTP status, or 0 when there was no answer."""


class Soak:
    """One run: the sandbox, the service, and what happens to them."""

    def __init__(self, options: argparse.Namespace, control: SandboxControl, service: Killable) -> None:
        self._options = options
        self._control = control
        self._service = service
        self._over = threading.Event()
        self._chance = random.Random(options.seed)
        self.acknowledged: list[str] = []
        self.mail_outages = 0

    def run(self) -> None:
        """Returns when all callbacks are acknowledged and all kills done; the service runs then, undisturbed."""
        poster = threading.Thread(target=self._post_all, args=(random.Random(self._chance.random()),))
        others = [
            threading.Thread(
                target=disturb, args=(SandboxControl(self._control.url), random.Random(self._chance.random()))
            )
            for disturb in (self._spoil_calls, self._switch_mail)
        ]
        for thread in (poster, *others):
            thread.start()
        self._kill_again_and_again()
        self._service.start()
        poster.join()
        self._wait_for_customers_served()
        self._over.set()
        for thread in others:
            thread.join()
        self._control.clear_faults()
        self._control.up("mailbox")

    def _post_all(self, chance: random.Random) -> None:
        """UTOPIA: sends each callback until it is taken, and some of them twice."""
        for number in range(self._options.orders):
            orderref = f"UIA202411-{number:06}"
            while self._service.post_callback(orderref, timeout=5) != 200:
                time.sleep(0.1)
            self.acknowledged.append(orderref)
            if chance.random() < 0.2:
                self._service.post_callback(orderref, timeout=5)
            time.sleep(chance.expovariate(self._options.orders / (2.0 * self._options.kills)))

    def _spoil_calls(self, control: SandboxControl, chance: random.Random) -> None:
        """Each kind of fault in turn, on a call that chance picks; now and then on one of UTOPIA's."""
        for kind, args in itertools.cycle(FAULTS):
            self._wait_for_calls(control, chance.uniform(2, 16), 1.0)
            if self._over.is_set():
                return
            if chance.random() < 0.15 and kind != "status_code":
                control.fault("utopia", chance.choice(("contractlookup", "contractdownload")), kind, **args)
            actions = READS if chance.random() < 0.2 and kind != "status_code" else WRITES
            control.fault("powercode", chance.choice(actions), kind, **args)

    def _switch_mail(self, control: SandboxControl, chance: random.Random) -> None:
        while not self._over.wait(chance.uniform(2, 6)):
            control.down("mailbox")
            self.mail_outages += 1
            self._over.wait(chance.uniform(0.5, 4))
            control.up("mailbox")

    def _kill_again_and_again(self) -> None:
        for number in range(self._options.kills):
            in_its_start = self._chance.random() < 0.2
            self._service.start(wait=not in_its_start)
            if in_its_start:
                time.sleep(self._chance.uniform(0.0, 1.5))
            else:
                self._wait_between_kills()
            self._service.kill()
            self._tell(number + 1)

    def _wait_between_kills(self) -> None:
        between = self._options.orders * CALLS_AN_ORDER / self._options.kills
        self._wait_for_calls(self._control, self._chance.uniform(0, 2 * between), LONGEST_LIFE_SECONDS)

    def _tell(self, kills: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{kills} kills, {len(self.acknowledged)} orders", end="", file=sys.stderr)

    def _wait_for_calls(self, control: SandboxControl, more: float, seconds: float) -> None:
        """Return when PowerCode got so many more calls, or after so many seconds."""
        enough, deadline = _calls(control) + more, time.monotonic() + seconds
        while _calls(control) < enough and time.monotonic() < deadline and not self._over.is_set():
            time.sleep(0.02)

    def _wait_for_customers_served(self) -> None:
        """Faults go on until nine of ten orders have their ticket, or for a while."""
        deadline = time.monotonic() + LAST_FAULTS_SECONDS
        while time.monotonic() < deadline:
            customers = self._control.state()["customers"].values()
            if sum(bool(each["tickets"]) for each in customers) >= 0.9 * self._options.orders:
                return
            time.sleep(0.5)


def _calls(control: SandboxControl) -> int:
    return sum(control.counts()["calls"]["powercode"].values())


def conclude(soak: Soak, kills: int, control: SandboxControl, office: Office, *more: tuple[str, object]) -> int:
    """Wait until every order is at rest, and print the counts, `more` among them; 1 when a promise was broken."""
    began, asked = time.monotonic(), Counter[str]()
    still = still_until_rest(office)
    took = time.monotonic() - began
    orders = office.orders(soak.acknowledged)
    while answered := office.answer(orders):
        asked.update(order["orderref"] for order in answered)
        still += still_until_rest(office)
        orders = office.orders(soak.acknowledged)
    rows = (
        ("seconds from the end of the trouble to rest", f"{took:.0f}"),
        ("questions that the office answered", asked.total()),
        ("stood still for more than a minute", len(still)),
    )
    kept = report(soak, kills, control.state(), control.counts(), orders, *more, *rows)
    return 1 if still else kept


def still_until_rest(office: Office) -> Counter[str]:
    """Returns when nothing goes on any more; what stood still for longer than a minute, with its seconds.

    While many move, the others wait for their turn: only what stands when the crowd is gone has been left behind.
    """
    how_far: dict[str, tuple[Any, ...]] = {}
    stood, longest = Counter[str](), Counter[str]()
    began = looked = time.monotonic()
    while (going := office.going()) and time.monotonic() < began + REST_SECONDS:
        moment = time.monotonic()
        moved = {name for name in going.keys() | how_far.keys() if going.get(name) != how_far.get(name)}
        for name in going:
            counted = 0 if len(moved) >= MANY else round(moment - looked)
            stood[name] = 0 if name in moved else stood[name] + counted
            longest[name] = max(longest[name], stood[name])
        how_far, looked = going, moment
        time.sleep(LOOK_EVERY_SECONDS)
    still = Counter({name: seconds for name, seconds in longest.items() if seconds > STILL_SECONDS or name in going})
    for name, seconds in still.most_common(SHOWN):
        print(f"{name} stood still for {seconds} s, now: {going.get(name, 'it has moved on')}")
    return still


def report(
    soak: Soak,
    kills: int,
    state: dict[str, Any],
    counts: dict[str, Any],
    orders: list[dict[str, Any]],
    *more: tuple[str, object],
) -> int:
    """Print the counts; 1 when a promise was broken, else 0."""
    states = Counter(order["state"] for order in orders)
    problems = Counter(order["problem"] for order in orders if order["state"] == "needs_review")
    faults = broken(state, orders)
    missing = sorted(set(soak.acknowledged) - {order["orderref"] for order in orders})
    faults += [f"{orderref}: lost: it is not in the database" for orderref in missing]
    kinds = Counter(fault.split(": ")[1] for fault in faults)
    rows: list[tuple[str, object]] = [
        ("acknowledged orders", len(soak.acknowledged)),
        *((f"  {state}", number) for state, number in states.most_common()),
        *((f"    {problem}", number) for problem, number in problems.most_common()),
        ("kills", kills),
        *more,
        *(
            (f"{system}'s faults: {kind}", n)
            for system in ("powercode", "utopia")
            for kind, n in sorted(counts["faults"][system].items())
        ),
        ("mail outages", soak.mail_outages),
        ("mails", len(state["mails"])),
        ("  of them once more, as the same mail", repeats(state)),
        ("double accounts, plans, tickets, tags", kinds["double"]),
        ("lost orders or parts", kinds["lost"]),
        ("missing notices", kinds["notice"]),
    ]
    for name, value in rows:
        print(f"{name:<42}{value:>6}")
    print("\n".join(["", *faults]) if faults else "Every promise was kept.")
    return 1 if faults else 0


def run_once(options: argparse.Namespace, folder: Path) -> int:
    """One run; 1 when a promise was broken."""
    with SandboxProcess() as sandbox:
        for number in range(options.orders):
            sandbox.control.add_order(f"UIA202411-{number:06}", **contract_of(number))
        settings = settings_for(sandbox, folder, **IMPATIENT)
        with ServiceProcess(settings, folder) as service:
            soak = Soak(options, sandbox.control, service)
            soak.run()
            with closing(Office(settings, sandbox.control.state)) as office:
                return conclude(soak, options.kills, sandbox.control, office)


def parser_of(description: str) -> argparse.ArgumentParser:
    """What every such run is told."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--orders", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=200)
    seed = random.randrange(1_000_000)
    parser.add_argument("--seed", type=int, default=seed, help="of all chances; default: another")
    return parser


def exit_after(run: Callable[[argparse.Namespace, Path], int], options: argparse.Namespace) -> NoReturn:
    """Run in a folder of its own, print the seconds, and exit with what came of it."""
    began = time.monotonic()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        kept = run(options, Path(folder))
    print(f"{time.monotonic() - began:.0f} seconds")
    sys.exit(kept)


def main() -> None:
    """Run, print, and exit with 1 when a promise was broken."""
    exit_after(run_once, parser_of("Kill the service again and again while orders come in").parse_args())


if __name__ == "__main__":
    main()
