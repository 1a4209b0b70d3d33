"""Deletes old data in small batches with pauses, so that a callback never waits for it.

An order's own row stays for ever, with what it is found by and people's decisions about it. Its steps, and what
colleagues told each other about it, are deleted KEEP_DAYS after it was finished; what was said to the remote systems
for it goes sooner, as the order and its steps tell the same in fewer words. Each batch is a transaction of its own
and is selected anew, so the next pruning continues one that was stopped or killed, and two hosts that prune at the same
time take different batches.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, exists, func, null, or_, select, update
from sqlalchemy.orm import Session

from app.models import (
    Alert,
    Callback,
    Case,
    CustomerWrite,
    DigestRun,
    DigestSetAside,
    LastPruning,
    Notice,
    NoticeState,
    OnIt,
    Order,
    OrderDecision,
    OrderExchange,
    OrderState,
    OrderStep,
    Outgoing,
    PutOff,
    Reconciliation,
    now,
)
from app.provisioning import order_search_rows
from app.provisioning.actions import TOLD_ONLY
from app.services import Services
from app.storage.database import insert_if_new

FINISHED = (OrderState.COMPLETED, OrderState.EXISTS, OrderState.NOT_OURS, OrderState.DISMISSED)
log = logging.getLogger(__name__)

WORKFLOWS_KEPT = timedelta(days=30)
"""How long the engine's records of finished workflows are kept; our own rows say the same."""
EXCHANGES_KEPT = timedelta(days=90)
"""How long what was sent to UTOPIA and PowerCode, and what they answered, is kept after an order is done."""
UNCLAIMED_KEPT = timedelta(days=90)
MOST_UNCLAIMED_CALLBACKS = 20_000

FURTHER_AT_A_TIME = timedelta(days=7)
A_DAY = timedelta(hours=20)
"""A clock that is a year ahead must not delete a year at once, so the limit moves by a week a day at most."""

BATCH = 100
WORKFLOWS_IN_A_BATCH = 4 * BATCH
"""This many workflows have about as many rows as a batch of orders."""
PAGE = 1000
"""Orders that are checked before the next pause; most of them were pruned long ago."""
PAUSE_SECONDS = 0.05

OF_NO_ORDER = ~exists().where(Order.orderref == Callback.orderref)
MAY_STILL_GO_OUT = exists().where(
    Notice.order_id == Order.id, Notice.state.in_((NoticeState.PENDING, NoticeState.FAILED))
)
HAS_SENT = and_(
    Order.state != OrderState.COMPLETED, exists().where(OrderStep.order_id == Order.id, OrderStep.sent_at.is_not(None))
)
IS_NEEDED = or_(MAY_STILL_GO_OUT, HAS_SENT)
"""Such an order keeps its contract and its steps: a notice about it is still to be written, or a person may let it go
on, and what is or may be in PowerCode must not be done twice."""
SAYS_TWICE = and_(exists().where(OrderExchange.order_id == Order.id), ~HAS_SENT)
"""What an order closed half done has said is read again when a person takes it up."""
HAS_DETAILS = and_(
    or_(Order.contract.is_not(null()), exists().where(OrderStep.order_id == Order.id)),
    ~IS_NEEDED,
)


def prune(
    services: Services,
    moment: datetime | None = None,
    *,
    stopping: threading.Event | None = None,
    pause: float = PAUSE_SECONDS,
) -> None:
    """Delete what is too old at `moment` (default: `believed_moment`); `stopping` ends it after a batch."""
    _run(_batches(services, moment or believed_moment(services, now())), stopping, pause)


def believed_moment(services: Services, clock: datetime) -> datetime:
    """The clock's time, but at most a week after the moment of the last pruning; moves once a day at most.

    A service that was off for a year catches up within weeks. At the first pruning, the newest callback's time is used,
    on the assumption that the clock was right then.
    """
    with services.database.write() as session:
        if session.get(LastPruning, 1) is None:
            newest = session.scalar(select(func.max(Callback.received_at)))
            insert_if_new(session, LastPruning, "id", id=1, as_of=newest or clock, pruned_at=clock - A_DAY)
        last = session.get_one(LastPruning, 1, with_for_update=True)
        may_move = not timedelta() <= clock - last.pruned_at < A_DAY
        believed = min(clock, last.as_of + FURTHER_AT_A_TIME if may_move else last.as_of)
        if may_move or believed < last.as_of:
            last.as_of, last.pruned_at = believed, clock
    if believed < clock:
        log.warning("Pruned as of %s only, in case the clock is wrong: a week a day", f"{believed:%Y-%m-%d}")
    return believed


