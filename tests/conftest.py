"""The service as tests use it: real database, real engine, real HTTP and SMTP to a sandbox on loopback.

One service runs for the whole session on SQLite; each test finds it empty (`service`). What needs another
database or other processes starts its own.
"""

import gc
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from hypothesis import settings as hypothesis_settings
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from app import create_app, notices
from app.aftercare import customer_statuses, reconciliation, unknown_writes
from app.alerts import long_waits
from app.alerts.certificate import look_at_certificate
from app.alerts.watch import watch_for_alerts
from app.callbacks import refused_callbacks
from app.channels import delivery, messages
from app.durable.work_queue import GOING
from app.models import Base, Notice, NoticeState, Order, OrderState, ServicePlanMapping
from app.morning.schedule import tell_when_due
from app.outgoing import events
from app.people import passwords
from app.provisioning import due_orders, order_json, workflow
from app.provisioning.causes import cause_mails
from app.provisioning.plans import plan_table
from app.remote import breaker
from app.running import glance, schedule
from app.running.background import Background
from app.services import Services
from app.setup import database_upgrade
from config import Settings, load_settings
from powercode import PowerCodeClient
from sandbox import Mailbox, Sandbox
from sandbox.accounts import Customer
from sandbox.powercode import ADDITIONAL_PLANS, PLANS
from tests.tools import databases
from tests.tools.environments import loader
from tests.tools.postgres import PostgresServer

hypothesis_settings.register_profile("service", deadline=None, max_examples=40)
hypothesis_settings.load_profile("service")

JOBS = dict(schedule.JOBS)
"""As the service has them (see `no_looks_by_the_service`)."""
TELLING = (
    watch_for_alerts,
    look_at_certificate,
    long_waits.tell,
    cause_mails.tell_of_those_who_joined,
    tell_when_due,
    messages.look,
)
STRANDED = (due_orders.pick_up_stranded_orders, notices.pick_up_stranded_notices)
OUTGOING = (events.send_due, delivery.send_due)
OF_AFTERCARE = (
    reconciliation.start_when_due,
    reconciliation.go_on,
    customer_statuses.take_up,
    customer_statuses.read_due,
    unknown_writes.settle,
)
AT_REST = set(OrderState) - {OrderState.RECEIVED, OrderState.RUNNING}
PATIENCE_SECONDS = 30
CLEARING = [f'DELETE FROM "{table.name}"' for table in reversed(Base.metadata.sorted_tables)]
"""Written out: built anew by SQLAlchemy for each test, they took as long as many a test does."""
KNOW_A_DATABASE = {"Database", "PostgresServer", "Service", "ServiceProcess", "create_app", "settings_for"}


@pytest.fixture(scope="session", autouse=True)
def no_settings_from_outside() -> None:
    """A developer's .env and environment must not reach the tests."""
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
    Settings.model_config["env_file"] = None


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
        "utopia_url_endpoint": sandbox.utopia.url,
        "utopia_api_key": sandbox.utopia.api_key,
        "pc_url": sandbox.powercode.url,
        "pc_api_key": sandbox.powercode.api_key,
        "pc_cust_tags": "5,9",
        "service_plan_mapping": PLANS,
        "additional_service_plan_mapping": ADDITIONAL_PLANS,
        "mail_server": sandbox.mailbox.host,
        "mail_port": sandbox.mailbox.port,
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


@pytest.fixture(scope="session", autouse=True)
def no_long_pauses() -> None:
    """A call is repeated within its step after a moment, and not after a second or two."""
    workflow.PAUSE_SECONDS = 0.01


@pytest.fixture(scope="session", autouse=True)
def no_looks_by_the_service() -> None:
    """Tests of alerts and aftercare look when they want to; a look by the service itself would be one too many.

    So would one for what nothing works on: tests write rows that have no work.
    """
    for look in (*TELLING, *STRANDED, *OF_AFTERCARE):
        schedule.JOBS[look] = 3600.0
    for send in OUTGOING:
        glance.DUE.pop(send, None)


@pytest.fixture(scope="session", autouse=True)
def quick_hashes() -> None:
    """Hashes that are made and checked in a moment: what makes them slow is tested on its own."""
    passwords._HASHER = PasswordHasher(memory_cost=8, time_cost=1, parallelism=1)


