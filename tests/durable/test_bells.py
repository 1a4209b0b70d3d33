"""Work that a process enqueues begins at once, without looking again and again whether there is some."""

import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from app.durable.bells import Bell, Bells, note
from app.storage.database import Database
from sandbox import Sandbox
from tests.conftest import settings_for
from tests.tools.processes import ServiceProcess, until
from tests.tools.promises import contract_of

AN_HOUR = 3600.0


NEVER_LOOKING = (
    "import sys; from app.running import background, glance;"
    "background.POLLING_SECONDS = glance.EVERY_SECONDS = 3600.0;"
    "from gunicorn.app.wsgiapp import run; sys.argv[1:] = ['-c', 'gunicorn.conf.py', 'wsgi:app']; run()"
)
"""A service that would find by looking what is enqueued, but only after an hour."""


@pytest.mark.sweep
def test_orders_and_their_mails_begin_at_once_also_where_they_are_more_than_there_are_places(tmp_path: Path) -> None:
    orderrefs = [f"UIA202411-{number:06}" for number in range(1, 10)]
    with Sandbox() as sandbox:
        settings = settings_for(sandbox, tmp_path)
        with ServiceProcess(settings, tmp_path, command=(sys.executable, "-c", NEVER_LOOKING)) as service:
            service.start()
            for number, orderref in enumerate(orderrefs, start=1):
                sandbox.utopia.add_order(orderref, **contract_of(number))
                assert service.post_callback(orderref) == 200

            until(lambda: len(sandbox.mailbox.messages) == len(orderrefs))

    assert all("Account created" in mail["Subject"] for mail in sandbox.mailbox.messages)


def test_a_ring_ends_the_wait_and_one_look_is_enough_for_it() -> None:
    bell = Bell(1)
    bell.ring()

    assert not bell.wait(AN_HOUR)
    assert not bell.wait(0.01)


@pytest.mark.parametrize(("at_a_time", "at_work"), [(2, 2), (4, 2), (1, 1)])
def test_the_end_of_a_workflow_is_a_reason_to_look_where_another_may_have_waited(at_a_time: int, at_work: int) -> None:
    bell = Bell(at_a_time)
    for _ in range(at_work):
        bell.begins()

    bell.ends()

    assert not bell.wait(AN_HOUR)


def test_the_end_of_the_only_one_is_none() -> None:
    bell = Bell(4)
    bell.begins()
    bell.ends()

    assert bell._looks == []


def test_a_stop_ends_the_wait() -> None:
    bell = Bell(1)
    bell.set()

    assert bell.wait(AN_HOUR)


def test_what_is_enqueued_in_a_transaction_rings_when_that_is_over(tmp_path: Path) -> None:
    database, bells, bell = Database(f"sqlite:///{tmp_path}/some.db"), Bells(), Bell(1)
    bells.put_up({"mail": bell})
    bells.listen_to(database.engine)

    with database.write() as session:
        session.execute(text("create table some (id integer)"))
        note(session.connection().info, "mail")
        assert bell._looks == []

    assert not bell.wait(AN_HOUR)
    database.dispose()
