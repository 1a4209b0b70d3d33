"""The service as tests use it, with the verbs that they need."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from app import create_app
from app.callbacks import refused_callbacks
from app.durable.work_queue import GOING
from app.models import Base, Notice, NoticeState, Order, OrderState, ServicePlanMapping
from app.provisioning import order_json
from app.provisioning.plans import plan_table
from app.remote import breaker
from app.running.background import Background
from app.services import Services
from app.setup import database_upgrade
from config import Settings, load_settings
from powercode import PowerCodeClient
from sandbox import Sandbox, connected_to
from sandbox.accounts import Customer
from sandbox.powercode import ADDITIONAL_PLANS, PLANS
from tests.tools import databases

AT_REST = set(OrderState) - {OrderState.RECEIVED, OrderState.RUNNING}
PATIENCE_SECONDS = 30
CLEARING = [f'DELETE FROM "{table.name}"' for table in reversed(Base.metadata.sorted_tables)]
"""Written out: built anew by SQLAlchemy for each test, they took as long as many a test does."""


def wait_for(condition: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """The condition's value as soon as it is true; fails the test when it never is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"still not true after {seconds} s: {condition}")


def settings_for(sandbox: Sandbox, folder: Path, **overrides: Any) -> Settings:
    """Settings that connect to the sandbox, with waits that a test can sit through.

    Not with short timeouts: on a busy machine, a server's thread may have to wait for a second, too.
    """
    values: dict[str, Any] = {
        **connected_to(sandbox.addresses),
        "pc_cust_tags": "5,9",
        "service_plan_mapping": PLANS,
        "additional_service_plan_mapping": ADDITIONAL_PLANS,
        "email_sender": "Fiber desk <fiber@example.com>",
        "email_recipients": "office@example.com",
        "secret_key": "only-for-tests",
        "database_url": databases.url_in(folder),
        "log_file": folder / "api_class.log",
        "public_url": "https://orders.example.com",
        "connect_timeout_seconds": 5,
        "read_timeout_seconds": 20,
        "retry_minutes": "0.005",
        "pc_settle_seconds": 0.2,
    }
    return load_settings(**{**values, **overrides})


