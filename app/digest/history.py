"""Runs of the digest as commands, pages and notices show them: plain JSON values, times in ISO 8601 with a zone."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.digest import ledger
from app.digest.closures import SetAside
from app.models import DigestMessage, DigestRun, DigestSetAside, MessageState

ROWS_IN_A_NOTICE = 20


def summary(session: Session, run: DigestRun) -> dict[str, Any]:
    """One line of a list of runs."""
    messages = ledger.counts(session, run.id)
    return {
        "run": run.id,
        "state": run.state,
        "iso_week": run.iso_week,
        "started_by": run.started_by,
        "started_at": _iso(run.started_at),
        "finished_at": _iso(run.finished_at),
        "next_try_at": _iso(run.next_try_at),
        "error": run.error,
        "source": run.source,
        "window_starts_on": run.window_starts_on.isoformat() if run.window_starts_on else None,
        "rows_read": run.rows_read,
        "customers": messages.get(MessageState.ACCEPTED, 0),
        "tickets": ledger.ticket_count(session, run.id),
        "messages": messages,
        "already_reported": run.already_reported,
        "repeated": run.repeated,
        "for_next_week": run.for_next_week,
        "set_aside": run.set_aside,
    }


def whole(session: Session, run: DigestRun) -> dict[str, Any]:
    """Everything about a run: each message with its tickets and outcome, and the rows that were set aside."""
    messages = select(DigestMessage).filter_by(run_id=run.id).order_by(DigestMessage.id)
    found = session.scalars(messages.options(selectinload(DigestMessage.tickets)))
    return {
        **summary(session, run),
        "customers_told": [
            {
                "email": message.email,
                "full_name": message.full_name,
                "state": message.state,
                "batch": message.batch,
                "error": message.error,
                "sent_at": _iso(message.sent_at),
                "tickets": [{"ticket": one.ticket, "closed_on": one.closed_on.isoformat()} for one in message.tickets],
            }
            for message in found
        ],
        "rows_set_aside": [set_aside(row) for row in _rows(session, run.id, None)],
    }


def for_staff(session: Session, run: DigestRun) -> dict[str, Any]:
    """What the notice after a run tells: numbers, and the first rows to mend, without customers' data."""
    rows = [{"row": row.row, "reason": row.reason} for row in _rows(session, run.id, ROWS_IN_A_NOTICE)]
    return {**summary(session, run), "rows_set_aside": rows}


def _rows(session: Session, run_id: int, limit: int | None) -> list[DigestSetAside]:
    rows = select(DigestSetAside).filter_by(run_id=run_id).order_by(DigestSetAside.row, DigestSetAside.id)
    return list(session.scalars(rows.limit(limit)))


def set_aside(row: DigestSetAside | SetAside) -> dict[str, Any]:
    """A row that could not be used: its number, why, and what is written in it."""
    return {
        "row": row.row,
        "reason": row.reason,
        "ticket": row.ticket,
        "date": row.date,
        "name": row.name,
        "email": row.email,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds") if moment else None
