"""Alerts in the database: a condition's row and its mails are one transaction, so that several hosts make one alert."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app import notices
from app.alerts.patience import Condition, Verdict, judge, patience, slot_of
from app.models import ACTIVE_STATES, Alert, AlertKind, Notice, NoticeKind, NoticeState, Order, OrderState, now
from app.services import Services
from app.storage.database import insert_if_new

log = logging.getLogger(__name__)

OPENING: Mapping[AlertKind, NoticeKind] = {
    AlertKind.DISK_NEARLY_FULL: NoticeKind.DISK_NEARLY_FULL,
    AlertKind.CALLBACK_FLOOD: NoticeKind.CALLBACK_FLOOD,
    AlertKind.CERTIFICATE: NoticeKind.CERTIFICATE_TROUBLE,
    AlertKind.WORK_STANDS_STILL: NoticeKind.WORK_STANDS_STILL,
    AlertKind.BACKUP: NoticeKind.BACKUP_TROUBLE,
}
"""Which mail tells of an alert. Not here: a system that is down (the waiting orders' notice tells), the digest (its run
does), and stuck mail (no mail would arrive)."""

CLOSING: Mapping[AlertKind, NoticeKind] = {
    AlertKind.SYSTEM_DOWN: NoticeKind.ANSWERS_AGAIN,
    AlertKind.MAIL_STUCK: NoticeKind.MAIL_WAS_STUCK,
    AlertKind.DISK_NEARLY_FULL: NoticeKind.DISK_HAS_ROOM,
    AlertKind.CALLBACK_FLOOD: NoticeKind.FLOOD_IS_OVER,
    AlertKind.CERTIFICATE: NoticeKind.CERTIFICATE_FINE,
    AlertKind.BACKUP: NoticeKind.BACKUP_FINE,
}
"""Which mail tells that an alert is over. Not here: the digest (its run's report tells), and work that stood still,
which is taken up by the time its first mail goes out."""

MOST_ORDERS_NAMED = 1000
AT_ONCE = 500
LATE = timedelta(minutes=5)


def of_slot(session: Session, kind: AlertKind, subject: str, *, lock: bool = False) -> Alert | None:
    """The subject's alert that isn't over, or None."""
    query = select(Alert).filter_by(slot=slot_of(kind, subject))
    return session.scalar(query.with_for_update() if lock else query)


def open_alerts(session: Session) -> Sequence[Alert]:
    """What is wrong now, the oldest first."""
    return session.scalars(
        select(Alert).where(Alert.slot.is_not(None), Alert.opened_at.is_not(None)).order_by(Alert.id)
    ).all()


def counts(session: Session) -> dict[str, int]:
    """How many alerts are open, by kind."""
    opened = select(Alert.kind, func.count()).where(Alert.slot.is_not(None), Alert.opened_at.is_not(None))
    return dict(session.execute(opened.group_by(Alert.kind)).all())


def not_over(session: Session) -> dict[str, Alert]:
    """The alerts that aren't over, those that are only suspected too, by their slot."""
    return {alert.slot: alert for alert in session.scalars(select(Alert).where(Alert.slot.is_not(None))) if alert.slot}


def record_look(services: Services, condition: Condition, moment: datetime, known: Alert | None) -> Verdict:
    """Do what a condition asks for, where its alert is `known`; a transaction is opened only when something is to be
    written."""
    patient = patience(condition.kind, services.settings)
    if judge(known, condition, moment, patient) is Verdict.NOTHING:
        return Verdict.NOTHING
    with services.database.write() as session:
        alert = of_slot(session, condition.kind, condition.subject, lock=True)
        if alert is None and condition.wrong:
            alert = suspect(session, condition, moment)
        verdict = judge(alert, condition, moment, patient)
        if alert is not None:
            _apply(services, session, alert, verdict, condition=condition, moment=moment)
        return verdict


def suspect(session: Session, condition: Condition, moment: datetime) -> Alert:
    """The subject's alert, locked; begun with this condition if there is none."""
    began = {"began_at": condition.since or moment, "looked_at": moment, "content": condition.content, "told": False}
    insert_if_new(session, Alert, "slot", slot=condition.slot, kind=condition.kind, subject=condition.subject, **began)
    alert = of_slot(session, condition.kind, condition.subject, lock=True)
    assert alert is not None, "an alert that was begun is there, by whomever"  # noqa: S101
    return alert


def _apply(
    services: Services, session: Session, alert: Alert, verdict: Verdict, *, condition: Condition, moment: datetime
) -> None:
    if verdict is Verdict.NOTHING:
        return
    alert.looked_at = moment
    match verdict:
        case Verdict.FORGET:
            session.delete(alert)
        case Verdict.OPEN:
            open_up(alert, condition.content, moment)
            _tell_of_opening(services, session, alert)
        case Verdict.NOTE:
            alert.gone_since = None if condition.wrong else alert.gone_since or condition.since or moment
        case Verdict.CLOSE:
            close(services, session, alert, alert.gone_since or condition.since or moment, condition.content)


def open_up(alert: Alert, content: dict[str, Any], moment: datetime) -> None:
    """Open an alert that was only suspected until now."""
    alert.opened_at, alert.content = moment, content
    log.warning("Alert %s (%s) is open", alert.kind, alert.subject)


def _tell_of_opening(services: Services, session: Session, alert: Alert) -> None:
    kind = OPENING.get(AlertKind(alert.kind))
    if kind is not None:
        content = {**alert.content, "since": alert.began_at.isoformat()}
        notices.record(services.work_queue, session, kind, key_of(kind, alert), **content)
        alert.told = True


def key_of(kind: NoticeKind, alert: Alert) -> str:
    """The key that allows one mail of this kind for an alert. It includes the moment, as SQLite reuses freed ids."""
    return f"{kind}:{alert.id}:{alert.opened_at}"


def close(
    services: Services, session: Session, alert: Alert, over_at: datetime, found: Mapping[str, Any] | None = None
) -> None:
    """Close an alert that is over since `over_at`: tell staff, with what became of the orders that waited. `found` is
    how things are now."""
    alert.slot, alert.gone_since, alert.closed_at = None, over_at, now()
    log.warning("Alert %s (%s) is over", alert.kind, alert.subject)
    kind = CLOSING.get(AlertKind(alert.kind))
    if kind is None:
        return
    past = PAST.get(AlertKind(alert.kind))
    times = {"since": alert.began_at.isoformat(), "until": over_at.isoformat()}
    content = {**alert.content, **(past(session, alert) if past else {}), **times, "found": dict(found or {})}
    content.pop("orders", None)
    notices.record(services.work_queue, session, kind, key_of(kind, alert), **content)


# What happened meanwhile


def join(alert: Alert, orderrefs: Iterable[str]) -> bool:
    """Note that these orders wait because of the alert, for the mail at its end; returns whether one of them is new."""
    known = alert.content.get("orders", [])
    joined = list(dict.fromkeys([*known, *orderrefs]))[:MOST_ORDERS_NAMED]
    if len(joined) == len(known):
        return False
    alert.content = {**alert.content, "orders": joined}
    return True


def _orders_meanwhile(session: Session, alert: Alert) -> dict[str, Any]:
    """How many orders waited, and where they stand by now."""
    orderrefs = alert.content.get("orders", [])
    states: Counter[str] = Counter()
    for start in range(0, len(orderrefs), AT_ONCE):
        those = Order.orderref.in_(orderrefs[start : start + AT_ONCE])
        states.update(session.scalars(select(Order.state).where(those)))
    return {
        "waited": len(orderrefs),
        "completed": states[OrderState.COMPLETED],
        "need_you": states[OrderState.NEEDS_REVIEW],
        "going_on": sum(states[state] for state in ACTIVE_STATES),
    }


def _mails_meanwhile(session: Session, alert: Alert) -> dict[str, Any]:
    """How many mails came late, by how many seconds at most, and how many of them nobody got."""
    sent = select(Notice.created_at, Notice.sent_at).where(
        Notice.state == NoticeState.SENT,
        Notice.kind != NoticeKind.CONTRACT,  # those wait for UTOPIA
        Notice.sent_at >= alert.began_at,
        Notice.created_at <= alert.gone_since,
    )
    delays = [sent_at - created_at for created_at, sent_at in session.execute(sent) if sent_at]
    late = [delay for delay in delays if delay >= LATE]
    failed = select(func.count()).where(Notice.state == NoticeState.FAILED, Notice.created_at >= alert.began_at)
    worst = max(late, default=timedelta())
    return {"late": len(late), "latest_seconds": worst.total_seconds(), "failed": session.scalar(failed) or 0}


PAST: Mapping[AlertKind, Callable[[Session, Alert], dict[str, Any]]] = {
    AlertKind.SYSTEM_DOWN: _orders_meanwhile,
    AlertKind.CERTIFICATE: _orders_meanwhile,
    AlertKind.MAIL_STUCK: _mails_meanwhile,
}


def drop_unseen(session: Session, kind: AlertKind, before: datetime) -> None:
    """End alerts that no process looks at any more: their host is gone, or has another name. Nobody is told."""
    unseen = (Alert.slot.is_not(None), Alert.kind == kind, Alert.looked_at < before)
    session.execute(update(Alert).where(*unseen).values(slot=None, closed_at=now()))
