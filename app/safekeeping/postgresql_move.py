"""Moves a SQLite installation to PostgreSQL, once, including orders at work.

Everything is copied and compared in one transaction of the target. Just before its commit, the old database is marked
as moved: after a kill in between, neither database works, and a repeated move finds out which one counts. The engine's
own tables are not copied: our rows say what is done and what is in doubt, and the work is enqueued anew.
"""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice

from sqlalchemy import Connection, Table, delete, func, inspect, make_url, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app import notices
from app.digest import run_starts
from app.durable.locks import executing
from app.durable.work_queue import WorkQueue
from app.models import Base, DatabaseMove, DigestRun, Notice, NoticeState, Order, OrderState, RunState, now
from app.provisioning import lifecycle
from app.safekeeping import moved_rows
from app.safekeeping.exclusive_use import alone
from app.services import Services
from app.setup import database_upgrade
from app.storage import moves
from app.storage.database import Database, session_in
from config_values import postgresql_address

POSTGRESQL = re.compile(r"^postgres(ql)?(\+psycopg)?://")
TABLES: list[Table] = [table for table in Base.metadata.sorted_tables if table is not moves.TABLE]


class NotMoved(Exception):
    """Nothing was moved; the text is a sentence for people."""


@dataclass(frozen=True)
class Moved:
    """What was moved: rows by table, and the work enqueued there. All empty when only the final mark was missing."""

    address: str
    rows: dict[str, int]
    orders_at_work: int
    notices_on_the_way: int
    digests_at_work: int


def move(services: Services, url: str, tell: Callable[[str], None]) -> Moved:
    """Copy everything to an empty PostgreSQL database, and close the SQLite one for good.

    `tell` gets a line for each table. Raises `NotMoved`, `moved_rows.NotTaken`, `exclusive_use.InUse` or
    `moves.DatabaseMoved`.
    """
    source = services.database
    with _both(services, url) as (target, begun):
        if begun is None:
            database_upgrade.upgrade_tables(source)
        elif begun.arrived_at is not None:
            moves.refuse_moved(source)
        key = begun.key if begun else secrets.token_hex(16)
        database_upgrade.upgrade_tables(target)
        came = moves.of(target)
        if came is not None and came.key == key:
            moves.arrived(source)
            return Moved(told(target.url), {}, 0, 0, 0)
        moved = _copy(replace(services, database=target, work_queue=WorkQueue(target)), source, key, tell)
        moves.arrived(source)
        return moved


def undo(services: Services, url: str) -> str:
    """Undo a move, as long as nothing has happened in the target; returns the target's address. Raises as `move`."""
    source = services.database
    with _both(services, url) as (target, begun):
        if begun is None:
            raise NotMoved("This database was not moved; there is nothing to take back")
        came = moves.of(target) if inspect(target.engine).has_table(moves.TABLE.name) else None
        if came is not None and came.key == begun.key:
            _empty(target, begun)
        moves.open_again(source)
        return begun.address


def told(url: str) -> str:
    """A database's address without user and password."""
    parts = make_url(url)
    host = parts.host or parts.query.get("host") or "localhost"
    return f"postgresql://{host}" + (f":{parts.port}" if parts.port else "") + f"/{parts.database}"


@contextmanager
def _both(services: Services, url: str) -> Iterator[tuple[Database, DatabaseMove | None]]:
    """The target, and the move to it that was begun before; holds the source exclusively."""
    source = services.database
    if not source.is_sqlite:
        raise NotMoved("DATABASE_URL is PostgreSQL already; only a SQLite database is moved")
    if not source.path.is_file():
        raise NotMoved(f"There is no database {source.path}")
    if not POSTGRESQL.match(url):
        raise NotMoved("--to must be an address such as postgresql://user:password@host:5432/name")
    try:
        target = Database(postgresql_address(POSTGRESQL.sub("postgresql+psycopg://", url)))
    except ValueError as why:
        raise NotMoved(f"--to {why}") from None
    try:
        with alone(source):
            begun = moves.of(source)
            if begun is not None and begun.address != told(target.url):
                raise NotMoved(f"This database is being moved to {begun.address}, or was: name that address")
            _check_free(target)
            yield target, begun
    finally:
        target.dispose()


