"""A SQLite database with an order in it, its commands, the service on it as a process; somebody of the office."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from app.models import Order, Role
from app.services import Services
from app.setup import database_upgrade
from sandbox import Sandbox
from tests.conftest import Service, settings_for
from tests.console.persons import Person, somebody_with
from tests.tools import databases
from tests.tools.processes import ServiceProcess


@pytest.fixture
def app(sandbox: Sandbox, tmp_path: Path) -> Iterator[Flask]:
    """The service's commands on a database with one order; nothing runs."""
    app = create_app(settings_for(sandbox, tmp_path, database_url=f"sqlite:///{tmp_path}/handler.db"))
    services: Services = app.extensions["services"]
    databases.with_tables(services.settings.database_url)
    database_upgrade.upgrade(services.database, services.settings)
    with services.database.write() as session:
        session.add(Order(orderref="UIA-1"))
    yield app
    services.database.dispose()


@pytest.fixture
def process(sandbox: Sandbox, tmp_path: Path) -> Iterator[ServiceProcess]:
    """The service on the same database, to be started."""
    settings = settings_for(
        sandbox,
        tmp_path,
        database_url=f"sqlite:///{tmp_path}/handler.db",
        powercode_concurrency=20,
        read_timeout_seconds=60,
        connect_timeout_seconds=5,
    )
    with ServiceProcess(settings, tmp_path) as process:
        yield process


@pytest.fixture
def as_staff(service: Service) -> Person:
    """Signed in on the service that most tests share, may settle orders."""
    return somebody_with(service, Role.STAFF)
