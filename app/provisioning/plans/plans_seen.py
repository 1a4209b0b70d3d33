"""Which plans UTOPIA's contracts had: the list from which staff map them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Executable, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.models import Order, PlanSeen, now
from app.provisioning.plans.mapping import monthly_descriptions, plan_key
from app.storage.database import Database, connection_of
from utopia import Contract, OrderItem

LONGEST = 200
"""In characters, of a description and of its key. A longer one is kept cut: it is shown, but can't be mapped."""
BATCH = 500


def key_of(description: str) -> str:
    """The key of a plan's row, cut where it is too long for any mapping."""
    return plan_key(description)[:LONGEST]


def record(session: Session, orderref: str, contract: Contract) -> None:
    """Note the contract's monthly plans, in the transaction that stores the contract."""
    moment = now()
    _upsert(session, [_row(name, orderref, moment, moment) for name in monthly_descriptions(contract.items)])


def backfill(database: Database) -> None:
    """Note the plans of the contracts that were stored before plans were noted.

    Everything is one commit at the end. If it breaks off, nothing is noted yet, and the next start begins anew.
    """
    with database.read() as session:
        if session.scalar(select(PlanSeen.key).limit(1)) is not None:
            return
        rows = _rows_of(_stored(session))
    if rows:
        with database.write() as session:
            _upsert(session, rows)


def _stored(session: Session) -> Iterator[Any]:
    """Reference, arrival and items of all orders that have a contract, `BATCH` at a time."""
    last = 0
    while True:
        query = select(Order.id, Order.orderref, Order.received_at, Order.contract["items"].label("items"))
        batch = session.execute(query.where(Order.id > last).order_by(Order.id).limit(BATCH)).all()
        if not batch:
            return
        yield from (row for row in batch if row.items)
        last = batch[-1].id


def _rows_of(orders: Iterable[Any]) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for order in orders:
        for name in monthly_descriptions(map(OrderItem.from_dict, order.items)):
            row = rows.setdefault(key_of(name), _row(name, order.orderref, order.received_at, order.received_at))
            if order.received_at >= row["last_seen_at"]:
                row |= {"last_seen_at": order.received_at, "last_orderref": order.orderref}
    return list(rows.values())


def _row(description: str, orderref: str, first: Any, last: Any) -> dict[str, Any]:
    return {
        "key": key_of(description),
        "description": description[:LONGEST],
        "first_seen_at": first,
        "last_seen_at": last,
        "last_orderref": orderref,
    }


def _upsert(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write each key once and in sorted order, so that two transactions can't deadlock."""
    connection = connection_of(session)
    distinct = {row["key"]: row for row in rows if row["key"]}
    for _, row in sorted(distinct.items()):
        connection.execute(UPSERT[connection.dialect.name], row)


def _upserting(dialect: Any) -> Executable:
    statement = dialect.insert(SEEN)
    newer = statement.excluded.last_seen_at >= SEEN.c.last_seen_at
    changes = {name: statement.excluded[name] for name in ("last_seen_at", "last_orderref")}
    upserting: Executable = statement.on_conflict_do_update(index_elements=["key"], set_=changes, where=newer)
    return upserting


SEEN = PlanSeen.__table__
UPSERT = {"sqlite": _upserting(sqlite), "postgresql": _upserting(postgresql)}
