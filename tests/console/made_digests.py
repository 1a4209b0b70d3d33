"""Runs of the digest as if they had been: rows in the database, with hostile values where a sheet has text."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import insert

from app.models import (
    DigestMessage,
    DigestPreview,
    DigestRun,
    DigestSetAside,
    MessageState,
    PreviewState,
    ReportedTicket,
    RunState,
    now,
)
from app.texts import text_files, versions
from tests.conftest import Service

HOSTILE = "<script>alert(1)</script>"
DAY = date(2026, 11, 14)


def a_run(
    service: Service,
    customers: int = 4,
    states: tuple[str, ...] = (MessageState.ACCEPTED, MessageState.UNKNOWN, MessageState.REFUSED),
    *,
    name: str = "Ada LIND",
    tickets: int = 2,
    rows: int = 3,
) -> int:
    """A completed run; its customers take turns with `states`. Returns its number."""
    with service.services.database.write() as session:
        run = DigestRun(
            key=f"made {now().isoformat()}",
            iso_week="2026-W47",
            started_by=HOSTILE,
            source="file:/srv/reports/weekly.xlsx",
            state=RunState.COMPLETED,
            planned=True,
            finished_at=now(),
            window_starts_on=DAY,
            rows_read=customers * tickets + rows,
            set_aside=rows,
        )
        session.add(run)
        session.flush()
        messages = [_message(run.id, number, states[number % len(states)], name) for number in range(customers)]
        session.add_all(messages)
        session.flush()
        told = [_ticket(message.id, number) for message in messages for number in range(tickets)]
        if told:
            session.execute(insert(ReportedTicket), told)
        if rows:
            session.execute(insert(DigestSetAside), [_row(run.id, number) for number in range(rows)])
        return run.id


def _message(run_id: int, number: int, state: str, name: str) -> DigestMessage:
    address = f"c{number:04}@example.com"
    took_place = state in (MessageState.ACCEPTED, MessageState.UNKNOWN)
    return DigestMessage(
        run_id=run_id,
        slot=f"2026-W47 {run_id} {address}" if took_place else None,
        batch=number // 100 + 1,
        email=address,
        email_key=address,
        full_name=name,
        state=state,
        error=None if state == MessageState.ACCEPTED else f"the mail webhook: {HOSTILE}",
        sent_at=now() if took_place else None,
    )


def _ticket(message_id: int, number: int) -> dict[str, Any]:
    ticket = f"TM-{message_id}-{number} {HOSTILE}"
    slot = f"{DAY} {ticket}"
    return {"message_id": message_id, "slot": slot, "ticket": ticket, "ticket_key": ticket, "closed_on": DAY}


def _row(run_id: int, number: int) -> dict[str, Any]:
    cells = {"ticket": HOSTILE, "date": "31/02/2026", "name": HOSTILE, "email": "x" * 10_000}
    return {
        "run_id": run_id,
        "row": number + 2,
        "cause": "day",
        "reason": f"not a date: {HOSTILE}",
        "written": HOSTILE,
        **cells,
    }


def hostile_run(service: Service) -> Mapping[str, str]:
    """A run with every state, whose customers' names are scripts."""
    run = a_run(service, customers=12, states=tuple(MessageState), name=HOSTILE, tickets=30)
    with service.services.database.read() as session:
        message = session.query(DigestMessage.id).filter_by(run_id=run).limit(1).scalar()
    return {"run": str(run), "message": str(message)}


def hostile_preview(service: Service) -> Mapping[str, str]:
    """A run, and a preview whose messages are scripts."""
    a_run(service, name=HOSTILE)
    message = {"email": "a@example.com", "full_name": HOSTILE, "tickets": 1, "subject": HOSTILE, "body": HOSTILE}
    row = {
        "row": 2,
        "reason": HOSTILE,
        "written": HOSTILE,
        "ticket": HOSTILE,
        "date": HOSTILE,
        "name": HOSTILE,
        "email": HOSTILE,
    }
    counts = dict.fromkeys(("rows_read", "already_reported", "repeated", "customers", "tickets"), 1)
    result = (
        counts
        | {"rows": {"told": 1, "told_before": 1}}
        | {"for_next_week": 1, "set_aside": 1, "messages": [message], "rows_set_aside": [row]}
    )
    service.add(
        DigestPreview(
            asked_by=HOSTILE,
            state=PreviewState.DONE,
            finished_at=now(),
            result=result | {"window_starts_on": "2026-11-14"},
        )
    )
    return {}


def a_text_version(service: Service) -> Mapping[str, str]:
    """The newest version of the active text, and one before it with scripts."""
    settings = service.services.settings
    there = text_files.read(settings.ticket_template_dir, settings.ticket_template_file)
    assert there is not None
    before = text_files.TextFile(there.name, f"{HOSTILE}\nbefore {{nothing}}\n", "")
    versions.see(service.services.database, [before])
    versions.see(service.services.database, [there])
    newest, hostile = service.read(versions.history, there.name, 2)
    return {"name": there.name, "version": str(newest.id), "faulty": str(hostile.id)}
