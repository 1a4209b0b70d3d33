"""What was reported, in which run, to which address, with which outcome.

Two unique columns (`slot`) guarantee, even after crashes and double runs, that an address gets one message in an ISO
week, and that a closing (ticket and day) is told once. A message that surely did not go out frees its slots.
Each function works in the caller's transaction.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session, selectinload

from app.digest.closings import CustomerDigest
from app.digest.mails import Told
from app.digest.report.dates import FIRST_YEAR
from app.digest.selection import SetAside
from app.models import (
    DigestMessage,
    DigestRun,
    DigestSetAside,
    DigestWindow,
    MessageState,
    ReportedTicket,
    RunState,
    now,
)
from app.storage import schedule_marks
from app.storage.database import insert_if_new, one_at_a_time, rows_changed

MOST_SET_ASIDE_KEPT = 5000
UNDER_WAY = (RunState.RUNNING, RunState.WAITING)
ADVISORY_LOCK = 5050_445
SCHEDULE_KEY = "schedule "
"""How the key of the schedule's runs begins."""

AT_ONCE = 500
"""Rows in one statement: well under SQLite's limit of variables."""


class AlreadyUnderWay(Exception):
    """Another run of the digest is going on or waiting."""


class ImportRefused(Exception):
    """The old utility's file can't be taken over; the text says why."""


def alone(session: Session) -> None:
    """Take the lock for opening a run or a preview; waits for other transactions that hold it."""
    one_at_a_time(session, ADVISORY_LOCK)


def begin(session: Session, *, key: str, iso_week: str, started_by: str, source: str, since: date | None) -> DigestRun:
    """Open a run. Raises `AlreadyUnderWay` when there is one, or when this `key` had its run."""
    alone(session)
    others = under_way(session)
    if others:
        raise AlreadyUnderWay(f"Run {others[0].id} is {others[0].state}; see: digest show {others[0].id}")
    if session.scalar(select(DigestRun.id).filter_by(key=key)) is not None:
        raise AlreadyUnderWay("This run of the schedule was made already")
    run = DigestRun(key=key, iso_week=iso_week, started_by=started_by, source=source, since=since)
    session.add(run)
    session.flush()
    return run


def under_way(session: Session) -> Sequence[DigestRun]:
    """The run that is at work or waits; there is one at most."""
    return session.scalars(select(DigestRun).where(DigestRun.state.in_(UNDER_WAY))).all()


def current(session: Session, run_id: int, attempt: int) -> DigestRun | None:
    """The run, if this attempt is still the one that may work on it."""
    run = session.get(DigestRun, run_id)
    return run if run and run.attempt == attempt and run.state == RunState.RUNNING else None


def schedule_kept_since(session: Session, schedule: str) -> datetime:
    """From when on a missed run is made up for: the later of the schedule's last change and its last run."""
    kept_since = schedule_marks.kept_since(session, "digest", schedule)
    last_run = session.scalar(select(func.max(DigestRun.started_at)).where(DigestRun.key.startswith(SCHEDULE_KEY)))
    return max(kept_since, last_run or kept_since)


def window_start(session: Session, today: date, first_window_days: int, set_by: str) -> date:
    """The day from which closings are reported; the first call sets it for good."""
    starts_on = today - timedelta(days=first_window_days)
    insert_if_new(session, DigestWindow, "id", id=1, starts_on=starts_on, set_by=set_by)
    return session.get_one(DigestWindow, 1).starts_on


def planned_window_start(session: Session, today: date, first_window_days: int) -> date:
    """The window's start as a run now would have it; sets nothing."""
    window = session.get(DigestWindow, 1)
    return window.starts_on if window else today - timedelta(days=first_window_days)


