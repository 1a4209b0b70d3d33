"""The rows of a table on their way from SQLite to PostgreSQL: read as they are, checked, written, and compared.

SQLite accepts what PostgreSQL refuses: texts longer than their column, and numbers of any size. A NUL character of an
older version's is read as it is stored today. JSON is copied as text, because a missing value and JSON's own `null`
differ.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import psycopg
from sqlalchemy import JSON, BigInteger, Column, Connection, Integer, Select, String, Table, Text, cast, select, text

from app.storage.storable_text import storable

AT_ONCE = 1000
MOST_NAMED = 20
PLACE = re.compile(r"^COPY [^,]+, line (\d+)(?:, column (\w+))?", re.MULTILINE)


class NotTaken(Exception):
    """Rows that PostgreSQL does not take, each in words (`refused`)."""

    def __init__(self, those: Iterable[str]) -> None:
        super().__init__(f"PostgreSQL does not take these rows, and nothing was moved: {'; '.join(those)}")


@dataclass
class Sum:
    """How many rows a table has, and a checksum of them that does not depend on their order."""

    rows: int = 0
    _sum: int = 0

    def add(self, row: Sequence[Any]) -> None:
        """Count a row in."""
        self.rows += 1
        content = repr([value.isoformat() if isinstance(value, datetime) else value for value in row])
        added = int.from_bytes(hashlib.blake2b(content.encode(), digest_size=16).digest(), "big")
        self._sum = (self._sum + added) % 2**128

    @property
    def checksum(self) -> str:
        """32 digits."""
        return f"{self._sum:032x}"


def read(connection: Connection, table: Table) -> Iterator[Sequence[Any]]:
    """The rows of a table, a thousand at a time."""
    with connection.execute(_as_they_are(table), execution_options={"yield_per": AT_ONCE}) as found:
        for row in found:
            yield tuple(storable(value) if isinstance(value, str) else value for value in row)


def total(connection: Connection, table: Table) -> Sum:
    """Count and checksum of a table's rows."""
    summed = Sum()
    for row in read(connection, table):
        summed.add(row)
    return summed


def refused(here: Connection, table: Table) -> Iterator[str]:
    """The values of a table that PostgreSQL would refuse, as far as they are known: table, key, column, and why."""
    for row in read(here, table):
        for column, value in zip(table.columns, row, strict=True):
            why = _fault(column, value)
            if why:
                yield f"{table.name} {_key(table, row)}, {column.name}: {why}"


def copy(here: Connection, there: Connection, table: Table) -> Sum:
    """Copy a table's rows in the caller's transactions; returns the sum of what was read. Raises `NotTaken`."""
    summed, columns = Sum(), ", ".join(f'"{column.name}"' for column in table.columns)
    driver: psycopg.Connection[Any] = there.connection.driver_connection  # type: ignore[assignment]
    try:
        with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as writing:
            for row in read(here, table):
                writing.write_row(row)
                summed.add(row)
    except psycopg.Error as error:
        raise NotTaken([_place(error, here, table)]) from None
    return summed


def set_sequence(there: Connection, table: Table) -> None:
    """Rows that are added from now on get numbers after those that were copied."""
    if "id" not in table.columns:
        return
    sequence = there.scalar(text("select pg_get_serial_sequence(:name, 'id')"), {"name": table.name})
    newest = there.scalar(text(f'select max(id) from "{table.name}"'))  # noqa: S608 - one of our tables
    if sequence and newest:
        there.execute(text("select setval(:sequence, :newest)"), {"sequence": sequence, "newest": newest})


def _as_they_are(table: Table) -> Select[Any]:
    return select(*[cast(column, Text) if isinstance(column.type, JSON) else column for column in table.columns])


def _key(table: Table, row: Sequence[Any]) -> str:
    return ", ".join(str(value) for column, value in zip(table.columns, row, strict=True) if column.primary_key)


def _fault(column: Column[Any], value: Any) -> str | None:
    """Why PostgreSQL does not take a value; None when nothing is known against it."""
    if value is None:
        return None if column.nullable else "is missing"
    if isinstance(value, str):
        most = getattr(column.type, "length", None) if isinstance(column.type, String) else None
        return f"has {len(value)} characters, and {most} fit" if most and len(value) > most else None
    if isinstance(column.type, Integer) and not -_limit(column) <= value < _limit(column):
        return f"is {value}, which is too large"
    return None


def _limit(column: Column[Any]) -> int:
    """The smallest number that is too large for PostgreSQL's column."""
    return 2**63 if isinstance(column.type, BigInteger) else 2**31


def _place(error: psycopg.Error, here: Connection, table: Table) -> str:
    """Where PostgreSQL stopped, without the value, as it may be a customer's."""
    found = PLACE.search(error.diag.context or "")
    row = next(islice(read(here, table), int(found[1]) - 1, None), None) if found else None
    key = _key(table, row) if row else "a row"
    column = f", {found[2]}" if found and found[2] else ""
    return f"{table.name} {key}{column}: {error.diag.message_primary or type(error).__name__}"
