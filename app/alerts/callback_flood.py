"""Whether strangers send so many callbacks that orders wait for their turn, or that not all callbacks are kept."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.alerts.patience import Condition
from app.models import HELD_BACK, AlertKind, Callback, CallbackOutcome, Order
from app.services import Services

MOST_HELD_BACK = 100
LATELY = timedelta(minutes=2)


def conditions(services: Services, moment: datetime) -> Iterator[Condition]:
    """Whether callbacks flood in."""
    with services.database.read() as session:
        waiting = session.scalar(select(func.count()).select_from(Order).where(*HELD_BACK)) or 0
        noted = select(Callback.id).where(
            Callback.received_at > moment - LATELY, Callback.outcome == CallbackOutcome.FLOOD
        )
        refused = session.scalar(noted.limit(1)) is not None
        wrong = waiting >= MOST_HELD_BACK or refused
        content = {"waiting": waiting, "refused": refused, "sender": _sender(session, moment)} if wrong else {}
    yield Condition(AlertKind.CALLBACK_FLOOD, "callbacks", wrong=wrong, content=content)


def _sender(session: Session, moment: datetime) -> str:
    """The address that most of the latest callbacks came from."""
    lately = select(Callback.remote_address).where(
        Callback.received_at > moment - 5 * LATELY, Callback.remote_address.is_not(None)
    )
    most = lately.group_by(Callback.remote_address).order_by(func.count().desc()).limit(1)
    return session.scalar(most) or "unknown"
