"""Previews that people ask for: made in the background by the engine, one at a time; only the newest is kept.

When a process dies while making a preview, only the request is left, and the next process begins it again.
"""

import logging
from collections.abc import Callable, Iterator
from functools import partial
from time import monotonic
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.digest import ledger, preview, run_json
from app.digest.report.sources import ReportRows, SourceUnreadable
from app.digest.run_starts import QUEUE
from app.durable import engine
from app.models import DigestPreview, PreviewState, now
from app.services import Services
from app.wording.placeholders import TemplateFault

log = logging.getLogger(__name__)

WORKFLOW = "digest-preview"
MOST_MESSAGES = 200
MOST_SET_ASIDE = 200
LONGEST_BODY = 2_000
"""Characters of a message that are kept: a message with a thousand tickets would fill the page."""

TELL_EVERY_SECONDS = 0.5
BROKE_OFF = "The preview broke off before it was done. Ask for it again; if that happens again, the log has more."


def newest(session: Session) -> DigestPreview | None:
    """The newest preview, if any was asked for."""
    return session.scalar(select(DigestPreview).order_by(DigestPreview.id.desc()).limit(1))


def ask(services: Services, by: str) -> int:
    """Start a preview, unless one is being made; returns the number of the preview to look at."""
    with services.database.read() as session:
        before = newest(session)
    gone = before.id if before and not _is_being_made(services, before) else None
    with services.database.write() as session:
        ledger.alone(session)
        last = newest(session)
        if last is not None and last.state == PreviewState.RUNNING and last.id != gone:
            return last.id
        asked = DigestPreview(asked_by=by, progress="Waits for its turn")
        session.add(asked)
        session.flush()
        session.execute(delete(DigestPreview).where(DigestPreview.id != asked.id))
        services.work_queue.enqueue(session, WORKFLOW, workflow_id(asked), QUEUE, asked.id)
        return asked.id


def workflow_id(asked: DigestPreview) -> str:
    """The engine's idempotency key. It includes the time, because SQLite reuses the numbers of deleted rows."""
    return f"{WORKFLOW}#{asked.id}.{asked.asked_at:%Y%m%dT%H%M%S%f}"


def _is_being_made(services: Services, asked: DigestPreview) -> bool:
    return asked.state == PreviewState.RUNNING and services.work_queue.is_going(workflow_id(asked))


def fail_broken_off(services: Services) -> None:
    """Mark a preview as failed when no process works on it any more.

    The preview and its work are committed together, so missing work means failure at once, without a grace period.
    """
    with services.database.read() as session:
        asked = newest(session)
    if asked is None or asked.state != PreviewState.RUNNING:
        return
    if not _is_being_made(services, asked):
        _close(services, asked.id, state=PreviewState.FAILED, error=BROKE_OFF)


def make(services: Services, preview_id: int) -> None:
    """The workflow."""
    engine.step("preview", _make, services, preview_id)


def _make(services: Services, preview_id: int) -> str:
    """Returns the state in which the preview ended. The step may be repeated, as reading a report again is harmless."""
    tell = partial(_tell, services, preview_id)
    try:
        tell("Reading the report")
        settings = services.settings
        if not settings.report_source:
            raise SourceUnreadable("There is no report: REPORT_SOURCE is not set.")
        found = preview.outlook(settings, services.database, settings.report_source, watched=_counting(tell))
        return _close(services, preview_id, state=PreviewState.DONE, result=_result(found))
    except SourceUnreadable as why:
        why_not = str(why)
    except TemplateFault as fault:
        why_not = f"The digest's texts can't be used: {fault}"
    except Exception as fault:
        log.exception("The preview %d met a fault", preview_id)
        why_not = f"The program met a fault ({type(fault).__name__}); the log has more."
    return _close(services, preview_id, state=PreviewState.FAILED, error=why_not)


def _tell(services: Services, preview_id: int, progress: str) -> None:
    with services.database.write() as session:
        session.execute(update(DigestPreview).where(*_running(preview_id)).values(progress=progress))


def _counting(tell: Callable[[str], None]) -> preview.Watched:
    """Pass the rows on unchanged, and report their number from time to time."""

    def watched(rows: Iterator[ReportRows]) -> Iterator[ReportRows]:
        told_at, read = monotonic(), 0
        for some in rows:
            read += len(some.numbers)
            if monotonic() - told_at >= TELL_EVERY_SECONDS:
                told_at = monotonic()
                tell(f"{read:,} rows read")
            yield some
        tell(f"{read:,} rows read; putting the messages together")

    return watched


def _close(services: Services, preview_id: int, **values: Any) -> str:
    ended = update(DigestPreview).where(*_running(preview_id)).values(finished_at=now(), progress="", **values)
    services.database.insist(lambda session: session.execute(ended))
    return str(values["state"])


def _running(preview_id: int) -> tuple[Any, Any]:
    return DigestPreview.id == preview_id, DigestPreview.state == PreviewState.RUNNING


def _result(found: preview.Outlook) -> dict[str, Any]:
    """All counts, and as many messages and rows as fit on a page."""
    set_aside = found.selection.set_aside
    return {
        **found.numbers(),
        "customers": len(found.due),
        "tickets": sum(len(digest.tickets) for digest in found.due),
        "for_next_week": len(found.for_next_week),
        "set_aside": len(set_aside),
        "messages": [_shown(found.message(digest)) for digest in found.due[:MOST_MESSAGES]],
        "rows_set_aside": [run_json.set_aside(row) for row in set_aside[:MOST_SET_ASIDE]],
    }


def _shown(message: dict[str, Any]) -> dict[str, Any]:
    if len(message["body"]) <= LONGEST_BODY:
        return message
    return {**message, "body": message["body"][:LONGEST_BODY].rpartition("\n")[0] + "\n…"}
