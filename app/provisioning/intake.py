"""Orders that come in: each is taken in once; the newest and the oldest start in turn, strangers' orders at a low rate.

Anybody who knows the callback's address can send references that UTOPIA doesn't know, thousands of them in seconds,
and each takes a look-up. So no more than AT_WORK orders wait in the engine's queue; the others are on disk, in the
state `received` and without a `tried_at`, until their turn comes. Newest and oldest take turns so that a real order
that came last is soon next, and so that no order waits for ever behind newer ones.

An order started at UTOPIA is in PowerCode's queue a moment later, and that queue is first in, first out. So orders are
started only as long as PowerCode's queue is short: a new order is soon through it, also after an outage.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import cycle, islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, delete, func, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.durable.work_queue import WorkQueue
from app.models import HELD_BACK, Callback, CallbackOutcome, Order, OrderState, OrderStep, now
from app.provisioning import lifecycle, order_search_rows
from app.services import Services
from app.storage.database import connection_of, session_in

AT_WORK = 16
"""Four times as many as are looked up at a time: enough to keep all four look-ups busy, in a short queue."""
AT_UTOPIA = 4
WOKEN_PER_SLOT, NEW_PER_SLOT = 2, 3
"""Orders under way for each slot in PowerCode: enough that no slot is idle for a beat (1 s). After an outage, the
orders that waited leave room for new ones."""
UNKNOWN_OF_A_STRANGER = 20
WITHIN = timedelta(hours=1)
"""A sender is a stranger after so many references that UTOPIA does not know."""
OF_STRANGERS = 4
"""How many strangers' orders start at each beat (1 s), newest and oldest in turn; a real order may be among them."""

RECEIVED = text("SELECT count(*) FROM (SELECT 1 FROM orders WHERE state = 'received' LIMIT :most) AS received")

# Built once, and on the tables: asked each time that PowerCode's queue runs dry.
ORDERS, CALLBACKS = Order.__table__, Callback.__table__
ANY_HELD_BACK = select(ORDERS.c.id).where(*HELD_BACK).limit(1)
UNDER_WAY = (
    select(ORDERS.c.stage, func.count())
    .where(
        or_(
            ORDERS.c.state == OrderState.RUNNING,
            and_(ORDERS.c.state == OrderState.RECEIVED, ORDERS.c.tried_at.is_not(None)),
        )
    )
    .group_by(ORDERS.c.stage)
)
STRANGERS = (
    select(CALLBACKS.c.remote_address)
    .join(ORDERS, ORDERS.c.orderref == CALLBACKS.c.orderref)
    .where(CALLBACKS.c.received_at > bindparam("since"), CALLBACKS.c.outcome == CallbackOutcome.ORDER)
    .where(ORDERS.c.state == OrderState.NOT_OURS, CALLBACKS.c.remote_address.is_not(None))
    .group_by(CALLBACKS.c.remote_address)
    .having(func.count() >= UNKNOWN_OF_A_STRANGER)
)
START = (
    update(ORDERS)  # type: ignore[arg-type]
    .where(
        ORDERS.c.id.in_(
            select(ORDERS.c.id)
            .where(ORDERS.c.id.in_(bindparam("chosen", expanding=True)), *HELD_BACK)
            .with_for_update(skip_locked=True)
        )
    )
    .values(tried_at=bindparam("moment"))
    .returning(ORDERS.c.id, ORDERS.c.stage, ORDERS.c.orderref, ORDERS.c.run, ORDERS.c.received_at)
)
SENDER = (
    select(Callback.remote_address)
    .where(Callback.orderref == Order.orderref)
    .order_by(Callback.id)
    .limit(1)
    .scalar_subquery()
)

# Built anew for each callback, and through the mapped class, it took more time than SQLite needs to execute it.
INSERT_ORDER = {
    name: dialect.insert(ORDERS)
    .on_conflict_do_nothing(index_elements=["orderref"])
    .returning(ORDERS.c.orderref, ORDERS.c.id)
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}
NEW_ORDER: dict[str, Any] = {"run": 1, "stage": "order", "state": OrderState.RECEIVED}

_turns = cycle((0, 1))


def take_in(services: Services, connection: Connection, orderrefs: Sequence[str], most: int | None = None) -> set[str]:
    """Take orders in and start their work, once; returns those for which there was work to start.

    A known order stays as it is, but one that was not ours is looked up again. No more than `most` orders, if given,
    are started now; the others wait for their turn (`start_next`), and have no `tried_at` until then.
    """
    if not orderrefs:
        return set()
    at_once = set(orderrefs[: max(most, 0)] if most is not None else orderrefs)
    moment = now()
    rows = [
        {**NEW_ORDER, "orderref": orderref, "tried_at": moment if orderref in at_once else None}
        for orderref in orderrefs
    ]
    inserted = connection.execute(INSERT_ORDER[connection.dialect.name], rows)
    ids = {orderref: id for orderref, id in inserted}  # noqa: C416, mypy doesn't know rows for pairs
    new = set(ids)
    if new:
        order_search_rows.keep_references(connection, ids)
    if new & at_once:
        _start(services.work_queue, connection, [each for each in orderrefs if each in new & at_once])
    known = set(orderrefs) - new
    return new | _look_up_again(services, connection, known, at_once) if known else new