def limit_unclaimed_callbacks(
    services: Services, *, stopping: threading.Event | None = None, pause: float = PAUSE_SECONDS
) -> None:
    """Keep only the newest callbacks that belong to no order: anybody can send such callbacks."""
    beyond = select(Callback.id).where(OF_NO_ORDER).order_by(Callback.id.desc()).offset(MOST_UNCLAIMED_CALLBACKS)
    with services.database.read() as session:
        newest_to_go = session.scalar(beyond.limit(1))
    if newest_to_go is not None:
        _run(_delete(services, Callback, OF_NO_ORDER, Callback.id <= newest_to_go), stopping, pause)


def _run(batches: Iterator[None], stopping: threading.Event | None, pause: float) -> None:
    """Run the batches with pauses between them, in which others get the database. Each batch is one transaction."""
    stopping = stopping or threading.Event()
    for _ in batches:
        if stopping.wait(pause):
            return


def _batches(services: Services, moment: datetime) -> Iterator[None]:
    kept_since, unclaimed_since = moment - timedelta(days=services.settings.keep_days), moment - UNCLAIMED_KEPT
    yield from _workflows(services, moment - WORKFLOWS_KEPT)
    yield from _exchanges(services, kept_since, moment - EXCHANGES_KEPT)
    yield from _orders(services, kept_since)
    yield from _delete(services, Notice, Notice.order_id.is_(None), _is_over(kept_since))
    yield from _delete(services, Outgoing, Outgoing.created_at < kept_since)
    yield from _delete(services, Alert, Alert.closed_at < kept_since)
    yield from _delete(services, CustomerWrite, CustomerWrite.finished_at < kept_since)
    yield from _delete(services, Case, Case.closed_at < kept_since)
    # The first comparison stays: without it, the next one would count as the first, and its orders as older ones.
    yield from _delete(services, Reconciliation, Reconciliation.finished_at < kept_since, ~Reconciliation.is_first)
    yield from _delete(services, Callback, OF_NO_ORDER, Callback.received_at < unclaimed_since)
    long_over = select(DigestRun.id).where(DigestRun.started_at < unclaimed_since)
    yield from _delete(services, DigestSetAside, DigestSetAside.run_id.in_(long_over))


def _workflows(services: Services, before: datetime) -> Iterator[None]:
    while finished := services.work_queue.finished_before(before.isoformat(), WORKFLOWS_IN_A_BATCH):
        services.work_queue.forget(finished)
        yield


def _delete(services: Services, model: type[Any], *those: ColumnElement[bool]) -> Iterator[None]:
    """Delete the rows that meet all conditions, the oldest first. They are searched without a lock."""
    last = 0
    while True:
        found = select(model.id).where(model.id > last, *those).order_by(model.id).limit(BATCH)
        with services.database.read() as session:
            ids = session.scalars(found).all()
        if not ids:
            return
        still = select(model.id).where(model.id.in_(ids), *those).order_by(model.id)
        with services.database.write(repeatable=True) as session:
            locked = session.scalars(still.with_for_update(skip_locked=True)).all()
            session.execute(delete(model).where(model.id.in_(locked)).execution_options(synchronize_session=False))
        last = ids[-1]
        yield


# Orders


def _exchanges(services: Services, since: datetime, before: datetime) -> Iterator[None]:
    """Delete what was said for orders that are done. Those finished before `since` lose it with their details."""
    prune_some = partial(_prune_exchanges, before=before)
    for state in FINISHED:
        yield from _in_batches(services, _pages(services, state, before, SAYS_TWICE, since), prune_some)


def _orders(services: Services, before: datetime) -> Iterator[None]:
    prune_some = partial(_prune_orders, before=before, days=services.settings.keep_days)
    for state in FINISHED:
        yield from _in_batches(services, _pages(services, state, before, _has_something_to_go(before)), prune_some)


def _in_batches(
    services: Services, pages: Iterator[Sequence[int]], prune_some: Callable[[Session, Sequence[int]], None]
) -> Iterator[None]:
    for to_go in pages:
        for start in range(0, len(to_go), BATCH):
            with services.database.write(repeatable=True) as session:
                prune_some(session, to_go[start : start + BATCH])
            yield
        yield


