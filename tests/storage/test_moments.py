"""A moment comes back in UTC and with its zone, from either database, whoever wrote it there."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import DateTime, bindparam, select, text, type_coerce
from sqlalchemy.dialects import sqlite

from app.models import UtcDateTime
from tests.conftest import Service

MOMENT = datetime(2026, 11, 29, 7, 5, tzinfo=timezone(timedelta(hours=-7)))


def read_back(service: Service, moment: datetime | None) -> datetime | None:
    with service.services.database.read() as session:
        return session.scalar(select(type_coerce(bindparam("moment", moment, UtcDateTime), UtcDateTime)))


@pytest.mark.parametrize("moment", [MOMENT, MOMENT.replace(microsecond=7), None])
def test_a_moment_comes_back_in_utc(service: Service, moment: datetime | None) -> None:
    known = read_back(service, moment)

    assert known == moment
    assert known is None or known.tzinfo is UTC or known.utcoffset() == timedelta(0)


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))
def test_on_sqlite_a_moment_is_written_as_sqlalchemy_writes_it(moment: datetime) -> None:
    dialect = sqlite.dialect()
    ours = UtcDateTime().bind_processor(dialect)
    its_own = DateTime().dialect_impl(dialect).bind_processor(dialect)
    assert ours and its_own

    assert ours(moment.replace(tzinfo=UTC)) == its_own(moment)


@pytest.mark.sqlite
def test_a_moment_that_sqlite_wrote_itself_is_read(service: Service) -> None:
    with service.services.database.read() as session:
        moment = session.scalar(text("SELECT CURRENT_TIMESTAMP AS moment").columns(moment=UtcDateTime))
        same = session.scalar(text("SELECT '2026-11-29 14:05:00' AS moment").columns(moment=UtcDateTime))
    assert abs(moment - datetime.now(UTC)) < timedelta(minutes=1)
    assert same == MOMENT
