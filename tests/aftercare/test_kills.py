"""SIGKILL while a person's change is being sent: nothing is lost or sent twice, and it is known or asked about.

The call is held when it has arrived and nothing is done, or when it is done and not answered; then the service dies.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from sqlalchemy import select, update

from app.aftercare import cases
from app.aftercare.case_kinds import CANCEL
from app.models import Billing, Case, CustomerStatus, CustomerWrite, Order, OrderState, StepState, now
from app.storage.database import Database
from sandbox import Sandbox
from sandbox.http_messages import Call
from sandbox.http_server import Moment
from tests.conftest import settings_for
from tests.tools.processes import ServiceProcess, until

pytestmark = pytest.mark.sweep

REF = "UIA202411-001186"
PASSWORD = "fiber to every door"
CSRF = re.compile(r'name="csrf_token"[^>]* value="([^"]+)"')
ENTRIES = {"cid": "90001", "siteid": "714780", "issuedate": "2026-12-01"}


class Held:
    """Holds the first call of an action at a moment, until the service is dead."""

    def __init__(self, sandbox: Sandbox, action: str, moment: Moment) -> None:
        self.reached, self.dead = threading.Event(), threading.Event()
        self._at = (action, moment)
        for server in (sandbox.utopia, sandbox.powercode):
            server.on_call = self._on_call

    def _on_call(self, call: Call, moment: Moment) -> None:
        if (call.action, moment) == self._at and not self.reached.is_set():
            self.reached.set()
            self.dead.wait(60)
            raise ConnectionAbortedError


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        sandbox.powercode.status_when_made = "Not Active"
        yield sandbox


@pytest.fixture
def process(sandbox: Sandbox, tmp_path: Path) -> Iterator[ServiceProcess]:
    administrator = {"admin_user": "Ada", "admin_pass": PASSWORD, "public_url": ""}
    settings = settings_for(sandbox, tmp_path, activation="button", read_timeout_seconds=20, **administrator)
    with ServiceProcess(settings, tmp_path) as process:
        yield process


@pytest.fixture
def database(process: ServiceProcess, sandbox: Sandbox) -> Iterator[Database]:
    """With an order whose customer is not active."""
    process.start()
    sandbox.utopia.add_order(REF)
    assert process.post_callback(REF) == 200
    database = Database(process.settings.database_url)
    until(lambda: _state(database) == OrderState.COMPLETED)
    with database.write() as session:
        order = session.scalars(select(Order)).one()
        later = now() + timedelta(days=1)
        status = {"billing": Billing.NOT_ACTIVE, "status": "Not Active", "next_read_at": later}
        session.add(CustomerStatus(customer_id=str(order.customer_id), order_id=order.id, **status))
    yield database
    database.dispose()


def _state(database: Database) -> str | None:
    with database.read() as session:
        return session.scalar(select(Order.state))


def send(process: ServiceProcess, path: str, form: dict[str, str]) -> threading.Thread:
    """A signed-in administrator sends a form, and gets no answer."""
    browser = requests.Session()
    login = f"{process.url}/login"
    browser.post(login, data={"csrf_token": _token(browser, login), "name": "Ada", "password": PASSWORD}, timeout=20)
    token = _token(browser, f"{process.url}/console/people/me")

    def post() -> None:
        with suppress(requests.RequestException):
            browser.post(f"{process.url}{path}", data={"csrf_token": token, **form}, timeout=60)

    thread = threading.Thread(target=post, daemon=True)
    thread.start()
    return thread


def _token(browser: requests.Session, page: str) -> str:
    found = CSRF.search(browser.get(page, timeout=20).text)
    assert found
    return found[1]


def die_at(process: ServiceProcess, database: Database, held: Held, sending: threading.Thread) -> None:
    """The service is killed while the call is held, and started again when the call can't be on its way any more."""
    assert held.reached.wait(30), "the call never came"
    process.kill()
    held.dead.set()
    sending.join(60)
    with database.write() as session:
        session.execute(update(CustomerWrite).values(sent_at=now() - timedelta(minutes=10)))
    process.start()


def became(database: Database) -> CustomerWrite:
    """The write once it is known what became of it, or a person is asked."""

    def settled() -> CustomerWrite | None:
        with database.read() as session:
            write = session.scalars(select(CustomerWrite)).one()
        return write if write.state != StepState.RUNNING and (write.asks or write.finished_at) else None

    return until(settled)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("moment", "ends"),
    [("arrived", (StepState.NEVER_ARRIVED, "Not Active")), ("processed", (StepState.DONE, "Active"))],
)
def test_a_kill_during_an_activation_is_settled_by_reading_the_status(
    sandbox: Sandbox, process: ServiceProcess, database: Database, moment: Moment, ends: tuple[StepState, str]
) -> None:
    held = Held(sandbox, "updateCustomerStatus", moment)
    sending = send(process, f"/console/aftercare/inactive/{REF}/activate", {"seen": "0"})

    die_at(process, database, held, sending)

    assert (became(database).state, sandbox.powercode.customers[1001].status) == ends
    assert sandbox.powercode.count("updateCustomerStatus") == 1


@pytest.mark.parametrize("moment", ["arrived", "processed"])
def test_a_kill_during_a_case_s_call_asks_and_sends_nothing_again(
    sandbox: Sandbox, process: ServiceProcess, database: Database, moment: Moment
) -> None:
    with database.write() as session:
        day = now().date()
        case = cases.open_case(session, CANCEL, by="Ada", due_on=day, slot=REF, orderref=REF)
        assert case is not None
    held, page = Held(sandbox, "cancelservice", moment), f"/console/aftercare/cases/{case.id}/utopia"
    form = {**ENTRIES, "seen": "0", "typed": ENTRIES["cid"]}

    die_at(process, database, held, send(process, page, form))

    write = became(database)
    assert (write.state, write.asks) == (StepState.UNKNOWN, True)
    send(process, page, {**form, "seen": str(write.id)}).join(60)
    assert sandbox.utopia.count("cancelservice") == 1
    with database.read() as session:
        assert session.get_one(Case, case.id).utopia_at is None


@pytest.mark.parametrize("moment", ["arrived", "processed"])
def test_a_kill_while_a_plan_is_given_asks_and_gives_nothing_again(
    sandbox: Sandbox, process: ServiceProcess, database: Database, moment: Moment
) -> None:
    customer, calls = sandbox.powercode.customers[1001], sandbox.powercode.count("addCustomerService")
    held, page = Held(sandbox, "addCustomerService", moment), "/console/aftercare/customers/1001/plan"
    form = {"seen": "0", "service_id": "164"}

    die_at(process, database, held, send(process, page, form))

    write = became(database)
    assert (write.state, write.asks) == (StepState.UNKNOWN, True)
    send(process, page, {**form, "seen": str(write.id), "again": "y"}).join(60)
    assert sandbox.powercode.count("addCustomerService") == calls + 1
    assert [each.service_id for each in customer.services].count(164) == int(moment == "processed")
