"""How large the database becomes at an office with 100 orders a day and a digest for 200 customers a week.

`python -m benchmarks.growth [--quick]` lets a few orders through the real service and a sandbox, and copies their rows
in all tables, the engine's too, for every day of 5 years (--quick: of 18 months). At the end of each month it prunes
with the service's own `prune`; the service does that daily. On SQLite. Prints what one order leaves and how much of it
later, and the size of the file year by year. Exits with 1 when the file was ever larger than promised.
"""

import argparse
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event, insert

from app import create_app
from app.models import (
    Base,
    DigestMessage,
    DigestRun,
    DigestSetAside,
    MessageState,
    ReportedTicket,
    RunState,
    UtcDateTime,
)
from app.safekeeping import pruning
from app.services import Services
from app.setup import database_upgrade
from app.storage.engines import MODE, REPEATABLE
from benchmarks.running import settings_for, settings_with
from sandbox.process import SandboxProcess
from tests.tools.office import Office
from tests.tools.processes import ServiceProcess
from tests.tools.promises import contract_of

ORDERS_A_DAY = 100
SAMPLE = 20
"""So many orders are made by the service: one for somebody who has an account, and one of another provider."""
UPDATES = 3
"""Callbacks that tell of an order's progress, for each order."""
CUSTOMERS_TOLD, TICKETS_EACH, ROWS_SET_ASIDE = 200, 2, 5
PROMISED_MEGABYTES = 1000.0
SELDOM = "wal_autocheckpoint = 20000"
"""Syncs to the disk less often than the service does, as no power cut is simulated."""
BEGINS = datetime(2026, 1, 1, tzinfo=UTC)

OURS = ("orders", "order_search", "order_steps", "order_decisions", "order_exchanges")
OURS_BY_REFERENCE = ("callbacks", "notices", "notice_deliveries")
ENGINES = ("workflow_status", "workflow_input", "workflow_output", "operation_outputs")
GO_SOONER = ((pruning.WORKFLOWS_KEPT, ENGINES), (pruning.EXCHANGES_KEPT, ("order_exchanges",)))
"""What goes before the details of an order that is done, and after how long."""
ENGINES_MOMENTS = ("created_at", "updated_at", "completed_at", "retention_timestamp")


# Real orders, once