def import_last_run(session: Session, path: Path, set_by: str) -> date:
    """Take the window's start from the old utility's `last_run_date.json` (`{"last_run_date": "DD/MM/YYYY"}`).

    Closings of that day itself are reported: the old utility missed those that came after it had run.
    """
    window = session.get(DigestWindow, 1)
    if window is not None:
        raise ImportRefused(f"The window already starts on {window.starts_on} (set by {window.set_by})")
    starts_on = _last_run_date(path)
    if starts_on > now().date() + timedelta(days=1):
        raise ImportRefused(f"last_run_date is in the future: {starts_on}")
    if starts_on.year < FIRST_YEAR:
        raise ImportRefused(f"last_run_date is before {FIRST_YEAR}: {starts_on}")
    session.add(DigestWindow(id=1, starts_on=starts_on, set_by=set_by))
    return starts_on


def _last_run_date(path: Path) -> date:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ImportRefused(f"{path} can't be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise ImportRefused(f"{path} is not JSON") from None
    written = content.get("last_run_date") if isinstance(content, dict) else None
    try:
        return datetime.strptime(str(written), "%d/%m/%Y").date()
    except ValueError:
        raise ImportRefused(f'{path} has no "last_run_date": "DD/MM/YYYY"') from None


def reported_since(session: Session, day: date) -> set[tuple[str, date]]:
    """The closings from `day` on that a message has told of, or is about to."""
    slots = select(ReportedTicket.ticket_key, ReportedTicket.closed_on)
    found = session.execute(slots.where(ReportedTicket.closed_on >= day, ReportedTicket.slot.is_not(None)))
    return {(ticket_key, closed_on) for ticket_key, closed_on in found}


def addressed_in(session: Session, iso_week: str) -> set[str]:
    """The addresses that have their message of an ISO week."""
    mine = DigestMessage.slot.startswith(f"{iso_week} ", autoescape=True)
    return set(session.scalars(select(DigestMessage.email_key).where(mine)))


def forget_plan(session: Session, run_id: int) -> None:
    """Delete an unfinished plan: none of it was sent, and the report is read again."""
    session.execute(delete(DigestMessage).where(DigestMessage.run_id == run_id))


def plan_batch(session: Session, run_id: int, iso_week: str, batch: int, digests: Sequence[CustomerDigest]) -> None:
    """Commit a batch of customers to the run, each with the tickets that their message tells of."""
    messages = [
        DigestMessage(
            run_id=run_id,
            slot=_slot(iso_week, digest.email_key),
            batch=batch,
            email=digest.email,
            email_key=digest.email_key,
            full_name=digest.full_name,
        )
        for digest in digests
    ]
    session.add_all(messages)
    session.flush()
    tickets = [row for message, digest in zip(messages, digests, strict=True) for row in _tickets(message.id, digest)]
    session.execute(insert(ReportedTicket), tickets)


def _slot(iso_week: str, email_key: str) -> str:
    return f"{iso_week} {email_key}"


def _tickets(message_id: int, digest: CustomerDigest) -> Iterable[dict[str, Any]]:
    for closing in digest.tickets:
        ticket_key, closed_on = closing.key
        yield {
            "message_id": message_id,
            "slot": f"{closed_on} {ticket_key}",
            "ticket": closing.ticket,
            "ticket_key": ticket_key,
            "closed_on": closed_on,
        }


def last_batch(session: Session, run_id: int) -> int:
    """The number of the run's last planned batch, 0 when there is none."""
    return session.scalar(select(func.max(DigestMessage.batch)).filter_by(run_id=run_id)) or 0


def keep_set_aside(session: Session, run: DigestRun, rows: Sequence[SetAside]) -> None:
    """Keep the rows that could not be used; only the first ones when there are very many."""
    run.set_aside = len(rows)
    if rows:
        kept = [{"run_id": run.id, **asdict(row)} for row in rows[:MOST_SET_ASIDE_KEPT]]
        session.execute(insert(DigestSetAside), kept)


def move_to_week(session: Session, run_id: int, batch: int, iso_week: str) -> None:
    """Move messages planned in an earlier week to the slot of this week, in which customers get them."""
    planned = select(DigestMessage).filter_by(run_id=run_id, batch=batch, state=MessageState.PLANNED)
    late = session.scalars(planned.where(~DigestMessage.slot.startswith(f"{iso_week} ", autoescape=True))).all()
    if not late:
        return
    wanted = [_slot(iso_week, message.email_key) for message in late]
    taken = set(session.scalars(select(DigestMessage.slot).where(DigestMessage.slot.in_(wanted))))
    for message in late:
        message.slot = _slot(iso_week, message.email_key)
    held_back = [message for message in late if message.slot in taken]
    for message in held_back:
        message.slot = None
    session.flush()
    mark(session, [message.id for message in held_back], MessageState.NOT_SENT, "there was a message this week already")


def doubt_what_was_being_sent(session: Session, run_id: int, batch: int) -> int:
    """Mark messages as unknown whose process died while sending: they may have arrived. Returns how many."""
    caught = (DigestMessage.run_id == run_id, DigestMessage.batch == batch, DigestMessage.state == MessageState.SENDING)
    why = "the process ended while this was being sent"
    return rows_changed(session, update(DigestMessage).where(*caught).values(state=MessageState.UNKNOWN, error=why))


def planned_messages(session: Session, run_id: int, batch: int) -> list[DigestMessage]:
    """The messages of a batch that are still to be sent, with their tickets."""
    planned = select(DigestMessage).filter_by(run_id=run_id, batch=batch, state=MessageState.PLANNED)
    return list(session.scalars(planned.order_by(DigestMessage.id).options(selectinload(DigestMessage.tickets))))


def told(message: DigestMessage) -> Told:
    """A message's content."""
    return Told(message.email, message.full_name, [(one.ticket, one.closed_on) for one in message.tickets])


def mark(session: Session, message_ids: Sequence[int], state: MessageState, error: str | None = None) -> None:
    """Set the state of messages; those that did not go out free their slots."""
    on_its_way = state in (MessageState.ACCEPTED, MessageState.UNKNOWN, MessageState.SENDING)
    values: dict[str, Any] = {"state": state, "error": error, "sent_at": now() if on_its_way else None}
    if state in (MessageState.REFUSED, MessageState.NOT_SENT):
        values["slot"] = None
        freed = update(ReportedTicket).where(ReportedTicket.message_id.in_(message_ids))
        session.execute(freed.values(slot=None))
    session.execute(update(DigestMessage).where(DigestMessage.id.in_(message_ids)).values(**values))


def give_up_on_planned(session: Session, run_id: int, why: str) -> None:
    """Leave unsent messages to a later run; a message that was being sent becomes unknown, as it may have arrived."""
    on_the_way = (DigestMessage.run_id == run_id, DigestMessage.state == MessageState.SENDING)
    session.execute(update(DigestMessage).where(*on_the_way).values(state=MessageState.UNKNOWN, error=why))
    left = session.scalars(select(DigestMessage.id).filter_by(run_id=run_id, state=MessageState.PLANNED)).all()
    for start in range(0, len(left), AT_ONCE):
        mark(session, left[start : start + AT_ONCE], MessageState.NOT_SENT, why)


def counts(session: Session, run_id: int) -> dict[str, int]:
    """Messages of a run by state, each state named."""
    return counts_of(session, [run_id])[run_id]


def counts_of(session: Session, run_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Messages of several runs by state, each state named. The query names the states, so an index alone answers it."""
    of_runs = (DigestMessage.state.in_(list(MessageState)), DigestMessage.run_id.in_(run_ids))
    by_state = select(DigestMessage.run_id, DigestMessage.state, func.count()).where(*of_runs)
    grouped = session.execute(by_state.group_by(DigestMessage.run_id, DigestMessage.state))
    found = {(run_id, state): count for run_id, state, count in grouped}
    return {run_id: {str(state): found.get((run_id, state), 0) for state in MessageState} for run_id in run_ids}


def unknown_count(session: Session) -> int:
    """How many messages, of all runs, have an outcome that is not known."""
    return session.scalar(select(func.count()).where(DigestMessage.state == MessageState.UNKNOWN)) or 0


def ticket_count(session: Session, run_id: int) -> int:
    """How many tickets a run's messages told customers of."""
    of_run = select(func.count(ReportedTicket.id)).join(DigestMessage).where(DigestMessage.run_id == run_id)
    return session.scalar(of_run.where(DigestMessage.state == MessageState.ACCEPTED)) or 0
