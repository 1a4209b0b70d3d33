"""Which of the orders that came in is started next: the newest and the oldest in turn, and a stranger's at a pace.

Anybody who knows the callback's address can send references that UTOPIA doesn't know, thousands of them in seconds,
and each takes a look-up. So no more than AT_WORK orders wait in the engine's queue; others are on disk, in the state
`received` and without a `tried_at`, until their turn comes. In turn, because a real order is then next even when it
came last, and because none waits for ever behind newer ones.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import cycle, islice

from sqlalchemy import ColumnElement, Connection, func, select, text
from sqlalchemy.orm import Session

from app.models import HELD_BACK, Callback, CallbackOutcome, Order, OrderState, now
from app.provisioning import lifecycle
from app.services import Services

AT_WORK = 16
"""Four times as many as are looked up at a time: nobody waits for long behind them, and none of the four for us."""
UNKNOWN_OF_A_STRANGER = 20
WITHIN = timedelta(hours=1)
"""A sender is a stranger after so many references that UTOPIA does not know."""
OF_STRANGERS = 2
"""So many orders of strangers are started at a beat (0.5 s), newest and oldest; a real one may be among them."""

RECEIVED = text("SELECT count(*) FROM (SELECT 1 FROM orders WHERE state = 'received' LIMIT :most) AS received")
SENDER = (
    select(Callback.remote_address)
    .where(Callback.orderref == Order.orderref)
    .order_by(Callback.id)
    .limit(1)
    .scalar_subquery()
)

_turns = cycle((Order.id.desc(), Order.id.asc()))


def room(connection: Connection) -> int:
    """How many more orders may be started at once."""
    return AT_WORK - int(connection.scalar(RECEIVED, {"most": AT_WORK}) or 0)


def start_next(services: Services) -> int:
    """Start orders that wait for their turn, as far as there is room; returns how many."""
    with services.database.read() as session:
        if session.scalar(select(Order.id).where(*HELD_BACK).limit(1)) is None:
            return 0
        at_work = select(func.count()).where(Order.state == OrderState.RECEIVED, Order.tried_at.is_not(None))
        free = AT_WORK - (session.scalar(at_work) or 0)
        chosen = _choose(session, free, strangers(session)) if free > 0 else []
    if not chosen:
        return 0
    with services.database.write() as session:
        turn = select(Order).where(Order.id.in_(chosen), *HELD_BACK).with_for_update(skip_locked=True)
        orders = {order.id: order for order in session.scalars(turn)}
        for order in (orders[each] for each in chosen if each in orders):
            order.tried_at = now()
            lifecycle.enqueue(services.work_queue, session, order)
        return len(orders)


def strangers(session: Session) -> Sequence[str]:
    """The senders of many references that UTOPIA doesn't know."""
    unknown = (
        select(Callback.remote_address)
        .join(Order, Order.orderref == Callback.orderref)
        .where(Callback.received_at > now() - WITHIN, Callback.outcome == CallbackOutcome.ORDER)
        .where(Order.state == OrderState.NOT_OURS, Callback.remote_address.is_not(None))
        .group_by(Callback.remote_address)
        .having(func.count() >= UNKNOWN_OF_A_STRANGER)
    )
    return [address for address in session.scalars(unknown) if address]


def _choose(session: Session, free: int, senders: Sequence[str]) -> list[int]:
    if not senders:
        return in_turn(session, free, *HELD_BACK)
    of_others = in_turn(session, free, *HELD_BACK, func.coalesce(SENDER, "").not_in(senders))
    of_strangers = in_turn(session, min(OF_STRANGERS, free - len(of_others)), *HELD_BACK, SENDER.in_(senders))
    return [*of_others, *of_strangers]


def in_turn(session: Session, count: int, *those: ColumnElement[bool]) -> list[int]:
    """The newest, the oldest, the second newest and so on; a call begins with the end that the last one didn't take."""
    chosen: list[int] = []
    for end in islice(_turns, max(count, 0)):
        of_this_end = select(Order.id).where(*those, Order.id.not_in(chosen)).order_by(end).limit(1)
        found = session.scalar(of_this_end)
        if found is None:
            break
        chosen.append(found)
    return chosen
