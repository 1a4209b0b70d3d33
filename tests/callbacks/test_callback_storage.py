"""What a callback's answer depends on: the disk, and nothing else; and what the log is not told."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import event, func, select

from app import create_app
from app.models import Order
from app.observability import configure_logging
from app.setup import database_upgrade
from sandbox import Sandbox
from tests.conftest import Service, settings_for
from tests.tools.at_once import at_once
from tests.tools.callback_requests import NEW, ORDER, TAKEN, count, from_address
from tests.tools.processes import ServiceProcess

TOKEN = "tok-5f1c9e"


@contextmanager
def full_database(service: Service) -> Iterator[None]:
    """SQLite answers `database or disk is full` to whatever needs another page."""
    database = service.services.database

    def limit(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite keeps what is in use

    event.listen(database.engine, "connect", limit)
    database.close_connections()
    try:
        yield
    finally:
        event.remove(database.engine, "connect", limit)
        database.close_connections()


def fill_free_pages(service: Service, more: dict[str, Any] | None = None) -> None:
    """Until nothing more fits into the pages that the file has."""
    for body in ({"more": "x" * 4000}, {"more": ""}, {}):
        message = {**NEW, "orderref": "UIA-1", "msg": "Project Update", **body, **(more or {})}
        for _ in range(2000):
            if service.client.post("/api-callback", json=message).status_code == 503:
                break
        else:
            raise AssertionError("the database never got full")


def finished(service: Service) -> dict[str, Any]:
    """The order after a process of its own went on with it to its end."""
    with ServiceProcess(service.services.settings, service.services.database.path.parent) as process:
        return json.loads(process.run("orders", "submit", ORDER, "--json").stdout)


@pytest.mark.sweep
def test_a_full_database_is_503_and_the_order_can_be_sent_again(idle: Service) -> None:
    with full_database(idle):
        fill_free_pages(idle)
        answer = idle.callback(idle.order())
        assert answer.status_code == 503
        assert answer.json == {"error": "The callback could not be stored. Send it again in a minute"}
        assert idle.client.post("/api-callback", data=b"[" * 4000).status_code == 415  # refused, though not recorded
    assert count(idle, Order) == 0

    assert idle.callback(ORDER).status_code == 200

    assert finished(idle)["state"] == "completed"
    assert len(idle.sandbox.powercode.customers) == 1


@pytest.mark.sweep
def test_a_database_that_cannot_be_opened_is_503_and_the_order_can_be_sent_again(idle: Service) -> None:
    database = idle.services.database
    database.dispose()
    away = database.path.rename(database.path.with_suffix(".away"))
    database.path.mkdir()

    assert idle.callback(idle.order()).status_code == 503
    assert idle.client.post("/api-callback", data=b"[]").status_code == 400

    database.path.rmdir()
    away.rename(database.path)
    assert idle.callback(ORDER).status_code == 200
    assert finished(idle)["state"] == "completed"


# What the answer doesn't depend on


@pytest.mark.long
def test_the_answer_does_not_depend_on_any_remote_system(service: Service) -> None:
    sandbox = service.sandbox
    service.order()
    for server in (sandbox.utopia, sandbox.powercode, sandbox.mailbox):
        server.down()

    answer = service.callback(ORDER)

    assert (answer.status_code, answer.json) == (200, TAKEN)
    service.rested(ORDER, "waiting")
    for server in (sandbox.utopia, sandbox.powercode, sandbox.mailbox):
        server.up()
    assert service.rested(ORDER, "completed", "needs_review")["state"] == "completed"
    assert len(sandbox.powercode.customers) == 1


def test_the_answer_does_not_wait_for_remote_systems_that_hang(service: Service) -> None:
    hanging = service.sandbox.utopia.fault("*", "slow", None, seconds=60)
    for number in range(20):
        assert service.callback(f"UIA-{number}").status_code == 200
    assert hanging.taken <= 20
    service.sandbox.utopia.down()  # which ends the calls that hang


# What is not told to anybody


@pytest.fixture
def log_file(tmp_path: Path, idle: Service) -> Iterator[Path]:
    """The log of the idle service, as wsgi.py sets it up."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    path = tmp_path / "api_class.log"
    secrets = idle.services.settings.secrets()
    configure_logging(log_file=path, level="DEBUG", format="text", secrets=secrets, stderr=False)
    yield path
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_tokens_bodies_and_customers_are_not_in_the_log(idle: Service, log_file: Path) -> None:
    person = {"firstname": "Zaphira", "lastname": "Quillfeather", "phone": "406-555-0199", "notes": "gate code 7731"}
    body = {**NEW, "customer": person}

    with full_database(idle):
        fill_free_pages(idle, {"customer": person})
    with idle.changed(callback_token=SecretStr(TOKEN)):
        idle.client.post("/api-callback?token=guessed-token", json=body)
        idle.client.post(f"/api-callback?token={TOKEN}", json=body)
        idle.client.post(f"/api-callback?token={TOKEN}", data=json.dumps(body)[:-1])
        idle.client.post("/api-callback", json=body, headers={"Authorization": "Basic !!!", "X-Callback-Token": TOKEN})
    text = log_file.read_text()
    assert f"Callback {ORDER}: order" in text
    assert "could not be stored" in text
    secret = [TOKEN, "guessed-token", "Zaphira", "Quillfeather", "555-0199", "gate code", "xxxxxxxx"]
    assert [each for each in secret if each in text] == []


def test_an_application_needs_no_database_until_it_is_asked(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "occupied").write_text("no folder")
    app = create_app(settings_for(sandbox, tmp_path, database_url=f"sqlite:///{tmp_path}/occupied/handler.db"))

    answer = app.test_client().post("/api-callback", json=NEW)

    assert (answer.status_code, list(answer.json)) == (503, ["error"])


@pytest.mark.long
def test_callbacks_are_taken_on_postgresql_too(sandbox: Sandbox, postgresql_url: str, tmp_path: Path) -> None:
    service = Service(sandbox, settings_for(sandbox, tmp_path, database_url=postgresql_url, trusted_proxies=1))
    service.order()

    def send() -> int:
        return service.app.test_client().post("/api-callback", json={**NEW, "event": "\x00\ud800"}).status_code

    assert at_once(*[send] * 5) == [200] * 5
    assert from_address(service, "127.0.0.1", X_Forwarded_For="a" * 3000) == 200
    assert service.scalar(select(func.count()).select_from(Order)) == 1
    database_upgrade.upgrade(service.services.database, service.services.settings)
    service.services.database.dispose()
