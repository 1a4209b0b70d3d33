"""Compares UTOPIA's orders with ours: on `RECONCILE_SCHEDULE`, and when somebody asks.

A comparison only reads. Its row is committed before it begins, so a comparison is started again when its process died
or UTOPIA did not answer. It sends UTOPIA one request at a time.
"""

import logging
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

import utopia
from app.aftercare import missing_orders
from app.aftercare.order_references import references_in
from app.digest.schedule import last_due, wall_clock
from app.durable import engine
from app.models import SYSTEM_NAMES, Order, OrderState, Reconciliation, RunState, System, now
from app.provisioning.run_endings import stop_for
from app.remote import breaker, retry_times
from app.services import Services
from app.storage import schedule_marks
from app.storage.database import connection_of, insert_if_new, rows_changed
from app.wording.outage_words import in_trouble
from config import Settings

log = logging.getLogger(__name__)

BY_SCHEDULE = "schedule"
LEFT_BEHIND = timedelta(minutes=15)
"""A comparison whose process has written nothing for this long has died with it."""
LARGEST = 16 * 1024 * 1024
"""UTOPIA's answer, in bytes: all orders that there ever were, some kB each."""
BLIND_AFTER = timedelta(days=1)
IS_OPEN = Reconciliation.state.in_((RunState.RUNNING, RunState.WAITING))
ANY_OPEN = select(Reconciliation.__table__.c.id).where(IS_OPEN).limit(1)
"""Built once: it is asked every few seconds."""
CANT_TELL = "UTOPIA's answer names no order, so nobody can tell from it whether one is missing"


def start_when_due(services: Services) -> int | None:
    """Record the schedule's comparison once, also when it was due while no process ran; returns its number.

    None while one is under way, such as one that waits for UTOPIA: that one replaces any that were due meanwhile.
    """
    settings = services.settings
    if not settings.reconcile_schedule:
        return None
    with services.database.write(repeatable=True) as session:
        kept_since = schedule_marks.kept_since(session, "reconcile", settings.reconcile_schedule)
        by_schedule = Reconciliation.key.startswith(f"{BY_SCHEDULE}:")
        if connection_of(session).scalar(ANY_OPEN) is not None:
            return None
        over = func.coalesce(Reconciliation.finished_at, Reconciliation.started_at)
        newest = session.scalar(select(func.max(over)).where(by_schedule))
    due = last_due(settings.reconcile_schedule, settings.zone, max(kept_since, min(newest or kept_since, now())), now())
    if due is None:
        return None
    key = f"{BY_SCHEDULE}:{wall_clock(due, settings.zone)}"
    with services.database.read() as session:
        if session.scalar(select(Reconciliation.id).filter_by(key=key)) is not None:
            return None
    with services.database.write() as session:
        return _begin(session, key, BY_SCHEDULE)


def ask(session: Session, by: str) -> int:
    """Record a comparison for a person, unless one is under way; returns its number."""
    under_way = session.scalars(select(Reconciliation).where(IS_OPEN).order_by(Reconciliation.id)).first()
    if under_way is None:
        return _begin(session, f"asked:{uuid.uuid4()}", by)
    if under_way.state == RunState.WAITING:
        under_way.next_try_at = now()
    return under_way.id


def go_on(services: Services) -> None:
    """Carry out the comparisons that are due."""
    due_now = select(Reconciliation.id).where(_is_due(services)).order_by(Reconciliation.id)
    with services.database.read() as session:
        if connection_of(session).scalar(ANY_OPEN) is None:
            return
        due = session.scalars(due_now).all()
    for number in due:
        if engine.is_stopping():
            return
        carry_out(services, number)


def carry_out(services: Services, number: int) -> None:
    """Do one comparison, unless it is done or another process is doing it."""
    with services.database.write() as session:
        if not _claim(services, session, number):
            return
        is_down = breaker.is_down(session, System.UTOPIA)
        error = breaker.error_of(session, System.UTOPIA)
    if is_down:
        _wait(services, number, in_trouble(SYSTEM_NAMES[System.UTOPIA], error))
        return
    try:
        found = _names(services)
    except utopia.UtopiaError as error:
        _wait(services, number, stop_for(error).reason)
        return
    _compare(services, number, found)


