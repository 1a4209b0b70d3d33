"""What people changed; changes of orders are kept with the order instead."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import AuditEntry, StepState
from app.storage.database import insert_if_new

CONNECTION_TESTED = "connection tested"
RULE_CHANGED = "callback rule changed"
"""The subject of this action is a text from outside, which may name a person."""


def record(
    session: Session, by: str, action: str, subject: str, note: str | None = None, *, outcome: StepState | None = None
) -> None:
    """Keep that `by` did `action` to `subject`, in the caller's transaction; `note` tells how it was before."""
    session.add(AuditEntry(made_by=by, action=action, subject=subject, note=note, outcome=outcome))


def entries(session: Session, limit: int = 100) -> Sequence[AuditEntry]:
    """The newest so many entries."""
    return session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)).all()


def begin(session: Session, key: str, *, by: str, action: str, subject: str, note: str) -> bool:
    """Record a change of a remote system by `by` before it is sent; False when `key` is known already.

    Its outcome is unknown until `end` is called.
    """
    values = {"made_by": by, "action": action, "subject": subject, "note": note, "outcome": StepState.RUNNING}
    return insert_if_new(session, AuditEntry, "key", key=key, **values) is not None


def end(session: Session, key: str, outcome: StepState, note: str) -> None:
    """Record the outcome of a change of a remote system; `note` is added to the entry's own."""
    entry = session.scalars(select(AuditEntry).filter_by(key=key)).one()
    entry.outcome, entry.note = outcome, f"{entry.note}\n{note}" if entry.note else note


def remote_changes(session: Session, limit: int = 50) -> Sequence[AuditEntry]:
    """The newest so many changes of remote systems."""
    query = select(AuditEntry).where(AuditEntry.key.is_not(None)).order_by(AuditEntry.id.desc())
    return session.scalars(query.limit(limit)).all()