class Service:
    """A running service and its sandbox, with the verbs that tests need."""

    def __init__(self, sandbox: Sandbox, settings: Settings) -> None:
        self.sandbox = sandbox
        self.app = create_app(settings)
        self.services: Services = self.app.extensions["services"]
        databases.with_tables(settings.database_url)
        database_upgrade.upgrade(self.services.database, settings)
        self.background = Background(self.services)
        self.app.extensions["background"] = self.background
        self.client = self.app.test_client()

    @contextmanager
    def running(self) -> Iterator["Service"]:
        """Execute orders during the block."""
        self.background.start()
        wait_for(lambda: self.background.executing)
        try:
            yield self
        finally:
            self.background.stop()
            self.services.database.dispose()

    def order(self, orderref: str = "UIA202411-001186", **contract: Any) -> str:
        """Put an order into UTOPIA (see `sandbox.a_contract`) and return its reference."""
        self.sandbox.utopia.add_order(orderref, **contract)
        return orderref

    def knows_ada(self, **fields: Any) -> Customer:
        """Ada Lind, of whom the sandbox's usual contract is, has an account at her address, typed in by hand."""
        ada = {"firstName": "Ada", "lastName": "Lind", "physicalStreet": "12 N EXAMPLE AVENUE"}
        return self.sandbox.powercode.add_customer(**ada, **fields)

    def callback(self, orderref: str, msg: str = "Project New Order") -> Any:
        """Send UTOPIA's callback."""
        return self.client.post("/api-callback", json={"event": "Project Update", "orderref": orderref, "msg": msg})

    def take(self, orderref: str = "UIA202411-001186", **contract: Any) -> dict[str, Any]:
        """Put an order into UTOPIA, send its callback, and return the order when it rests."""
        self.order(orderref, **contract)
        assert self.callback(orderref).status_code == 200
        return self.rested(orderref)

    def read(self, ask: Callable[..., Any], *about: Any, **options: Any) -> Any:
        """What `ask` finds in the database."""
        with self.services.database.read() as session:
            return ask(session, *about, **options)

    def write(self, act: Callable[..., Any], *about: Any, **options: Any) -> Any:
        """Let `act` change the database; what it returns."""
        with self.services.database.write() as session:
            return act(session, *about, **options)

    def act(self, act: Callable[..., Any], *about: Any, **options: Any) -> Any:
        """Let `act` change the database and what goes on by itself; what it returns."""
        return self.write(lambda session: act(self.services, session, *about, **options))

    def rows(self, query: Any) -> list[Any]:
        """The rows that a query selects."""
        return self.read(lambda session: list(session.scalars(query)))

    def one(self, query: Any) -> Any:
        """The one row that a query selects."""
        (row,) = self.rows(query)
        return row

    def get(self, table: type[Any], key: Any) -> Any:
        """The row with this key."""
        return self.read(Session.get_one, table, key)

    def scalar(self, query: Any) -> Any:
        """The first row that a query selects; None when there is none."""
        return self.read(Session.scalar, query)

    def execute(self, statement: Any, *rows: Any) -> None:
        """Change rows, or insert these."""
        self.write(Session.execute, statement, *rows)

    def add(self, row: Any) -> None:
        """Add a row."""
        self.write(Session.add, row)

    def show(self, orderref: str) -> dict[str, Any]:
        """The order as `orders show --json` prints it."""
        with self.services.database.read() as session:
            order = session.scalar(select(Order).filter_by(orderref=orderref))
            return order_json.whole(session, order) if order else {}

    def rested(self, orderref: str, *states: str) -> dict[str, Any]:
        """The order once it is in one of `states` (any state of rest when none are named)."""
        wanted = set(states) or AT_REST
        wait_for(lambda: self.state(orderref) in wanted)
        return self.show(orderref)

    def state(self, orderref: str) -> str | None:
        """Where the order stands; None when there is no such order. Asked all the time: made cheap."""
        database = self.services.database
        with closing(database.engine.raw_connection()) as connection:
            cursor = connection.cursor()
            mark = "?" if database.is_sqlite else "%s"
            cursor.execute(f"select state from orders where orderref = {mark}", (orderref,))
            row = cursor.fetchone()
        return str(row[0]) if row else None

    def notices(self, kind: str | None = None) -> list[Any]:
        """The mails that arrived, after all pending notices that are due went out."""
        self.mail_settled()
        mails = self.sandbox.mailbox.messages
        return [mail for mail in mails if kind is None or kind in mail["Subject"]]

    def mail_settled(self) -> None:
        """Wait until no notice is on its way (those that wait for a later try don't count)."""
        on_the_way = (Notice.state == NoticeState.PENDING, Notice.next_try_at.is_(None))

        def settled() -> bool:
            with self.services.database.read() as session:
                return session.scalar(select(Notice.id).where(*on_the_way).limit(1)) is None

        wait_for(settled)

    @contextmanager
    def changed(self, **overrides: Any) -> Iterator[None]:
        """Other settings during the block."""
        before = self.services.settings
        object.__setattr__(self.services, "settings", before.model_copy(update=overrides))
        try:
            yield
        finally:
            object.__setattr__(self.services, "settings", before)

    @contextmanager
    def giving_up_after(self, seconds: float) -> Iterator[None]:
        """Calls to PowerCode that are not answered within `seconds` are given up, during the block."""
        before, settings = self.services.powercode, self.services.settings
        key = settings.pc_api_key.get_secret_value()
        with PowerCodeClient(settings.pc_url_api, settings.pc_url_uapi, key, read_timeout=seconds) as client:
            object.__setattr__(self.services, "powercode", client)
            try:
                yield
            finally:
                object.__setattr__(self.services, "powercode", before)

    def empty(self) -> None:
        """Forget everything: orders, the engine's work, and what the sandbox holds."""
        self.services.work_queue.forget(self._come_to_rest())
        self.sandbox.reset()
        self.app.extensions["refusals_kept"] = refused_callbacks.Budget()
        object.__setattr__(
            self.services, "demand", breaker.Demand()
        )  # or it asks a system for an order of the last test
        plans = self._plans
        with self.services.database.write() as session:
            cursor = session.connection().connection.cursor()
            for statement in CLEARING:
                cursor.execute(statement)
            session.execute(insert(ServicePlanMapping.__table__), plans)

    @cached_property
    def _plans(self) -> list[dict[str, Any]]:
        """The rows of the plan table as the settings say."""
        with self.services.database.write() as session:
            session.execute(delete(ServicePlanMapping))
            plan_table.seed(session, self.services.settings)
            return [dict(row) for row in session.execute(select(ServicePlanMapping.__table__)).mappings()]

    def _come_to_rest(self) -> list[str]:
        """Nothing of the last test may reach the next one: no order is woken, and what is on its way ends first."""
        with self.services.database.write() as session:
            session.execute(update(Order).values(state=OrderState.DISMISSED, run=Order.run + 1, next_try_at=None))
            session.execute(update(Notice).values(state=NoticeState.FAILED, next_try_at=None))
        return self.worked_off()

    def worked_off(self) -> list[str]:
        """The ids of the engine's workflows, once all of them have ended: an order may rest a moment before its own."""

        def ended() -> tuple[list[str]] | None:
            rows = self.services.work_queue.client.list_workflows(load_input=False, load_output=False)
            return None if any(row.status in GOING for row in rows) else ([row.workflow_id for row in rows],)

        (workflows,) = wait_for(ended)
        return workflows
