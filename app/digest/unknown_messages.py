"""Settles messages whose outcome is unknown: a person found out whether they arrived.

Each function works in the caller's transaction. When two people settle at once, the second finds it done.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from app.digest import ledger
from app.models import AuditEntry, DigestMessage, MessageState
from app.people import audit

ARRIVED, NOT_ARRIVED = "settled as arrived", "settled as not arrived"
"""The two answers in the audit."""


def settle_message(session: Session, run_id: int, message_id: int, *, arrived: bool, by: str) -> int:
    """Settle one message; returns 1, or 0 when its outcome is known already."""
    of_message = DigestMessage.id == message_id
    address = session.scalar(select(DigestMessage.email).where(of_message, DigestMessage.run_id == run_id))
    found = _doubtful(session, run_id, of_message)
    return _settle(session, run_id, found, f"the message to {address}", arrived=arrived, by=by)


def settle_batch(session: Session, run_id: int, batch: int, *, arrived: bool, by: str) -> int:
    """Settle the messages of a batch whose outcome is unknown; returns how many."""
    found = _doubtful(session, run_id, DigestMessage.batch == batch)
    return _settle(session, run_id, found, f"{len(found)} messages of batch {batch}", arrived=arrived, by=by)


def subject(run_id: int) -> str:
    """The audit's subject for decisions about a run."""
    return f"digest run {run_id}"


def decisions(session: Session, run_id: int) -> Sequence[AuditEntry]:
    """What people decided about a run, the oldest decision first."""
    about = select(AuditEntry).filter_by(subject=subject(run_id))
    return session.scalars(about.order_by(AuditEntry.id)).all()


def _doubtful(session: Session, run_id: int, those: ColumnElement[bool]) -> Sequence[int]:
    """The messages whose outcome is unknown, locked where two transactions can write at once."""
    unknown = select(DigestMessage.id).filter_by(run_id=run_id, state=MessageState.UNKNOWN).where(those)
    return session.scalars(unknown.order_by(DigestMessage.id).with_for_update()).all()


def _settle(session: Session, run_id: int, ids: Sequence[int], what: str, *, arrived: bool, by: str) -> int:
    """Messages that arrived count as told. The others free their slots, so that the next run tells their tickets."""
    if not ids:
        return 0
    for start in range(0, len(ids), ledger.AT_ONCE):
        part = ids[start : start + ledger.AT_ONCE]
        if arrived:
            those = update(DigestMessage).where(DigestMessage.id.in_(part))
            session.execute(those.values(state=MessageState.ACCEPTED, error=None))
        else:
            ledger.mark(session, part, MessageState.NOT_SENT, f"{by} found out that it did not arrive")
    audit.record(session, by, ARRIVED if arrived else NOT_ARRIVED, subject(run_id), what)
    return len(ids)
