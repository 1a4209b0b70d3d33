"""The weekly digest: its runs, what the next one would send, and messages whose outcome is unknown."""

import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.console.access import requires, viewer
from app.console.redirects import lead_to
from app.digest import ledger, preview_requests, result_words, run_json, run_starts, unknown_messages
from app.digest.schedule import iso_week
from app.models import DigestMessage, DigestRun, MessageState, Role, now
from app.people import audit
from app.services import Services, services_of
from app.storage.database import Database
from config import Settings

digests = Blueprint("digests", __name__, url_prefix="/console/digest")

RUNS_ON_A_PAGE = 25
CUSTOMERS_ON_A_PAGE = 100
ROWS_ON_A_PAGE = 50
TICKETS_ON_A_PAGE = 500
MOST_TICKETS = 5
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
SETTLED = r"(arrived|not_arrived) (message|batch) [1-9]\d{0,8}"
"""What became of which message or batch, as the buttons of a run's page say it."""

STATE_ORDER = (
    MessageState.UNKNOWN,
    MessageState.REFUSED,
    MessageState.NOT_SENT,
    MessageState.SENDING,
    MessageState.PLANNED,
    MessageState.ACCEPTED,
)
"""The order of states in the filter: those that may need a person come first."""


@digests.get("")
@requires(Role.READ_ONLY)
def page() -> str:
    """The runs so far, the time of the next one, and its preview."""
    number = _number("page")
    with _database().read() as session:
        newest = select(DigestRun).order_by(DigestRun.id.desc())
        runs = session.scalars(newest.offset((number - 1) * RUNS_ON_A_PAGE).limit(RUNS_ON_A_PAGE)).all()
        return render_template(
            "console/digests/list.html",
            runs=runs,
            counts=ledger.counts_of(session, [run.id for run in runs]),
            run_count=session.scalar(select(func.count(DigestRun.id))) or 0,
            page_size=RUNS_ON_A_PAGE,
            number=number,
            overview=run_json.overview(session, _settings()),
            preview=preview_requests.newest(session),
            doubtful_runs=_doubtful_runs(session),
            missing=_missing(_settings()),
            delivery=_delivery(_settings()),
            settings=_settings(),
            rows_in_words=result_words.in_words,
        )


def _doubtful_runs(session: Session) -> Mapping[int, int]:
    unknown = select(DigestMessage.run_id, func.count()).where(DigestMessage.state == MessageState.UNKNOWN)
    grouped = session.execute(unknown.group_by(DigestMessage.run_id).order_by(DigestMessage.run_id.desc()).limit(20))
    return dict(grouped.all())


def _missing(settings: Settings) -> str:
    """The settings that are missing before a digest can run, for the server's administrator; empty for none."""
    if not settings.report_source:
        return "No report is set up, so no digest goes out. Ask an administrator to have it set."
    if settings.digest_delivery == "webhook" and not settings.digest_webhook_url:
        return "Nothing takes the messages. Ask an administrator to have a mail webhook set, or delivery by mail."
    return ""


def _delivery(settings: Settings) -> str:
    """How customers get the digest. For the webhook only the host is shown: its address may hold a key."""
    if settings.digest_delivery == "mail":
        return f"by mail through {settings.mail_server}"
    host = urlsplit(str(settings.digest_webhook_url)).hostname if settings.digest_webhook_url else None
    return f"to the mail webhook at {host}" if host else "to a mail webhook, which is not set"


@digests.get("/preview")
@requires(Role.READ_ONLY)
def preview() -> str:
    """The part of the page with the preview's progress or result."""
    with _database().read() as session:
        newest = preview_requests.newest(session)
    return render_template(
        "console/digests/_preview.html",
        preview=newest,
        missing=_missing(_settings()),
        rows_in_words=result_words.in_words,
    )


@digests.post("/preview")
@requires(Role.STAFF)
def ask_preview() -> Response:
    """Start a preview of the next digest, unless one is being made already."""
    if not _settings().report_source:
        flash(_missing(_settings()), "failed")
    else:
        preview_requests.ask(_services(), viewer().name)
    return redirect(url_for("digests.page", _anchor="preview"), 303)


@digests.get("/run")
@requires(Role.STAFF)
def confirm() -> str:
    """What a run now would do, before it is started."""
    settings = _settings()
    with _database().read() as session:
        return render_template(
            "console/digests/confirm.html",
            key=uuid.uuid4(),
            told=len(ledger.addressed_in(session, iso_week(now(), settings.zone))),
            under_way=_under_way(session),
            preview=preview_requests.newest(session),
            missing=_missing(settings),
            delivery=_delivery(settings),
            settings=settings,
        )


def _under_way(session: Session) -> DigestRun | None:
    return session.scalar(select(DigestRun).where(DigestRun.state.in_(ledger.UNDER_WAY)).limit(1))


@digests.post("/run")
@requires(Role.STAFF)
def start() -> Response:
    """Start a run now, unless one is under way; pressing the button twice starts one run."""
    key, missing = f"console {_sent('key', UUID)}", _missing(_settings())
    if missing:
        return lead_to("digests.page", missing, "failed")
    try:
        run_id = run_starts.start(_services(), key=key, started_by=viewer().name)
    except ledger.AlreadyUnderWay:
        return _to_the_other(key)
    with _database().write() as session:
        audit.record(session, viewer().name, "started a digest", unknown_messages.subject(run_id))
    flash("The run is started. This page follows it.", "done")
    return _to_run(run_id)


