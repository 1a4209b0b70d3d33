"""The weekly digest's story: read the report, plan who is told what, hand it over batch by batch, tell staff.

Each batch is a checkpointed step, and the plan is in the ledger before anything is sent. So after a crash a run goes on
with the next batch; the outcome of the batch that was being sent is unknown.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import islice
from typing import Any

from sqlalchemy.orm import Session

from app import notices
from app.digest import ledger, run_json
from app.digest.closings import CustomerDigest, group_by_customer
from app.digest.delivery import Handed, Receipt, Webhook, send_mail
from app.digest.mails import MailTemplates, Told
from app.digest.report.sources import ReportRows, SourceUnreadable, read_report
from app.digest.schedule import iso_week
from app.digest.selection import Selection, select_closings
from app.durable import engine
from app.models import DigestMessage, DigestRun, EventKind, MessageState, NoticeKind, RunState, now
from app.outgoing import events
from app.remote import retry_times
from app.remote.mail import MailFailed
from app.services import Services
from app.wording.placeholders import TemplateFault
from config import Settings

log = logging.getLogger(__name__)

TRY_FOR = timedelta(hours=24)
"""How long a run that can't go on is retried; after that, the next week's run tells its tickets."""

MESSAGE_STATES = {
    Handed.ACCEPTED: MessageState.ACCEPTED,
    Handed.REFUSED: MessageState.REFUSED,
    Handed.UNKNOWN: MessageState.UNKNOWN,
    Handed.NEVER_ARRIVED: MessageState.PLANNED,
    Handed.NOT_NOW: MessageState.PLANNED,
}


Send = Callable[[Sequence[Told], str], Receipt]
"""Hands messages over, under an idempotency key."""


class CannotGoOn(Exception):
    """The run has to wait and retry: the source can't be read, or no message arrives. The text is for staff."""


def digest(services: Services, run_id: int, attempt: int) -> None:
    """The workflow."""
    batches = engine.step("plan", _unless_it_waits(plan), services, run_id, attempt)
    for batch in range(1, (batches or 0) + 1):
        handed = engine.step(f"batch:{batch}", _unless_it_waits(send_batch), services, run_id, attempt, batch)
        if handed is None:
            return
    if batches is not None:
        engine.step("finish", _unless_it_waits(finish), services, run_id, attempt)


def _unless_it_waits(act: Callable[..., int]) -> Callable[..., int | None]:
    """A step that returns a number; or None when the run has to wait, or another attempt works on it."""

    def step(services: Services, run_id: int, attempt: int, *args: int) -> int | None:
        try:
            with services.database.read() as session:
                if ledger.current(session, run_id, attempt) is None:
                    return None
            return act(services, run_id, *args)
        except CannotGoOn as why:
            _wait(services, run_id, attempt, str(why))
        except Exception as fault:
            # Without this, the run would look abandoned and be started again every second.
            log.exception("Digest run %d met a fault", run_id)
            _wait(services, run_id, attempt, f"The program met a fault ({type(fault).__name__}); the log has more.")
        return None

    return step


def plan(services: Services, run_id: int) -> int:
    """Read, select, group, and commit who is told what; returns the number of batches."""
    with services.database.read() as session:
        run = session.get_one(DigestRun, run_id)
        if run.planned:
            return ledger.last_batch(session, run_id)
    with services.database.write() as session:
        ledger.forget_plan(session, run_id)
    if services.settings.digest_delivery == "mail":
        _templates(services.settings)
    selection = read_selection(services, run)
    with services.database.read() as session:
        taken = ledger.addressed_in(session, _this_week(services))
    due = _Due(group_by_customer(selection.closings), taken)
    batches = _plan_batches(services, run_id, due)
    _note_what_was_read(services, run_id, selection, due)
    return batches


class _Due:
    """Yields the customers who have no message of this week yet, and counts their rows and the customers left out."""

    def __init__(self, digests: Iterator[CustomerDigest], taken: set[str]) -> None:
        self._digests, self._taken = digests, taken
        self.rows = self.left_for_next_week = 0

    def __iter__(self) -> Iterator[CustomerDigest]:
        for digest in self._digests:
            if digest.email_key in self._taken:
                self.left_for_next_week += 1
            else:
                self.rows += len(digest.tickets)
                yield digest


