"""SIGKILL between every two steps of an order: whatever dies where, nothing is lost and nothing happens twice.

The short form of `make soak`. An order makes thirteen calls and sends one mail. It is killed when a call has arrived
and nothing is done yet, when it is done and not answered yet, and when its answer went out; then the service is started
again. The first two leave orders held at their own call, so one kill hits all of them.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox import Sandbox
from sandbox.http_messages import Call
from sandbox.http_server import Moment
from sandbox.state import state_of
from tests.conftest import settings_for
from tests.tools.office import Office
from tests.tools.processes import ServiceProcess, until
from tests.tools.promises import contract_of, mails_of, repeats

CALLS = 13
MOMENTS: tuple[Moment, ...] = ("arrived", "processed")


def reference(number: int) -> str:
    return f"UIA202411-{number:06}"


class Calls:
    """Counts the calls of each order, and does something at one of them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._made: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._acts: dict[tuple[str, int, Moment], Callable[[], None]] = {}
        self._killed = threading.Event()
        for server in (sandbox.utopia, sandbox.powercode):
            server.on_call = self._on_call

    def at(self, orderref: str, number: int, moment: Moment, act: Callable[[], None]) -> None:
        """Run `act` when the order's call of that number is at that moment."""
        self._acts[(orderref, number, moment)] = act

    def stop_at(self, orderref: str, number: int, moment: Moment) -> threading.Event:
        """Hold the call there; the event is set when it is. Once the service was `killed`, its connection breaks."""
        reached = threading.Event()

        def stop() -> None:
            reached.set()
            self._killed.wait(60)
            raise ConnectionAbortedError

        self.at(orderref, number, moment, stop)
        return reached

    def killed(self) -> None:
        """The service is dead: the calls that are held end as they are, and nothing is done at any other."""
        self._acts.clear()
        self._killed.set()

    def _on_call(self, call: Call, moment: Moment) -> None:
        orderref = self._order_of(call)
        with self._lock:
            self._made[orderref] += moment == "arrived"
            act = self._acts.get((orderref, self._made[orderref], moment))
        if act:
            act()

    def _order_of(self, call: Call) -> str:
        """By the order, the customer, the site or the name that the call is about."""
        fields = call.fields
        if "orderref" in fields:
            return str(fields["orderref"])
        if "customerID" in fields:
            customer_id = fields["customerID"][0] if isinstance(fields["customerID"], list) else fields["customerID"]
            return self._order_of_site(self._sandbox.powercode.customers[int(customer_id)].fields["extAccountID"])
        if "extAccountID" in fields:
            return self._order_of_site(fields["extAccountID"])
        if "searchString" in fields:
            return self._found_by(fields["searchString"])
        raise AssertionError(f"a call about no order: {call}")

    def _order_of_site(self, site: str) -> str:
        return self._orders_by("address", lambda address: address["siteid"] == site)

    def _found_by(self, term: str) -> str:
        """The order of the person whom a search is about; "" for the harmless one, which is about nobody."""
        for ref, contract in self._sandbox.utopia.orders.items():
            person, place = contract["customer"], contract["address"]
            if term in f"{person['firstname']} {person['lastname']} {person['phone']} {place['address']}":
                return ref
        return ""

    def _orders_by(self, part: str, fits: Callable[[dict[str, str]], bool]) -> str:
        return next(ref for ref, contract in self._sandbox.utopia.orders.items() if fits(contract[part]))


@pytest.fixture
def process(sandbox: Sandbox, tmp_path: Path) -> Iterator[ServiceProcess]:
    settings = settings_for(
        sandbox, tmp_path, powercode_concurrency=2 * CALLS, read_timeout_seconds=20, connect_timeout_seconds=5
    )
    with ServiceProcess(settings, tmp_path) as process:
        yield process


@pytest.fixture
def office(process: ServiceProcess, sandbox: Sandbox) -> Iterator[Office]:
    office = Office(process.settings, lambda: state_of(sandbox))
    yield office
    office.close()


def post(process: ServiceProcess, sandbox: Sandbox, number: int) -> int:
    """The answer to the callback of an order of its own person; 0 when the service was killed before it answered."""
    sandbox.utopia.add_order(reference(number), **contract_of(number))
    return process.post_callback(reference(number))


def take(process: ServiceProcess, sandbox: Sandbox, number: int) -> str:
    """An order of its own person, acknowledged."""
    assert post(process, sandbox, number) == 200
    return reference(number)


@pytest.mark.sweep
def test_a_kill_before_and_after_any_call_is_processed_loses_and_doubles_nothing(
    sandbox: Sandbox, process: ServiceProcess, office: Office
) -> None:
    calls = Calls(sandbox)
    process.start()
    points = [(number, moment) for number in range(1, CALLS + 1) for moment in MOMENTS]
    stops = [calls.stop_at(reference(order), *point) for order, point in enumerate(points)]
    orderrefs = [take(process, sandbox, order) for order in range(len(points))]
    for point, stop in zip(points, stops, strict=True):
        assert stop.wait(30), f"no order came to call {point}"

    process.kill()
    calls.killed()
    process.start()

    office.check_completed(orderrefs)
    reviewed = {order["orderref"] for order in office.orders() if "it_is_" in str(order["decisions"])}
    in_doubt = {reference(order) for order, (number, _) in enumerate(points) if 7 < number < 11}
    assert reviewed == in_doubt, "a person is asked about plans and tickets, and about nothing else"


@pytest.mark.sweep
@pytest.mark.timeout(400)
def test_a_kill_right_after_any_answer_loses_and_doubles_nothing(
    sandbox: Sandbox, process: ServiceProcess, office: Office
) -> None:
    calls = Calls(sandbox)
    for number in range(1, CALLS + 1):
        process.start()
        killed = threading.Event()

        def kill(milliseconds: int = number % 5, killed: threading.Event = killed) -> None:
            time.sleep(milliseconds / 1000)  # before, in and after the commit of the outcome and the checkpoint
            process.kill()
            killed.set()

        calls.at(reference(number), number, "answered", kill)
        post(process, sandbox, number)
        assert killed.wait(30), f"no order came to answer {number}"
    process.start()

    office.check_completed([reference(number) for number in range(1, CALLS + 1)])


@pytest.mark.sweep
def test_a_kill_while_a_mail_is_sent_loses_no_notice(sandbox: Sandbox, process: ServiceProcess, office: Office) -> None:
    process.start()
    not_taken = sandbox.mailbox.fault("DATA", "hang")
    first = take(process, sandbox, 1)
    until(lambda: not_taken.taken)
    process.kill()

    sandbox.mailbox.fault("DATA", "slow", seconds=60, when="after")
    process.start()
    until(lambda: mails_of(state_of(sandbox), first, "Account created"))
    process.kill()

    process.start()
    second = take(process, sandbox, 2)
    until(lambda: mails_of(state_of(sandbox), second, "Account created"))
    process.kill()
    process.start()

    office.check_completed([first, second])
    assert repeats(state_of(sandbox)) >= 1, "the mail that was taken and not answered is sent again, as the same mail"