@pytest.fixture(scope="session", autouse=True)
def made_once_for_all(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> None:
    """The test processes of a run share compiled templates, and the database with tables that others are copies of."""
    own = tmp_path_factory.getbasetemp()
    databases.shared = own if worker_id == "master" else own.parent
    Flask.jinja_options = {"bytecode_cache": FileSystemBytecodeCache(str(databases.shared))}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of the test's own."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A mail server of the test's own."""
    mailbox = Mailbox()
    mailbox.up()
    yield mailbox
    mailbox.stop()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """Loads the settings from an environment that holds what is needed, with some variables changed or gone."""
    return loader(monkeypatch)


@pytest.fixture
def idle(sandbox: Sandbox, tmp_path: Path) -> Iterator[Service]:
    """A service of the test's own that executes nothing."""
    service = Service(sandbox, settings_for(sandbox, tmp_path))
    yield service
    service.services.database.dispose()


@pytest.fixture(scope="session")
def postgres() -> PostgresServer:
    """A PostgreSQL server of the tests' own."""
    return databases.server()


@pytest.fixture(scope="session")
def postgresql_url(postgres: PostgresServer) -> str:
    """The address of an empty PostgreSQL database."""
    return postgres.url_of("postgres")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--database postgresql` runs the tests on the other database."""
    parser.addoption("--database", choices=("sqlite", "postgresql"), default="sqlite", help="run all tests on it")


def pytest_configure(config: pytest.Config) -> None:
    """Tell what makes settings which database the tests are about."""
    databases.kind = config.getoption("--database")


def pytest_unconfigure() -> None:
    """End the server, if a test started it."""
    databases.stop()


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what can't be asked here: systemd's own opinion where it isn't installed (it is not, where CI runs).

    On PostgreSQL, also what is about SQLite alone, and what knows no database and ran on SQLite already. What opens a
    browser takes long.
    """
    left_out = set()
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker("long")
    if shutil.which("systemd-analyze") is None:
        left_out |= {item for item in items if item.get_closest_marker("systemd")}
    if config.getoption("--database") == "postgresql":
        left_out |= {item for item in items if item.get_closest_marker("sqlite") or not _knows_a_database(item)}
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Each test process of a whole run imports another part first: in a fresh checkout, a part is compiled by one."""
    worker = getattr(session.config, "workerinput", None)
    if worker and [Path(each).name for each in session.config.args] == session.config.getini("testpaths"):
        own, all_of_them = int(worker["workerid"].removeprefix("gw")), worker["workercount"]
        for path in sorted(Path(__file__).parent.rglob("test_*.py"))[own::all_of_them]:
            with suppress(Exception):  # it is told when the module's tests are collected
                import_module(".".join(path.relative_to(session.config.rootpath).with_suffix("").parts))


def pytest_collection_finish() -> None:
    """From here on there is garbage, and none of it among what was imported."""
    gc.freeze()
    gc.enable()


def _knows_a_database(item: pytest.Item) -> bool:
    """By the running service that a test asks for, and by what its module imports."""
    fixtures: Sequence[str] = getattr(item, "fixturenames", ())
    return "session_service" in fixtures or bool(KNOW_A_DATABASE & vars(getattr(item, "module", object)).keys())


@pytest.fixture(scope="session")
def session_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service that most tests share."""
    with Sandbox() as sandbox:
        settings = settings_for(sandbox, tmp_path_factory.mktemp("service"))
        with Service(sandbox, settings).running() as service:
            yield service


@pytest.fixture
def service(session_service: Service) -> Iterator[Service]:
    """A running service with nothing in it."""
    session_service.empty()
    yield session_service
    session_service.sandbox.reset()


def skipped_on_ci(config: pytest.Config) -> list[Any]:
    """The reports of skipped tests, where they count as failures: with CI=true.

    What can be installed is; what only a kernel can let a test do (an overlay mount, a control group) fails no run.
    """
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter and os.environ.get("CI") == "true" else []
    return [report for report in skipped if "a kernel that lets it" not in str(report.longrepr)]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """On CI every test runs: a skipped one fails the run."""
    if skipped_on_ci(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Name the tests that failed the run by being skipped."""
    for report in skipped_on_ci(config):
        terminalreporter.write_line(f"Skipped, which fails the run as CI=true: {report.nodeid}", red=True)
