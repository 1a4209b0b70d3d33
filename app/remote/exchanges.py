"""The calls that an order's step makes to remote systems: collected in its thread, stored with its outcome.

The texts hold customers' data: they go into the order's rows, and never into the log or the metrics.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.models import OrderExchange, OrderStep, now
from app.storage.database import connection_of
from wire import Observation

INSERT = insert(OrderExchange.__table__)  # type: ignore[arg-type]
"""Built on the table, as it runs in each step of each order: the mapped class would take several times as long."""

MOST_OF_AN_ATTEMPT = 20
MOST_OF_A_CALL = 10
"""How many exchanges of one call are kept for each step: if a look-up fails for days, its last exchanges are enough."""


@dataclass(frozen=True)
class Exchange:
    """A finished call and when it began."""

    began_at: datetime
    seen: Observation


_collected: ContextVar[deque[Exchange] | None] = ContextVar("collected_exchanges", default=None)


def newest() -> deque[Exchange]:
    """An empty collection that keeps the last `MOST_OF_AN_ATTEMPT` exchanges."""
    return deque(maxlen=MOST_OF_AN_ATTEMPT)


@contextmanager
def collecting(into: deque[Exchange]) -> Iterator[None]:
    """Collect the exchanges of this thread during the block."""
    token = _collected.set(into)
    try:
        yield
    finally:
        _collected.reset(token)


def note(seen: Observation) -> None:
    """Keep a finished call, where exchanges are collected."""
    collected = _collected.get()
    if collected is not None:
        collected.append(Exchange(now() - timedelta(seconds=seen.seconds), seen))


def store(session: Session, step: OrderStep, collected: Iterable[Exchange]) -> None:
    """Store the exchanges of an attempt of the step; of each call, only the last ones are kept."""
    whose = {"order_id": step.order_id, "step": step.name}
    # The observation's fields are the row's columns.
    rows = [{**whose, "made_at": exchange.began_at, **vars(exchange.seen)} for exchange in collected]
    if not rows:
        return
    connection_of(session).execute(INSERT, rows)
    if step.attempts > 1 or len(rows) > MOST_OF_A_CALL:
        for action in dict.fromkeys(row["action"] for row in rows):
            _forget_older(session, step, action)


def _forget_older(session: Session, step: OrderStep, action: str) -> None:
    same = (
        OrderExchange.order_id == step.order_id,
        OrderExchange.step == step.name,
        OrderExchange.action == action,
    )
    by_age = select(OrderExchange.id).where(*same).order_by(OrderExchange.id.desc())
    newest_to_go = session.scalar(by_age.offset(MOST_OF_A_CALL).limit(1))
    if newest_to_go is not None:
        session.execute(delete(OrderExchange).where(*same, OrderExchange.id <= newest_to_go))
