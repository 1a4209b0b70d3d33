"""Settles a database that was restored from a backup, so that nothing happens twice.

The backup does not know what happened after it was made: accounts may have been made, and digests sent. So every order
that isn't completed is in doubt: before it writes to PowerCode, it looks there, or asks a person. A digest that may
have been sent is not sent again.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.digest import ledger
from app.digest.schedule import last_due
from app.models import (
    ACTIVE_STATES,
    Alert,
    DigestMessage,
    DigestRun,
    DigestWindow,
    EventKind,
    LastBackup,
    MessageState,
    Order,
    OrderState,
    Outgoing,
    RemoteSystem,
    RunState,
    ScheduleMark,
    SignIn,
    now,
)
from app.provisioning import lifecycle
from app.provisioning.problems import RESTORED
from app.provisioning.run_endings import NeedsReview
from app.services import Services


@dataclass(frozen=True)
class Settled:
    """What was settled: orders by their references, the digest's new window, and runs that were broken off.

    `need_look` were at work in PowerCode; `go_on` had written nothing yet; `waited` needed a person already.
    """

    made_at: datetime
    need_look: list[str]
    go_on: list[str]
    waited: list[str]
    digest_window_starts_on: date | None
    digests_broken_off: list[int]


def settle(services: Services, made_at: datetime) -> Settled:
    """Settle a database as it was at `made_at`, in one transaction; nothing may execute on it meanwhile."""
    local = f"{made_at.astimezone(services.settings.zone):%Y-%m-%d %H:%M}"
    with services.database.write() as session:
        _forget_what_is_old(session)
        for_a_person = select(Order.orderref).where(Order.state == OrderState.NEEDS_REVIEW).order_by(Order.id)
        waiting = list(session.scalars(for_a_person))
        need_look, go_on = _settle_orders(services, session, local)
        window_starts_on, runs = _settle_digest(services, session, made_at)
    return Settled(made_at, need_look, go_on, waiting, window_starts_on, runs)


def _forget_what_is_old(session: Session) -> None:
    """Delete sign-ins, which may have been ended since, and the state of systems, which is found out anew."""
    session.execute(delete(SignIn))
    session.execute(delete(RemoteSystem))
    session.execute(delete(LastBackup))
    session.execute(delete(Alert).where(Alert.closed_at.is_(None)))
    session.execute(delete(Outgoing).where(Outgoing.kind.not_in(tuple(EventKind))))  # chat: open alerts are sent anew


def _settle_orders(services: Services, session: Session, local: str) -> tuple[list[str], list[str]]:
    """The orders that need a look, and those that go on by themselves."""
    since = max(now(), session.scalar(select(func.max(Order.updated_at))) or now())
    unfinished = update(Order).where(Order.state != OrderState.COMPLETED)
    session.execute(unfinished.values(in_doubt_since=since, updated_at=Order.updated_at))
    need_look, go_on = [], []
    at_work = select(Order).where(Order.state.in_(ACTIVE_STATES)).order_by(Order.id)
    for order in session.scalars(at_work).all():
        if order.stage == "account":
            order.run += 1  # so that the engine's workflow of the old run does nothing
            lifecycle.stop(services, session, order, _look(local))
            need_look.append(order.orderref)
        else:
            remark = f"This order comes from the backup of {local}: what was done for it after that is not known"
            order.remarks = [*order.remarks, remark]
            go_on.append(order.orderref)
    return need_look, go_on


def _look(local: str) -> NeedsReview:
    return NeedsReview(
        RESTORED,
        f"This order was in work when the backup of {local} was made. Look in PowerCode what it has by now. When it "
        "goes on, its account is looked for first, and you are asked before a plan or a ticket is added to it",
    )


def _settle_digest(services: Services, session: Session, made_at: datetime) -> tuple[date | None, list[int]]:
    """The window's new start, if it moved, and the runs that were broken off."""
    runs = ledger.under_way(session)
    for run in runs:
        _break_off(session, run)
    session.execute(update(ScheduleMark).values(kept_since=now()))
    missed = _last_run_since(services, made_at, [run.started_at for run in runs])
    starts_on = missed.astimezone(services.settings.zone).date() if missed else None
    if starts_on is not None:
        _move_window(session, starts_on)
    return starts_on, [run.id for run in runs]


def _break_off(session: Session, run: DigestRun) -> None:
    """End a run. Its unsent messages become unknown: they may have been sent after the backup. A person finds out."""
    run.state, run.finished_at, run.next_try_at = RunState.FAILED, now(), None
    run.error = "It was under way when the backup was made that was restored"
    left = (DigestMessage.run_id == run.id, DigestMessage.state.in_((MessageState.PLANNED, MessageState.SENDING)))
    doubt = {"state": MessageState.UNKNOWN, "error": "a backup was restored; it may have been sent after it was made"}
    session.execute(update(DigestMessage).where(*left).values(**doubt))


def _last_run_since(services: Services, made_at: datetime, broken_off: list[datetime]) -> datetime | None:
    """The latest time at which a digest may have been sent that is not in the backup."""
    settings = services.settings
    due = last_due(settings.digest_schedule, settings.zone, made_at, now()) if settings.report_source else None
    return max([*broken_off, *([due] if due else [])], default=None)


def _move_window(session: Session, starts_on: date) -> None:
    """Move the window's start: closings before that day may have been told already, and would be told again."""
    window = session.get(DigestWindow, 1)
    if window is None:
        session.add(DigestWindow(id=1, starts_on=starts_on, set_by="a restore"))
    elif window.starts_on < starts_on:
        window.starts_on, window.set_by, window.set_at = starts_on, "a restore", now()
