"""The service as tests use it: real database, real engine, real HTTP and SMTP to a sandbox on loopback.

One service runs for the whole session on SQLite; each test finds it empty (`service`). What needs another
database or other processes starts its own.
"""

import gc
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from hypothesis import settings as hypothesis_settings
from jinja2 import FileSystemBytecodeCache

from app import notices
from app.aftercare import customer_statuses, reconciliation, unknown_writes
from app.alerts import long_waits
from app.alerts.certificate import look_at_certificate
from app.alerts.watch import watch_for_alerts
from app.channels import delivery, messages
from app.morning.schedule import tell_when_due
from app.outgoing import events
from app.people import passwords
from app.provisioning import due_orders, workflow
from app.provisioning.causes import cause_mails
from app.running import glance, schedule
from config import Settings
from sandbox import Mailbox, Sandbox
from tests.tools import databases
from tests.tools.environments import loader
from tests.tools.postgres import PostgresServer
from tests.tools.service import Service, settings_for, wait_for

__all__ = ["Service", "settings_for", "wait_for"]

hypothesis_settings.register_profile("service", deadline=None, max_examples=40, derandomize="CI" in os.environ)
"""On CI a test tries the same examples each time; all other runs look for new ones."""
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
KNOW_A_DATABASE = {"Database", "PostgresServer", "Service", "ServiceProcess", "create_app", "settings_for"}


@pytest.fixture(scope="session", autouse=True)
def no_settings_from_outside() -> None:
    """A developer's .env and environment must not reach the tests."""
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
    Settings.model_config["env_file"] = None


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
def made_once_for_all(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> None:
    """The test processes of a run share compiled templates, and the database with tables that others are copies of."""
    own = tmp_path_factory.getbasetemp()
    databases.shared = own.parent if hasattr(pytestconfig, "workerinput") else own
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
