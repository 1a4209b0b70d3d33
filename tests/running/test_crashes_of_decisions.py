"""SIGKILL while one order shows a plan's new number and the others follow: nothing is lost, nothing billed twice."""

import threading

import pytest

from sandbox import Sandbox
from sandbox.http_messages import Call
from sandbox.http_server import Moment
from sandbox.state import state_of
from tests.running.test_crashes import office, process, reference  # noqa: F401 - fixtures
from tests.tools.office import Office
from tests.tools.processes import ServiceProcess, until
from tests.tools.promises import contract_of

COUNT = 5
PLAN, SERVICE = "10 Gbps", 165


class KillAt:
    """Kills the service when PowerCode's call of a number is at a moment; the call ends as it is."""

    def __init__(self, remote: Sandbox, number: int, moment: Moment) -> None:
        self.reached, self._left, self._moment = threading.Event(), number, moment
        self._killed, self._lock = threading.Event(), threading.Lock()
        remote.powercode.on_call = self._on_call

    def killed(self) -> None:
        self._killed.set()

    def _on_call(self, _call: Call, moment: Moment) -> None:
        with self._lock:
            self._left -= moment == self._moment
        if self._left <= 0 and not self._killed.is_set():
            self.reached.set()
            self._killed.wait(60)
            raise ConnectionAbortedError


@pytest.mark.sweep
@pytest.mark.timeout(300)
def test_kills_while_a_number_is_on_trial_lose_no_order_and_bill_nobody_twice(
    sandbox: Sandbox,
    process: ServiceProcess,  # noqa: F811
    office: Office,  # noqa: F811
) -> None:
    sandbox.powercode.services[SERVICE] = PLAN
    process.start()
    orderrefs = [reference(number) for number in range(COUNT)]
    for number in range(COUNT):
        sandbox.utopia.add_order(reference(number), **{**contract_of(number), "plan": PLAN})
        assert process.post_callback(reference(number)) == 200
    until(lambda: {order["state"] for order in office.orders()} == {"needs_review"})

    assert process.run("plans", "map", PLAN, str(SERVICE)).returncode == 0
    for number, moment in ((1, "arrived"), (4, "processed"), (9, "arrived"), (17, "processed")):
        kill = KillAt(sandbox, number, moment)  # type: ignore[arg-type]
        if kill.reached.wait(15):
            process.kill()
            kill.killed()
            process.start()
        kill.killed()

    until(lambda: _settled(office, orderrefs))  # it answers for the office what no one could look up
    customers = state_of(sandbox)["customers"].values()
    billed = [[service["service_id"] for service in one["services"]] for one in customers]
    assert len(customers) == COUNT
    assert all(sorted(services) == [SERVICE, 172] for services in billed)


def _settled(office: Office, orderrefs: list[str]) -> bool:  # noqa: F811
    orders = office.orders(orderrefs)
    office.answer(orders)
    return {order["state"] for order in orders} == {"completed"}
