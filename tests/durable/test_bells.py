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
def test_orders_and_their_mails_begin_at_once_also_where_they_are_more_than_there_are_places(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    orderrefs = [f"UIA202411-{number:06}" for number in range(1, 10)]
    settings = settings_for(sandbox, tmp_path)
    with ServiceProcess(settings, tmp_path, command=(sys.executable, "-c", NEVER_LOOKING)) as service:
        service.start()
        for number, orderref in enumerate(orderrefs, start=1):
            sandbox.utopia.add_order(orderref, **contract_of(number))
            assert service.post_callback(orderref) == 200

        until(lambda: len(sandbox.mailbox.messages) == len(orderrefs))

    assert all("Account created" in mail["Subject"] for mail in sandbox.mailbox.messages)


def test_a_ring_ends_the_wait_and_one_look_is_enough_for_it() -> None:
    bell = Bell()
    bell.ring()

    assert bell.wait(AN_HOUR)
    assert not bell._rung


def test_what_was_rung_for_during_a_look_is_looked_at_again() -> None:
    bell = Bell()
    bell.ring()
    bell.wait(AN_HOUR)

    bell.ring()

    assert bell.wait(AN_HOUR)


def test_a_stop_ends_the_wait_and_all_later_ones() -> None:
    bell = Bell()
    bell.stop()

    assert not bell.wait(AN_HOUR)
    assert not bell.wait(AN_HOUR)


def test_what_is_enqueued_in_a_transaction_rings_when_that_is_over(tmp_path: Path) -> None:
    database, bells, bell = Database(f"sqlite:///{tmp_path}/some.db"), Bells(), Bell()
    bells.put_up({"mail": bell})
    bells.listen_to(database)

    with database.write() as session:
        session.execute(text("create table some (id integer)"))
        note(session.connection().info, "mail")
        assert not bell._rung

    assert bell.wait(AN_HOUR)
    database.dispose()