def _to_the_other(key: str) -> Response:
    """Redirect to the run that is under way already: pressing the button twice is no error."""
    with _database().read() as session:
        same = session.scalar(select(DigestRun.id).filter_by(key=key))
        other = _under_way(session)
    if same is not None:
        return _to_run(same)
    flash("Another run is under way or waits, so none was started: this is the other one.", "failed")
    return _to_run(other.id) if other else redirect(url_for("digests.page"), 303)


@digests.get("/runs/<int:run_id>")
@requires(Role.READ_ONLY)
def run(run_id: int) -> str:
    """One run: whom it told of what, what became of each message, and the rows that were set aside."""
    state = request.args.get("state", "")
    if state and state not in set(MessageState):
        abort(404)
    with _database().read() as session:
        found = session.get(DigestRun, run_id) or abort(404)
        return render_template(
            "console/digests/run.html",
            run=found,
            under_way=found.state in ledger.UNDER_WAY,
            state=state,
            states=STATE_ORDER,
            **_contents(session, found, state),
        )


def _contents(session: Session, found: DigestRun, state: str) -> dict[str, Any]:
    number, rows_number = _number("page"), _number("rows")
    counts = ledger.counts(session, found.id)
    first = (number - 1) * CUSTOMERS_ON_A_PAGE
    tickets = ledger.ticket_count(session, found.id)
    return {
        "counts": counts,
        "total": counts[state] if state else sum(counts.values()),
        "everybody": sum(counts.values()),
        "tickets": tickets,
        "rows_read": result_words.in_words(run_json.row_counts(found, tickets), found.repeated),
        "customers": run_json.customers(
            session, found.id, state=state, offset=first, limit=CUSTOMERS_ON_A_PAGE, most_tickets=MOST_TICKETS
        ),
        "number": number,
        "page_size": CUSTOMERS_ON_A_PAGE,
        "rows": run_json.rows_set_aside(
            session, found.id, offset=(rows_number - 1) * ROWS_ON_A_PAGE, limit=ROWS_ON_A_PAGE
        ),
        "rows_kept": min(found.set_aside, ledger.MOST_SET_ASIDE_KEPT),
        "rows_number": rows_number,
        "rows_page_size": ROWS_ON_A_PAGE,
        "batches": run_json.doubtful_batches(session, found.id),
        "notices": run_json.notices_of(session, found.id),
        "decisions": unknown_messages.decisions(session, found.id),
    }


@digests.get("/runs/<int:run_id>/messages/<int:message_id>")
@requires(Role.READ_ONLY)
def message(run_id: int, message_id: int) -> str:
    """All tickets of one customer's message."""
    number = _number("page")
    with _database().read() as session:
        found = session.scalar(select(DigestMessage).filter_by(id=message_id, run_id=run_id)) or abort(404)
        offset = (number - 1) * TICKETS_ON_A_PAGE
        tickets, total = run_json.tickets_of(session, message_id, offset=offset, limit=TICKETS_ON_A_PAGE)
    return render_template(
        "console/digests/message.html",
        message=found,
        tickets=tickets,
        total=total,
        number=number,
        page_size=TICKETS_ON_A_PAGE,
    )


@digests.post("/runs/<int:run_id>/settle")
@requires(Role.STAFF)
def settle(run_id: int) -> Response:
    """Record what a person found out about a message or a batch."""
    outcome, what, number = _sent("settle", SETTLED).split()
    settle_those = unknown_messages.settle_message if what == "message" else unknown_messages.settle_batch
    arrived = outcome == "arrived"
    with _database().write() as session:
        if session.get(DigestRun, run_id) is None:
            abort(404)
        settled = settle_those(session, run_id, int(number), arrived=arrived, by=viewer().name)
    flash(*_settled_in_words(settled, arrived))
    return _to_run(run_id)


def _settled_in_words(settled: int, arrived: bool) -> tuple[str, str]:
    if not settled:
        return "There was nothing left to settle: somebody else has just done it.", "done"
    messages = "1 message is" if settled == 1 else f"{settled} messages are"
    if arrived:
        return f"{messages} settled: the customers were told.", "done"
    return f"{messages} settled: not arrived. The next run tells these customers again.", "done"


def _to_run(run_id: int) -> Response:
    return redirect(url_for("digests.run", run_id=run_id), 303)


def _sent(name: str, pattern: str) -> str:
    """A value of the page's form; refused when it is none that the page has."""
    value = request.form.get(name, "")
    return value if re.fullmatch(pattern, value) else abort(400)


def _number(name: str) -> int:
    """The page number from the address; 1 when it is not a number."""
    written = request.args.get(name, "1")
    return min(int(written), 100_000) if written.isdecimal() and len(written) < 8 and int(written) > 0 else 1


def _services() -> Services:
    return services_of(current_app)


def _settings() -> Settings:
    return _services().settings


def _database() -> Database:
    return _services().database