def make_sample(folder: Path) -> Path:
    """A database in which the service has finished `SAMPLE` orders of every kind that is common."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(SandboxProcess())
        settings = settings_for(sandbox, folder, retry_minutes="0.01")
        service = stack.enter_context(ServiceProcess(settings, folder))
        service.start()
        office = stack.enter_context(closing(Office(settings, sandbox.control.state)))
        orderrefs = [f"UIA202601-{number:06}" for number in range(SAMPLE)]
        for number, orderref in enumerate(orderrefs[:-2]):
            sandbox.control.add_order(orderref, **contract_of(number))
            service.post_callback(orderref)
        office.rested(orderrefs[:-2])
        sandbox.control.add_order(orderrefs[-2], **contract_of(0))
        for orderref in orderrefs[-2:]:
            service.post_callback(orderref)
        for orderref in UPDATES * orderrefs:
            service.post_callback(orderref, "Project Update")
        states = Counter(order["state"] for order in office.rested(orderrefs))
        assert states == {"completed": SAMPLE - 2, "exists": 1, "not_ours": 1}, states
        service.terminate()
        service.ended()
    return folder / "handler.db"


def print_an_order(sample: Path) -> None:
    """The bytes that an order of the sample left, with `UPDATES` callbacks more, by table with its indexes."""
    tables = (*OURS, *OURS_BY_REFERENCE, *ENGINES)
    by_table = "SELECT tbl_name, sum(payload) FROM dbstat JOIN sqlite_master USING (name) GROUP BY 1 ORDER BY 2 DESC"
    with closing(sqlite3.connect(sample)) as connection:
        sizes = {table: size / SAMPLE for table, size in connection.execute(by_table) if table in tables}
    engines = sum(size for table, size in sizes.items() if table in ENGINES)
    shown = "".join(f", {table} {size:,.0f}" for table, size in sizes.items() if table not in ENGINES)
    print(f"an order leaves {sum(sizes.values()):,.0f} bytes: the engine's tables {engines:,.0f}{shown}")
    for kept, gone in GO_SOONER:
        sizes = {table: size for table, size in sizes.items() if table not in gone}
        print(f"{kept.days} days after it was finished, {sum(sizes.values()):,.0f} of them are left")


# The same again, every day


class Copies:
    """Writes copies of the sample's rows into a database, with other keys and dates."""

    def __init__(self, path: Path, sample: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("synchronous = OFF", "cache_size = -200000", SELDOM):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute("ATTACH ? AS once", (str(sample),))
        self._connection.execute("CREATE TEMP TABLE copies (number INTEGER, seconds INTEGER)")
        self._made_at = datetime.now(UTC)
        self._number = 0
        tables = (*OURS, *OURS_BY_REFERENCE, *ENGINES)
        self._statements = [self._statement(table) for table in tables]

    def add(self, day: datetime) -> None:
        """A day's orders."""
        copies = ORDERS_A_DAY // SAMPLE
        seconds = int((day - self._made_at).total_seconds())
        rows = [(self._number + each, seconds + each * 86_400 // copies) for each in range(copies)]
        self._number += copies
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("DELETE FROM copies")
        self._connection.executemany("INSERT INTO copies VALUES (?, ?)", rows)
        for statement in self._statements:
            self._connection.execute(statement)
        self._connection.execute("COMMIT")

    def megabytes(self, path: Path) -> float:
        """The size of the database, with its log's content moved into it."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return path.stat().st_size / 1e6

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def _statement(self, table: str) -> str:
        columns = [str(row[1]) for row in self._connection.execute(f"PRAGMA once.table_info({table})")]
        values = {column: _value(table, column) for column in columns}
        names = ", ".join(f'"{column}"' for column, value in values.items() if value)
        chosen = ", ".join(value for value in values.values() if value)
        return f"INSERT INTO main.{table} ({names}) SELECT {chosen} FROM copies CROSS JOIN once.{table} AS t"


def _value(table: str, column: str) -> str:
    """What a copy has in a column: SQL on `t`, the sample's row, and `copies`; "" where the database gives a number."""
    same = f't."{column}"'
    if column in ("order_id", "notice_id") or (column == "id" and table in ("orders", "notices")):
        return f"copies.number * 100 + {same}"
    if column == "id":
        return ""
    if column == "orderref":
        return f"substr({same}, 1, 10) || printf('%06d', copies.number * {SAMPLE} + substr({same}, 11))"
    if column in ("workflow_uuid", "key"):
        return f"{same} || '-' || copies.number"
    if table in ENGINES:
        is_moment = column.endswith("_epoch_ms") or column in ENGINES_MOMENTS
        return f"{same} + 1000 * copies.seconds" if is_moment else same
    is_moment = isinstance(Base.metadata.tables[table].c[column].type, UtcDateTime)
    return f"strftime('%Y-%m-%d %H:%M:%f000', {same}, copies.seconds || ' seconds')" if is_moment else same


def add_digest(services: Services, number: int, moment: datetime) -> None:
    """A week's digest, as its run leaves it."""
    week = f"{moment:%G-W%V}"
    names = [f"ada.lind.{customer:04}@example.com" for customer in range(CUSTOMERS_TOLD)]
    told = {"run_id": number, "full_name": "Ada LIND", "state": MessageState.ACCEPTED, "sent_at": moment}
    first = number * CUSTOMERS_TOLD
    messages = [
        {"id": first + each, "slot": f"{week} {name}", "batch": each // 100, "email": name, "email_key": name, **told}
        for each, name in enumerate(names)
    ]
    tickets = [f"TM-{first * TICKETS_EACH + each}" for each in range(CUSTOMERS_TOLD * TICKETS_EACH)]
    run = {"key": f"schedule {moment}", "iso_week": week, "started_by": "schedule", "source": "sheets:1!Sheet1!A:F"}
    row = {"run_id": number, "cause": "date", "reason": "The date can't be read", "date": "31/31/2026"}
    with services.database.write() as session:
        session.execute(
            insert(DigestRun).values(id=number, state=RunState.COMPLETED, started_at=moment, finished_at=moment, **run)
        )
        session.execute(insert(DigestMessage), messages)
        session.execute(
            insert(ReportedTicket), [_ticket(each, first, moment, name) for each, name in enumerate(tickets)]
        )
        aside = [
            {**row, "row": each, "ticket": "TM-1", "name": "Ada", "email": names[0]} for each in range(ROWS_SET_ASIDE)
        ]
        session.execute(insert(DigestSetAside), aside)


def _ticket(each: int, first: int, moment: datetime, name: str) -> dict[str, Any]:
    key = name.casefold()
    slots = {"slot": f"{moment.date()} {key}", "ticket": name, "ticket_key": key, "closed_on": moment.date()}
    return {"message_id": first + each // TICKETS_EACH, **slots}


# Years


def months(years: float) -> Iterator[list[datetime]]:
    """The days of each month."""
    days = [BEGINS + timedelta(days=day) for day in range(round(years * 365))]
    while days:
        month = [day for day in days if (day.year, day.month) == (days[0].year, days[0].month)]
        yield month
        del days[: len(month)]


def grow(services: Services, copies: Copies, years: float) -> float:
    """Simulate the years; returns the largest size of the file in MB."""
    largest, weeks, began = 0.0, 0, time.perf_counter()
    for number, month in enumerate(months(years), 1):
        for day in month:
            copies.add(day)
            if day.weekday() == 0:
                weeks += 1
                add_digest(services, weeks, day)
        pruning.prune(services, month[-1] + timedelta(days=1), pause=0)
        largest = max(largest, copies.megabytes(services.database.path))
        if number % 12 == 0:
            took = time.perf_counter() - began
            print(
                f"{month[-1]:%Y-%m-%d}{number * 365 * ORDERS_A_DAY // 12:>12,} orders{largest:>10.0f} MB{took:>8.0f} s"
            )
    return largest


def _hurry(services: Services) -> None:
    engine = services.database.engine
    services.database.close_connections()
    event.listen(engine, "connect", lambda connection, _record: connection.execute(f"PRAGMA {SELDOM}"))
    event.listen(engine, "checkout", lambda _connection, record, _proxy: record.info.setdefault(MODE, REPEATABLE))


def main() -> None:
    """Simulate, print, and exit with 1 when the file is too large."""
    parser = argparse.ArgumentParser(description="How large the database becomes")
    parser.add_argument("--quick", action="store_true", help="18 months instead of 5 years")
    years = 1.5 if parser.parse_args().quick else 5.0
    with tempfile.TemporaryDirectory() as folder:
        made, grown = Path(folder, "sample"), Path(folder, "grown")
        made.mkdir()
        sample = Path(shutil.copy(make_sample(made), Path(folder, "sample.db")))
        print_an_order(sample)
        settings = settings_with(grown)
        services: Services = create_app(settings).extensions["services"]
        database_upgrade.upgrade(services.database, settings)
        _hurry(services)
        with closing(Copies(services.database.path, sample)) as copies:
            largest = grow(services, copies, years)
        services.database.dispose()
    kept = largest < PROMISED_MEGABYTES
    words = (
        f"{largest:.0f} MB after {years:g} years with {ORDERS_A_DAY} orders a day, promised < {PROMISED_MEGABYTES:g} MB"
    )
    print(f"{'kept    ' if kept else 'NOT KEPT'}  {words}")
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
