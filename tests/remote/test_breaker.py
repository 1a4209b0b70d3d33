"""The breaker's row of a system, which several processes may be the first to write."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import psycopg
import pytest
from sqlalchemy import make_url

from app.models import Base, System, now
from app.remote import breaker
from app.storage.database import Database


def test_a_harmless_call_whose_process_died_is_made_again_within_a_minute(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/handler.db")
    Base.metadata.create_all(database.engine)
    with database.write() as session:
        breaker.report_down(session, System.POWERCODE, "no answer", (0.0,))
        assert breaker.claim(session, System.POWERCODE, (0.0,))
        assert not breaker.claim(session, System.POWERCODE, (0.0,))

        again_at = breaker.next_probe_at(session, System.POWERCODE)

    assert again_at
    assert again_at < now() + timedelta(minutes=1)
    database.dispose()


@pytest.mark.long
def test_the_first_outage_that_four_orders_tell_at_once_breaks_none_of_them(postgresql_url: str) -> None:
    name = f"breaker_{uuid.uuid4().hex}"
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    url = make_url(postgresql_url).set(drivername="postgresql+psycopg", database=name)
    database, together = Database(url.render_as_string(hide_password=False)), Barrier(4)
    Base.metadata.create_all(database.engine)

    def tell(orderref: str) -> None:
        with database.write() as session:
            together.wait(10)
            breaker.report_down(session, System.MAIL, f"no connection for {orderref}", (1.0,))

    with ThreadPoolExecutor(4) as orders:
        told = [orders.submit(tell, f"UIA-{number}") for number in range(4)]
        assert [each.exception(30) for each in told] == [None] * 4

    with database.read() as session:
        assert breaker.systems_down(session)[System.MAIL].failures == 1
    database.dispose()
