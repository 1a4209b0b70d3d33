"""Runs of the digest as commands, pages and notices show them: plain JSON values, times in ISO 8601 with a zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from app.digest import ledger, result_words
from app.digest.schedule import next_due
from app.digest.selection import SetAside
from app.models import (
    DigestMessage,
    DigestRun,
    DigestSetAside,
    MessageState,
    Notice,
    NoticeKind,
    ReportedTicket,
    RunState,
    now,
)
from app.wording.json_fields import json_fields
from config import Settings

ROWS_IN_A_NOTICE = 20
OF_RUN = ("state", "iso_week", "started_by", "started_at", "finished_at", "next_try_at", "error", "source")
COUNTED = ("rows_read", "already_reported", "repeated", "for_next_week", "set_aside")
OF_MESSAGE = ("email", "full_name", "state", "batch", "error", "sent_at")
OF_ROW = ("row", "reason", "written", "ticket", "date", "name", "email")


@dataclass(frozen=True)
class CustomerTold:
    """A customer's message in a run, with the first of its tickets and how many there are."""

    message: DigestMessage
    tickets: Sequence[ReportedTicket]
    ticket_count: int


def summary(session: Session, run: DigestRun) -> dict[str, Any]:
    """One line of a list of runs."""
    messages = ledger.counts(session, run.id)
    tickets = ledger.ticket_count(session, run.id)
    return {
        "run": run.id,
        **json_fields(run, *OF_RUN),
        "window_starts_on": run.window_starts_on.isoformat() if run.window_starts_on else None,
        "rows": row_counts(run, tickets),
        "customers": messages.get(MessageState.ACCEPTED, 0),
        "tickets": tickets,
        "messages": messages,
        **json_fields(run, *COUNTED),
    }


def row_counts(run: DigestRun, told: int) -> dict[str, int]:
    """What became of the rows read, each counted once; `told` is how many of them were told."""
    left, not_told = run.rows_for_next_week, max(run.rows_due - told, 0)
    return result_words.became(run, told=told, set_aside=run.set_aside, for_next_week=left, not_told=not_told)


def whole(session: Session, run: DigestRun) -> dict[str, Any]:
    """Everything about a run: each message with its tickets and outcome, and the rows that were set aside."""
    messages = select(DigestMessage).filter_by(run_id=run.id).order_by(DigestMessage.id)
    found = session.scalars(messages.options(selectinload(DigestMessage.tickets)))
    return {
        **summary(session, run),
        "customers_told": [
            {
                **json_fields(message, *OF_MESSAGE),
                "tickets": [{"ticket": one.ticket, "closed_on": one.closed_on.isoformat()} for one in message.tickets],
            }
            for message in found
        ],
        "rows_set_aside": [set_aside(row) for row in rows_set_aside(session, run.id)],
    }


@dataclass(frozen=True)
class DigestOverview:
    """Where the digest stands. The last run told `told` customers; `next_due` is None where no report is set."""

    source: str | None
    last: DigestRun | None
    told: int
    next_due: datetime | None
    unknown: int


def overview(session: Session, settings: Settings) -> DigestOverview:
    """The last run, the next one, and how many messages wait for a person to say whether they arrived."""
    last = session.scalar(select(DigestRun).order_by(DigestRun.id.desc()).limit(1))
    due = next_due(settings.digest_schedule, settings.zone, now()) if settings.report_source else None
    return DigestOverview(
        source=settings.report_source,
        last=last,
        told=ledger.counts(session, last.id)[MessageState.ACCEPTED] if last else 0,
        next_due=due,
        unknown=ledger.unknown_count(session),
    )


def for_staff(session: Session, run: DigestRun) -> dict[str, Any]:
    """The content of the notice after a run: numbers, and the first rows to correct, each with ticket and reason."""
    numbers = summary(session, run)
    first = rows_set_aside(session, run.id, limit=ROWS_IN_A_NOTICE)
    rows = [result_words.row_in_words(set_aside(row)) for row in first]
    became = {"rows_became": result_words.listed(numbers["rows"], run.repeated), "rows_set_aside": rows}
    return {**numbers, **_trouble_that_is_over(session, run), **became}