def _this_week(services: Services) -> str:
    return iso_week(now(), services.settings.zone)


def _plan_batches(services: Services, run_id: int, due: _Due) -> int:
    """Commit each batch in a transaction of its own, so that callbacks get the database in between."""
    week, size, customers, batch = _this_week(services), services.settings.digest_batch_size, iter(due), 0
    while some := list(islice(customers, size)):
        batch += 1
        with services.database.write() as session:
            ledger.plan_batch(session, run_id, week, batch, some)
    return batch


def read_selection(services: Services, run: DigestRun) -> Selection:
    """The closings that this run has to report; raises `CannotGoOn` when the report can't be read."""
    settings, today = services.settings, now().astimezone(services.settings.zone).date()
    with services.database.write() as session:
        starts_on = ledger.window_start(session, today, settings.digest_first_window_days, f"run {run.id}")
        since = run.since or starts_on
        session.get_one(DigestRun, run.id).window_starts_on = since
    with services.database.read() as session:
        reported = ledger.reported_since(session, since)
    try:
        return select_from(settings, run.source, since, today, reported)
    except SourceUnreadable as why:
        raise CannotGoOn(str(why)) from None


def select_from(
    settings: Settings,
    source: str,
    since: date,
    today: date,
    reported: set[Any],
    *,
    watched: Callable[[Iterator[ReportRows]], Iterable[ReportRows]] = iter,
) -> Selection:
    """Read a source and select the closings to report; raises `SourceUnreadable`. Writes nothing.

    The rows pass through `watched`, which can report progress.
    """
    rows = read_report(
        source,
        google_credentials_file=settings.google_service_account_file,
        sheets_endpoint=settings.google_sheets_endpoint,
    )
    return select_closings(watched(rows), since=since, today=today, already_reported=reported, zone=settings.zone)


def _note_what_was_read(services: Services, run_id: int, selection: Selection, due: _Due) -> None:
    with services.database.write() as session:
        run = session.get_one(DigestRun, run_id)
        run.planned, run.rows_read = True, selection.rows_read
        run.already_reported, run.repeated = selection.already_reported, selection.repeated
        run.not_closed, run.too_old = selection.not_closed, selection.too_old
        run.rows_due, run.for_next_week = due.rows, due.left_for_next_week
        run.rows_for_next_week = len(selection.closings) - run.rows_due
        ledger.keep_set_aside(session, run, selection.set_aside)


def send_batch(services: Services, run_id: int, batch: int) -> int:
    """Send the messages of a batch that are left; returns how many were accepted."""
    with services.database.write() as session:
        run = session.get_one(DigestRun, run_id)
        doubtful = ledger.doubt_what_was_being_sent(session, run_id, batch)
        ledger.move_to_week(session, run_id, batch, _this_week(services))
        messages = ledger.planned_messages(session, run_id, batch)
    if doubtful:
        log.warning("Run %d, batch %d: the outcome of %d messages is not known", run_id, batch, doubtful)
    if not messages:
        return 0
    deliver = _by_mail if services.settings.digest_delivery == "mail" else _by_webhook
    return deliver(services, run, messages)


def _by_webhook(services: Services, run: DigestRun, messages: list[DigestMessage]) -> int:
    """Send by webhook. After trouble one customer goes first: another failure then leaves one in doubt, not a batch."""
    first = 1 if run.error else 0
    webhook, accepted = Webhook(services.settings, services.metrics), 0
    for part in filter(None, (messages[:first], messages[first:])):
        receipt = _hand_over(services, run, part, webhook.send)
        accepted += len(part) if receipt.handed is Handed.ACCEPTED else 0
    return accepted


def _by_mail(services: Services, run: DigestRun, messages: list[DigestMessage]) -> int:
    templates, accepted, later = _templates(services.settings), 0, ""
    try:
        with services.mailer.connection() as post:
            for message in messages:
                post.open()
                receipt = _hand_over(
                    services, run, [message], lambda told, key: send_mail(post, templates, told[0], key)
                )
                accepted += receipt.handed is Handed.ACCEPTED
                later = receipt.detail if receipt.handed is Handed.NOT_NOW else later
    except MailFailed as failed:
        raise CannotGoOn(failed.detail) from None
    if later:
        raise CannotGoOn(later)
    return accepted


