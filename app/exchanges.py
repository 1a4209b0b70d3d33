"""What is said to the remote systems while a step of an order works: collected in its thread, stored with its outcome.

The texts hold customers' data: they go into the order's rows, and never into the log or the metrics.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.models import OrderExchange, OrderStep, now

MOST_OF_AN_ATTEMPT = 20
MOST_OF_A_CALL = 10
"""How many exchanges of one call are kept for each step: of a look-up that failed for days, the last ones tell all."""


class Seen(Protocol):
    """A finished call, as both clients observe it."""

    @property
    def system(self) -> str:
        """`utopia` or `powercode`."""

    @property
    def action(self) -> str:
        """The call's name."""

    @property
    def outcome(self) -> str:
        """What came of it."""

    @property
    def seconds(self) -> float:
        """How long it took."""

    @property
    def sent(self) -> str:
        """The request in one line, without secrets."""

    @property
    def answered(self) -> str:
        """The answer in one line, without secrets."""


@dataclass(frozen=True)
class Exchange:
    """A finished call and when it began."""

    began_at: datetime
    seen: Seen


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


def note(seen: Seen) -> None:
    """Keep a finished call, where exchanges are collected."""
    collected = _collected.get()
    if collected is not None:
        collected.append(Exchange(now() - timedelta(seconds=seen.seconds), seen))


def store(session: Session, step: OrderStep, collected: Iterable[Exchange]) -> None:
    """Keep what was said during an attempt of the step, and of each call only the last ones."""
    rows = [_row(step, exchange) for exchange in collected]
    session.add_all(rows)
    session.flush()
    for action in {row.action for row in rows}:
        same = select(OrderExchange.id).filter_by(order_id=step.order_id, step=step.name, action=action)
        newest_to_go = session.scalar(same.order_by(OrderExchange.id.desc()).offset(MOST_OF_A_CALL).limit(1))
        if newest_to_go is not None:
            those = delete(OrderExchange).filter_by(order_id=step.order_id, step=step.name, action=action)
            session.execute(those.where(OrderExchange.id <= newest_to_go))


def _row(step: OrderStep, exchange: Exchange) -> OrderExchange:
    seen = exchange.seen
    return OrderExchange(
        order_id=step.order_id,
        step=step.name,
        made_at=exchange.began_at,
        system=seen.system,
        action=seen.action,
        outcome=seen.outcome,
        seconds=seen.seconds,
        sent=seen.sent,
        answered=seen.answered,
    )