def _start(work_queue: WorkQueue, connection: Connection, orderrefs: Sequence[str]) -> None:
    stage, run = NEW_ORDER["stage"], NEW_ORDER["run"]
    for orderref in orderrefs:
        workflow_id = lifecycle.workflow_id_of(stage, orderref, run)
        work_queue.enqueue(connection, stage, workflow_id, lifecycle.QUEUE_OF_STAGE[stage], orderref, run)


def _look_up_again(services: Services, connection: Connection, orderrefs: set[str], at_once: set[str]) -> set[str]:
    with session_in(connection) as session:
        known = session.scalars(select(Order).where(Order.orderref.in_(orderrefs)).with_for_update())
        not_ours = [order for order in known if order.state == OrderState.NOT_OURS]
        for order in not_ours:
            if order.orderref in at_once:
                lifecycle.start_over(services, session, order)
            else:
                _hold_back(session, order)
    return {order.orderref for order in not_ours}


def _hold_back(session: Session, order: Order) -> None:
    """Let the order start over (`lifecycle.start_over`) when its turn comes, not now."""
    session.execute(delete(OrderStep).filter_by(order_id=order.id))
    order.stage, order.state, order.run, order.remarks = "order", OrderState.RECEIVED, order.run + 1, []
    order.reason = order.tried_at = order.finished_at = None


def room(connection: Connection) -> int:
    """How many more orders may be started at once."""
    return AT_WORK - int(connection.scalar(RECEIVED, {"most": AT_WORK}) or 0)


def room_at(services: Services, session: Session, stage: str, per_slot: int) -> int:
    """How many more orders may be started in a stage; those at UTOPIA count for PowerCode as well."""
    under_way: dict[str, int] = dict(connection_of(session).execute(UNDER_WAY).all())
    most = per_slot * services.settings.powercode_concurrency
    if stage == "account":
        return most - under_way.get(stage, 0)
    return min(AT_WORK - under_way.get(stage, 0), AT_UTOPIA + most - sum(under_way.values()))


def start_next(services: Services) -> int:
    """Start orders that wait for their turn, as far as there is room; returns how many."""
    with services.database.read() as session:
        if connection_of(session).scalar(ANY_HELD_BACK) is None:
            return 0
        free = room_at(services, session, "order", NEW_PER_SLOT)
        chosen = _choose(session, free, strangers(session)) if free > 0 else []
    if not chosen:
        return 0
    with services.database.write() as session:
        started = {row.id: row for row in connection_of(session).execute(START, {"chosen": chosen, "moment": now()})}
        for row in (started[each] for each in chosen if each in started):
            lifecycle.enqueue(services.work_queue, session, row)
        return len(started)


def taken(session: Session, chosen: Sequence[int], *those: ColumnElement[bool]) -> list[Order]:
    """Those of the chosen orders that are still to be started, and that no other process has taken; locked."""
    rows = select(Order).where(Order.id.in_(chosen), *those).with_for_update(skip_locked=True)
    orders = {order.id: order for order in session.scalars(rows)}
    return [orders[each] for each in chosen if each in orders]


def strangers(session: Session) -> Sequence[str]:
    """The senders of many references that UTOPIA doesn't know."""
    found = connection_of(session).scalars(STRANGERS, {"since": now() - WITHIN})
    return [address for address in found if address]


def _choose(session: Session, free: int, senders: Sequence[str]) -> list[int]:
    if not senders:
        return _in_turn(session, free, HELD_BACK_FROM_EACH_END)
    of_others = in_turn(session, free, *HELD_BACK, func.coalesce(SENDER, "").not_in(senders))
    of_strangers = in_turn(session, min(OF_STRANGERS, free - len(of_others)), *HELD_BACK, SENDER.in_(senders))
    return [*of_others, *of_strangers]


def in_turn(session: Session, count: int, *those: ColumnElement[bool]) -> list[int]:
    """The newest, the oldest, the second newest and so on. A call begins at the end that the last call didn't take."""
    return _in_turn(session, count, _from_each_end(*those)) if count > 0 else []


def _from_each_end(*those: ColumnElement[bool]) -> Sequence[Select[int]]:
    ids = select(ORDERS.c.id).where(*those).limit(bindparam("count"))
    return ids.order_by(ORDERS.c.id.desc()), ids.order_by(ORDERS.c.id)


HELD_BACK_FROM_EACH_END = _from_each_end(*HELD_BACK)


def _in_turn(session: Session, count: int, from_each_end: Sequence[Select[int]]) -> list[int]:
    connection = connection_of(session)
    ends = [connection.scalars(ids, {"count": count}).all() for ids in from_each_end]
    left = [iter(ids) for ids in ends]
    chosen: dict[int, None] = {}
    while len(chosen) < min(count, len(set().union(*ends))):
        chosen |= dict.fromkeys(islice((each for each in left[next(_turns)] if each not in chosen), 1))
    return list(chosen)