def _pages(
    services: Services,
    state: OrderState,
    before: datetime,
    has_something_to_go: ColumnElement[bool],
    since: datetime | None = None,
) -> Iterator[Sequence[int]]:
    """The orders finished before `before` that have something to delete, page by page along an index."""
    page = (
        select(Order.id, Order.finished_at, has_something_to_go)
        .where(Order.state == state, Order.finished_at < before)
        .order_by(Order.finished_at, Order.id)
        .limit(PAGE)
    )
    beyond: list[ColumnElement[bool]] = [Order.finished_at >= since] if since else []
    while True:
        with services.database.read() as session:
            rows = session.execute(page.where(*beyond)).all()
        if not rows:
            return
        yield [order_id for order_id, _, has_something in rows if has_something]
        last_id, last_at, _ = rows[-1]
        beyond = [Order.finished_at >= last_at, or_(Order.finished_at > last_at, Order.id > last_id)]


def _has_something_to_go(before: datetime) -> ColumnElement[bool]:
    return or_(
        exists().where(OrderExchange.order_id == Order.id),
        exists().where(Callback.orderref == Order.orderref, Callback.received_at < before),
        exists().where(Notice.order_id == Order.id, _is_over(before)),
        exists().where(OrderDecision.order_id == Order.id, *_is_told_only(before)),
        HAS_DETAILS,
    )


def _is_over(before: datetime) -> ColumnElement[bool]:
    """The notice is sent or dropped; a notice that could not be sent still waits for a person."""
    return and_(
        Notice.state.in_((NoticeState.SENT, NoticeState.DROPPED)),
        func.coalesce(Notice.sent_at, Notice.created_at) < before,
    )


def _is_told_only(before: datetime) -> Sequence[ColumnElement[bool]]:
    """Conditions for what colleagues told each other; decisions stay."""
    return (OrderDecision.action.in_(TOLD_ONLY), OrderDecision.made_at < before)


def _prune_exchanges(session: Session, order_ids: Sequence[int], before: datetime) -> None:
    ids = [row.id for row in _lock_finished(session, order_ids, before, SAYS_TWICE)]
    those = delete(OrderExchange).where(OrderExchange.order_id.in_(ids))
    session.execute(those.execution_options(synchronize_session=False))


def _lock_finished(
    session: Session, order_ids: Sequence[int], before: datetime, *those: ColumnElement[bool]
) -> Sequence[Row[int, str]]:
    """Lock the orders and return ids and references, except locked ones: somebody makes these go on right now."""
    finished = (Order.id.in_(order_ids), Order.state.in_(FINISHED), Order.finished_at < before, *those)
    locked = select(Order.id, Order.orderref).where(*finished).order_by(Order.id).with_for_update(skip_locked=True)
    return session.execute(locked).all()


def _prune_orders(session: Session, order_ids: Sequence[int], before: datetime, days: int) -> None:
    """Prune the orders that nobody is making go on."""
    rows = _lock_finished(session, order_ids, before)
    ids, orderrefs = [row.id for row in rows], [row.orderref for row in rows]
    for those in (
        delete(OrderExchange).where(OrderExchange.order_id.in_(ids)),
        delete(Callback).where(Callback.orderref.in_(orderrefs), Callback.received_at < before),
        delete(Notice).where(Notice.order_id.in_(ids), _is_over(before)),
        delete(OrderDecision).where(OrderDecision.order_id.in_(ids), *_is_told_only(before)),
        delete(OnIt).where(OnIt.order_id.in_(ids)),
        delete(PutOff).where(PutOff.order_id.in_(ids)),
    ):
        session.execute(those.execution_options(synchronize_session=False))
    newer = select(OrderDecision.order_id).where(OrderDecision.order_id.in_(ids), OrderDecision.action.in_(TOLD_ONLY))
    order_search_rows.forget_notes(session, sorted(set(ids) - set(session.scalars(newer))))
    _remove_details(session, session.scalars(select(Order.id).where(Order.id.in_(ids), HAS_DETAILS)).all(), days)


def _remove_details(session: Session, order_ids: Sequence[int], days: int) -> None:
    """Delete the orders' details. An order that can go on again keeps its corrections, which UTOPIA doesn't have."""
    said = f"Its details were removed {days} days after it was finished."
    # Sets the id too, to the same value: SQLite then deletes and inserts the row, and merges half empty pages. It does
    # neither for a row that only becomes shorter, and the space in that page would never be used again.
    emptied = {"contract": null(), "account": null(), "found_customers": null(), "remarks": [said], "id": Order.id}
    completed = update(Order).where(Order.id.in_(order_ids), Order.state == OrderState.COMPLETED)
    for change in (
        delete(OrderStep).where(OrderStep.order_id.in_(order_ids)),
        update(Order).where(Order.id.in_(order_ids)).values(emptied),
        completed.values(corrections=null()),
    ):
        session.execute(change.execution_options(synchronize_session=False))
