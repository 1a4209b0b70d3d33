"""A database that somebody else has locked: whoever asks over HTTP is told so within seconds, in their own form."""

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.models import Role
from app.storage.database import Database
from app.storage.patience import in_a_hurry
from tests.conftest import Service
from tests.console.persons import NAMES, Person, add_user
from tests.tools.callback_requests import NEW, ORDER, post, stored, threaded_server

TWICE_THE_PATIENCE = pytest.mark.timeout(60)  # of those who work, and not of those who ask
pytestmark = [pytest.mark.long, TWICE_THE_PATIENCE]


@contextmanager
def locked(service: Service) -> Iterator[None]:
    """As a shell that was left open amid a transaction does it."""
    held: Database = service.services.database
    if held.is_sqlite:
        with closing(sqlite3.connect(held.path, isolation_level=None)) as shell:
            shell.execute("BEGIN IMMEDIATE")
            yield
        return
    with held.engine.connect() as shell, shell.begin():
        for table in ("orders", "callbacks", "users", "failed_sign_ins", "sign_ins"):
            if shell.execute(text("select to_regclass(:name)"), {"name": table}).scalar():
                shell.execute(text(f"lock table {table} in exclusive mode"))
        yield


@pytest.mark.sweep
def test_callbacks_are_503_and_none_is_500_however_many_come(idle: Service) -> None:
    with locked(idle), threaded_server(idle) as port, ThreadPoolExecutor(40) as senders:
        answers = list(
            senders.map(lambda number: post(port, json.dumps(NEW | {"orderref": f"UIA-{number}"})), range(40))
        )

    assert {status for status, _ in answers} == {503}
    assert [content for _, content in answers if list(content) != ["error"]] == []
    assert stored(idle) == []
    assert idle.callback(ORDER).status_code == 200


def test_a_refusal_is_still_a_refusal(idle: Service) -> None:
    with locked(idle), idle.changed(callback_token=SecretStr("x")):
        assert idle.client.post("/api-callback", json=NEW).status_code == 401


@pytest.mark.parametrize("path", ["/login", "/console/people/me/sign-out-elsewhere", "/console/orders/UIA-1/dismiss"])
def test_a_page_that_writes_says_so_on_a_page_of_its_own(idle: Service, path: str) -> None:
    add_user(idle, Role.ADMINISTRATOR)
    person = Person(idle.app.test_client())
    person.sign_in(NAMES[Role.ADMINISTRATOR])
    idle.callback("UIA-1")
    form = {"run": "1", "note": "none", "name": NAMES[Role.ADMINISTRATOR], "password": "wrong", "present": "wrong"}
    token = person.token()

    with locked(idle):
        answer = (Person(idle.app.test_client()) if path == "/login" else person).post(path, {**form})

    assert token
    assert answer.status_code == 503, answer.text
    assert "The database is busy" in answer.text
    assert "<nav" in answer.text or path == "/login"


def test_pages_that_only_read_are_there(idle: Service) -> None:
    add_user(idle, Role.STAFF)
    person = Person(idle.app.test_client())
    person.sign_in(NAMES[Role.STAFF])

    with locked(idle):
        assert person.get("/console").status_code == 200


@pytest.mark.sqlite
def test_a_page_says_so_too_where_not_even_the_sign_in_can_be_read(idle: Service) -> None:
    add_user(idle, Role.STAFF)
    person = Person(idle.app.test_client())
    person.sign_in(NAMES[Role.STAFF])
    idle.services.database.dispose()
    away = idle.services.database.path.rename(idle.services.database.path.with_suffix(".away"))
    idle.services.database.path.mkdir()

    answer = person.get("/console")

    idle.services.database.path.rmdir()
    away.rename(idle.services.database.path)
    assert answer.status_code == 503
    assert "The database is busy" in answer.text


@pytest.mark.sqlite
def test_who_works_waits_longer_than_who_asks(idle: Service) -> None:
    """An order's outcome is worth the wait; a person at a page is told."""
    writes = idle.services.database.write
    with locked(idle), pytest.raises(OperationalError), in_a_hurry(0.1), writes() as session:
        session.execute(text("select 1"))
    with ThreadPoolExecutor(1) as worker:
        with locked(idle):
            written = worker.submit(idle.services.database.insist, lambda session: session.execute(text("select 1")))
            assert not written.done()
        assert written.result() is None