def _templates(settings: Settings) -> MailTemplates:
    try:
        return MailTemplates(settings.ticket_template_dir)
    except TemplateFault as fault:
        raise CannotGoOn(f"The digest's templates can't be used: {fault}") from None


def _hand_over(services: Services, run: DigestRun, messages: list[DigestMessage], send: Send) -> Receipt:
    """Send messages, with a mark before and the outcome after.

    Pauses the run when there was no answer: otherwise the next batch's outcome would become unknown too.
    """
    ids = [message.id for message in messages]
    with services.database.write() as session:
        ledger.mark(session, ids, MessageState.SENDING)
    key = f"digest-{run.iso_week}-{run.id}-{ids[0]}-{ids[-1]}"  # the same only for the same messages
    receipt = send([ledger.told(message) for message in messages], key)
    _record(services, run, ids, receipt)
    if receipt.handed in (Handed.NEVER_ARRIVED, Handed.UNKNOWN):
        raise CannotGoOn(receipt.detail)
    return receipt


def _record(services: Services, run: DigestRun, ids: list[int], receipt: Receipt) -> None:
    def outcome(session: Session) -> None:
        ledger.mark(session, ids, MESSAGE_STATES[receipt.handed], receipt.detail or None)
        if run.error and receipt.handed is Handed.ACCEPTED:
            row = session.get_one(DigestRun, run.id)
            row.error, row.tries = None, 0  # the trouble is over

    services.database.insist(outcome)


def finish(services: Services, run_id: int) -> int:
    """Close the run and tell staff; returns the run's number."""
    with services.database.write() as session:
        run = session.get_one(DigestRun, run_id)
        if run.state == RunState.RUNNING:
            run.state, run.finished_at, run.error = RunState.COMPLETED, now(), None
            _report(services, session, run)
            _tell_others(services, session, run)
            log.info("Digest run %d is completed", run_id)
    return run_id


def _wait(services: Services, run_id: int, attempt: int, why: str) -> None:
    """Retry within 24 hours; after that the run has failed, and unsent messages are left to the next run.

    When a person named a report for one run and it can't be read, that person is told, and the run is not retried.
    """
    log.warning("Digest run %d can't go on: %s", run_id, why)
    with services.database.write() as session:
        run = ledger.current(session, run_id, attempt)
        if run is None:
            return
        run.error = why
        other_report = not run.key.startswith(ledger.SCHEDULE_KEY) and run.source != services.settings.report_source
        if now() - run.started_at < TRY_FOR and not (other_report and not run.planned):
            run.state = RunState.WAITING
            run.tries += 1
            run.next_try_at = retry_times.retry_at(run.tries, services.settings.retry_minutes)
            _tell_of_trouble(services, session, run)
        else:
            run.state, run.finished_at = RunState.FAILED, now()
            ledger.give_up_on_planned(session, run_id, why)
            _report(services, session, run)


def _tell_of_trouble(services: Services, session: Session, run: DigestRun) -> None:
    key = f"{NoticeKind.DIGEST_TROUBLE}:{run.id}"
    why: dict[str, Any] = {"reason": run.error, "source": run.source}
    notices.record(services.work_queue, session, NoticeKind.DIGEST_TROUBLE, key, run=run.id, **why)


def _tell_others(services: Services, session: Session, run: DigestRun) -> None:
    """Record the event that the week's messages were sent: numbers, and no addresses."""
    numbers = run_json.summary(session, run)
    told = {name: numbers[name] for name in ("run", "iso_week", "state", "customers", "tickets", "set_aside")}
    links = {"run": f"{services.settings.public_address}/console/digest/runs/{run.id}"}
    events.record(services, session, EventKind.DIGEST_SENT, f"{run.id}", **told, links=links)


def _report(services: Services, session: Session, run: DigestRun) -> None:
    session.flush()
    key = f"{NoticeKind.DIGEST_REPORT}:{run.id}"
    content = run_json.for_staff(session, run)
    notices.record(services.work_queue, session, NoticeKind.DIGEST_REPORT, key, **content)