def _check_free(target: Database) -> None:
    try:
        working = executing(target)
    except SQLAlchemyError as error:
        raise NotMoved(f"{told(target.url)} can't be used ({type(error).__name__}); nothing was moved") from None
    if working:
        raise NotMoved(f"A service works on {told(target.url)} already. Stop it first")


def _copy(services: Services, source: Database, key: str, tell: Callable[[str], None]) -> Moved:
    """Copy everything; `services` are those of the target."""
    target = services.database
    move = DatabaseMove(key=key, address=told(target.url))
    with target.engine.begin() as there:
        _take_empty(there, move.address)
        with source.engine.begin() as here:
            _check_rows(here)
            counts = {table.name: _copy_table(here, there, table, tell) for table in TABLES}
            with session_in(there) as session:
                orders, pending, digests = _start_work(services, session)
            move.content = _content(there)
            with session_in(there) as session:
                session.add(DatabaseMove(key=key, address=move.address, content=move.content, arrived_at=now()))
            moves.close(here, move)
    return Moved(move.address, counts, orders, pending, digests)


def _check_rows(here: Connection) -> None:
    """Raises `moved_rows.NotTaken` with the first values that PostgreSQL would refuse."""
    refused = (each for table in TABLES for each in moved_rows.refused(here, table))
    named = list(islice(refused, moved_rows.MOST_NAMED))
    if named:
        raise moved_rows.NotTaken(named)


def _take_empty(there: Connection, address: str) -> None:
    """Lock the target against other writers; raises `NotMoved` when it isn't empty."""
    _lock(there, [*TABLES, moves.TABLE])
    filled = [table.name for table in [*TABLES, moves.TABLE] if there.scalar(select(func.count()).select_from(table))]
    if filled:
        raise NotMoved(f"{address} is not empty (it has {', '.join(filled[:3])}). Make a new one: createdb NAME")


def _lock(there: Connection, tables: list[Table]) -> None:
    """Lock the target's tables until the transaction ends. It may be idle for as long as reading the source takes."""
    there.execute(text("set local idle_in_transaction_session_timeout = 0"))
    names = ", ".join(f'"{table.name}"' for table in tables)
    there.execute(text(f"lock table {names} in exclusive mode"))


def _copy_table(here: Connection, there: Connection, table: Table, tell: Callable[[str], None]) -> int:
    """Copy a table, read it back and compare; returns how many rows it has."""
    read = moved_rows.copy(here, there, table)
    moved_rows.set_sequence(there, table)
    if moved_rows.total(there, table) != read:
        raise NotMoved(f"{table.name} did not arrive as it was; nothing was moved")
    tell(f"{table.name}: {read.rows} rows")
    return read.rows


def _start_work(services: Services, session: Session) -> tuple[int, int, int]:
    """Enqueue the work: orders, notices and runs of the digest. What waits for a retry is started at its time."""
    at_work = select(Order).where(Order.state.in_((OrderState.RECEIVED, OrderState.RUNNING))).order_by(Order.id)
    orders = session.scalars(at_work).all()
    for order in orders:
        lifecycle.next_run(services, session, order, state=OrderState(order.state))
    on_the_way = select(Notice).where(Notice.state == NoticeState.PENDING, Notice.next_try_at.is_(None))
    pending = session.scalars(on_the_way.order_by(Notice.id)).all()
    for notice in pending:
        notices.next_run(services.work_queue, session, notice)
    runs = session.scalars(select(DigestRun).where(DigestRun.state == RunState.RUNNING)).all()
    for run in runs:
        run_starts.next_attempt(services, session, run)
    return len(orders), len(pending), len(runs)


def _content(there: Connection) -> str:
    """A checksum of the new database's content."""
    whole = moved_rows.Sum()
    for table in TABLES:
        whole.add([table.name, moved_rows.total(there, table).checksum])
    return whole.checksum


def _empty(target: Database, begun: DatabaseMove) -> None:
    """Empty the new database again; raises `NotMoved` when its content has changed since the move."""
    with target.engine.begin() as there:
        _lock(there, TABLES)
        if _content(there) != begun.content:
            raise NotMoved(f"The service worked on {begun.address} since the move: that can't be taken back")
        for table in reversed([*TABLES, moves.TABLE]):
            there.execute(delete(table))
    queue = WorkQueue(target)
    queue.forget([row.workflow_id for row in queue.client.list_workflows(load_input=False, load_output=False)])