def _names(services: Services) -> list[str]:
    """The references in UTOPIA's answer; none where it says that it has no record of ours."""
    try:
        return references_in(services.utopia.all_orders(limit=LARGEST).content)
    except utopia.NotOurs:
        return []


def last(session: Session) -> Reconciliation | None:
    """The newest comparison."""
    return session.scalar(select(Reconciliation).order_by(Reconciliation.id.desc()).limit(1))


def last_that_told(session: Session) -> Reconciliation | None:
    """The newest comparison whose answer named orders."""
    told = (Reconciliation.state == RunState.COMPLETED, Reconciliation.found > 0)
    return session.scalar(select(Reconciliation).where(*told).order_by(Reconciliation.id.desc()).limit(1))


def can_tell(run: Reconciliation) -> bool:
    """Whether a completed comparison gave a result; it is "can't tell" otherwise."""
    return run.found > 0


def is_blind(session: Session, settings: Settings, moment: datetime) -> bool:
    """Whether an order could be missing without anybody knowing, although they are to be compared.

    UTOPIA has not answered for a day, or its answer names no order although there are some here.
    """
    run = last(session)
    if run is None or not settings.reconcile_schedule:
        return False
    if run.state != RunState.COMPLETED:
        return run.started_at < moment - BLIND_AFTER
    if can_tell(run):
        return False
    return session.scalar(select(Order.id).where(Order.state != OrderState.NOT_OURS).limit(1)) is not None


def _begin(session: Session, key: str, by: str) -> int:
    insert_if_new(session, Reconciliation, "key", key=key, started_by=by[:80])
    return session.scalars(select(Reconciliation.id).filter_by(key=key)).one()


def _is_due(services: Services) -> ColumnElement[bool]:
    """The comparison is not done, its time has come, and no process is doing it."""
    moment = now()
    left_behind = or_(
        Reconciliation.claimed_at.is_(None),
        Reconciliation.claimed_at < moment - LEFT_BEHIND,
        Reconciliation.claimed_at > moment + LEFT_BEHIND,  # a clock was wrong
    )
    waited = retry_times.due(Reconciliation.next_try_at, services.settings.retry_minutes)
    return or_(
        and_(Reconciliation.state == RunState.RUNNING, left_behind),
        and_(Reconciliation.state == RunState.WAITING, waited),
    )


def _claim(services: Services, session: Session, number: int) -> bool:
    mine = update(Reconciliation).where(Reconciliation.id == number, _is_due(services))
    return rows_changed(session, mine.values(claimed_at=now(), state=RunState.RUNNING, next_try_at=None)) > 0


def _wait(services: Services, number: int, why: str) -> None:
    """Set the time at which UTOPIA is asked again."""
    with services.database.write() as session:
        run = session.get_one(Reconciliation, number)
        run.tries += 1
        run.state, run.error = RunState.WAITING, why
        run.next_try_at = retry_times.retry_at(run.tries, services.settings.retry_minutes)
    log.warning("The comparison with UTOPIA's orders waits: %s", why)


def _leave(services: Services, number: int) -> None:
    """Release the comparison when the service stops; it starts again in another process or after the next start."""
    with services.database.write() as session:
        session.execute(update(Reconciliation).filter_by(id=number).values(claimed_at=None))


def _compare(services: Services, number: int, found: Sequence[str]) -> None:
    with services.database.read() as session:
        is_first = last_that_told(session) is None
    missing_orders.keep(services, found, are_older=is_first)
    if not missing_orders.ask_about(services):
        _leave(services, number)
        return
    with services.database.write() as session:
        run = session.get_one(Reconciliation, number)
        run.state, run.finished_at, run.found, run.error = RunState.COMPLETED, now(), len(found), None
        run.is_first = is_first and can_tell(run)
        if not can_tell(run):
            run.error = CANT_TELL
        untold = missing_orders.tell(services, session, number)
    log.info("UTOPIA names %d orders; %d that never called back are news", len(found), untold)