def _trouble_that_is_over(session: Session, run: DigestRun) -> dict[str, Any]:
    """When staff were told that the run was held up; and the week of the failed run that this run makes up for."""
    trouble = select(Notice.created_at).filter_by(key=f"{NoticeKind.DIGEST_TROUBLE}:{run.id}")
    before = select(DigestRun).where(DigestRun.id < run.id, DigestRun.source == run.source)
    last = session.scalar(before.order_by(DigestRun.id.desc()).limit(1))
    failed = last if last is not None and last.state == RunState.FAILED else None
    told_at = session.scalar(trouble)
    held_up_since = told_at.isoformat(timespec="milliseconds") if told_at else None
    return {"held_up_since": held_up_since, "makes_good": failed.iso_week if failed else None}


def customers(
    session: Session, run_id: int, *, state: str | None, offset: int, limit: int, most_tickets: int
) -> list[CustomerTold]:
    """Some of a run's customers in the order in which they are told; with `state`, only messages in this state."""
    those = select(DigestMessage).filter_by(run_id=run_id, **({"state": state} if state else {}))
    found = session.scalars(those.order_by(DigestMessage.id).offset(offset).limit(limit)).all()
    counts, first = _first_tickets(session, [message.id for message in found], most_tickets)
    return [CustomerTold(message, first.get(message.id, []), counts.get(message.id, 0)) for message in found]


def _first_tickets(
    session: Session, message_ids: Sequence[int], most: int
) -> tuple[dict[int, int], dict[int, list[ReportedTicket]]]:
    """The number of tickets of each message, and the first ones; a customer may have a hundred thousand."""
    mine, of_message = ReportedTicket.message_id.in_(message_ids), ReportedTicket.message_id
    place = func.row_number().over(partition_by=of_message, order_by=ReportedTicket.id).label("place")
    numbered = select(ReportedTicket.id, place).where(mine).subquery()
    first = select(ReportedTicket).join(numbered, numbered.c.id == ReportedTicket.id).where(numbered.c.place <= most)
    tickets: dict[int, list[ReportedTicket]] = {}
    for ticket in session.scalars(first.order_by(ReportedTicket.id)):
        tickets.setdefault(ticket.message_id, []).append(ticket)
    counts = session.execute(select(of_message, func.count()).where(mine).group_by(of_message))
    return dict(counts.all()), tickets


def tickets_of(session: Session, message_id: int, *, offset: int, limit: int) -> tuple[Sequence[ReportedTicket], int]:
    """Some of the tickets that a message tells of, and how many there are."""
    mine = select(ReportedTicket).filter_by(message_id=message_id).order_by(ReportedTicket.id)
    total = session.scalar(select(func.count(ReportedTicket.id)).filter_by(message_id=message_id)) or 0
    return session.scalars(mine.offset(offset).limit(limit)).all(), total


def doubtful_batches(session: Session, run_id: int) -> list[tuple[int, int]]:
    """The batches with messages whose outcome is not known, each with their number."""
    unknown = select(DigestMessage.batch, func.count()).filter_by(run_id=run_id, state=MessageState.UNKNOWN)
    grouped = session.execute(unknown.group_by(DigestMessage.batch).order_by(DigestMessage.batch))
    return [(batch, count) for batch, count in grouped]


def notices_of(session: Session, run_id: int) -> Sequence[Notice]:
    """The mails to staff about a run."""
    keys = [f"{kind}:{run_id}" for kind in (NoticeKind.DIGEST_TROUBLE, NoticeKind.DIGEST_REPORT)]
    return session.scalars(select(Notice).where(Notice.key.in_(keys)).order_by(Notice.id)).all()


def rows_set_aside(
    session: Session, run_id: int, *, offset: int = 0, limit: int | None = None
) -> Sequence[DigestSetAside]:
    """A run's rows that could not be used, or some of them, in the order of the report."""
    rows = select(DigestSetAside).filter_by(run_id=run_id).order_by(DigestSetAside.row, DigestSetAside.id)
    return session.scalars(rows.offset(offset).limit(limit)).all()


def set_aside(row: DigestSetAside | SetAside) -> dict[str, Any]:
    """A row that could not be used: its number, why, what stands in the cell in question, and in the others."""
    return json_fields(row, *OF_ROW)
