"""Alerts for UTOPIA or PowerCode not answering while orders wait: the notice "still waiting" opens the alert.

While no order waits, nobody calls the system, so nothing is known of it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import notices
from app.alerts import records
from app.alerts.patience import Condition, patience
from app.models import SYSTEM_NAMES, Alert, AlertKind, NoticeKind, Order, OrderState, RemoteSystem, System, now
from app.remote import breaker
from app.services import Services
from app.wording.outage_words import refused_key

UNDER_WAY = (OrderState.WAITING, OrderState.RUNNING)
"""Running orders count, too: while an order tries again, it keeps the name of the system that it waited for."""


class Waiting(NamedTuple):
    """An order that waits, without its contract: there may be thousands, and contracts would fill the memory."""

    id: int
    orderref: str
    waiting_for: str | None
    waiting_since: datetime | None
    reason: str | None


def tell(services: Services, session: Session, down: RemoteSystem, orders: Sequence[Waiting], since: datetime) -> None:
    """Orders have waited too long for a system that is down: open its alert with a mail, or note them with it.

    Nothing is mailed if they wait because of a certificate: that was told already. Runs in the caller's transaction.
    """
    system, orderrefs = System(down.name), [order.orderref for order in orders]
    alert = records.of_slot(session, AlertKind.SYSTEM_DOWN, system, lock=True)
    if alert is not None and _is_another_outage(services, alert, down):
        records.close(services, session, alert, down.up_since or now(), {"answers": True})
        session.flush()
        alert = None
    alert = alert or _blocking_certificate(session, system)
    if alert is not None:
        records.join(alert, orderrefs)
        return
    content: dict[str, Any] = {
        "system": SYSTEM_NAMES[system],
        "reason": down.error or orders[0].reason,
        "orders": orderrefs,
    }
    opened = records.suspect(session, Condition(AlertKind.SYSTEM_DOWN, system, wrong=True, since=since), now())
    if opened.opened_at is not None:  # another host was faster
        records.join(opened, orderrefs)
        return
    records.open_up(opened, {**content, "down_since": str(down.down_since)}, now())
    opened.told = True
    key, content = records.key_of(NoticeKind.STILL_WAITING, opened), {**content, "since": since.isoformat()}
    notices.record(services.work_queue, session, NoticeKind.STILL_WAITING, key, **content)


def _is_another_outage(services: Services, alert: Alert, down: RemoteSystem) -> bool:
    """Whether the system answered for long enough since the alert's outage that this is a new one.

    That can be told even if no process looked meanwhile, as after a restart.
    """
    if alert.content.get("down_since") == str(down.down_since) or not (down.up_since and down.down_since):
        return False
    answered_for: timedelta = down.down_since - down.up_since
    return answered_for >= patience(AlertKind.SYSTEM_DOWN, services.settings).before_closing


def _blocking_certificate(session: Session, system: System) -> Alert | None:
    """The open alert about PowerCode's certificate, where that is why it can't be used."""
    if system is not System.POWERCODE:
        return None
    alert = records.of_slot(session, AlertKind.CERTIFICATE, system, lock=True)
    return alert if alert is not None and alert.opened_at and alert.content.get("blocks") else None


def is_told_of(session: Session, system: System) -> bool:
    """Whether staff know already that the system can't be used."""
    return records.of_slot(session, AlertKind.SYSTEM_DOWN, system) is not None


def conditions(services: Services) -> Iterator[Condition]:
    """Whether the outages that were told of are over; also notes which orders wait by now."""
    for alert in _told(services):
        system = System(alert.subject)
        with services.database.read() as session:
            row = session.get(RemoteSystem, system)
            waits_for_it = select(Order.orderref).where(Order.state.in_(UNDER_WAY), Order.waiting_for == system)
            waiting = session.scalars(waits_for_it.order_by(Order.id)).all()
        _note(services, alert, waiting, row.error if row else None)
        if alert.kind == AlertKind.SYSTEM_DOWN:
            answers = row is None or row.down_since is None
            since = row.up_since if row and answers else None
            wrong = not answers and bool(waiting)
            yield Condition(AlertKind.SYSTEM_DOWN, system, wrong=wrong, since=since, content={"answers": answers})


def _told(services: Services) -> list[Alert]:
    with services.database.read() as session:
        return [alert for alert in records.open_alerts(session) if _makes_orders_wait(alert)]


def _makes_orders_wait(alert: Alert) -> bool:
    return alert.kind == AlertKind.SYSTEM_DOWN or bool(alert.content.get("blocks"))


def _note(services: Services, seen: Alert, orderrefs: Sequence[str], error: str | None) -> None:
    """Note which orders wait by now, and whether the system refuses our key, or no longer answers that much."""
    is_known, is_the_same = set(orderrefs) <= set(seen.content.get("orders", [])), _is_told_alike(seen, error)
    if is_known and is_the_same:
        return
    with services.database.write() as session:
        alert = session.get(Alert, seen.id, with_for_update=True)
        if alert is None or alert.slot is None:
            return
        records.join(alert, orderrefs)
        if not is_the_same:
            alert.content = {**alert.content, "reason": error}


def _is_told_alike(alert: Alert, error: str | None) -> bool:
    if alert.kind != AlertKind.SYSTEM_DOWN or error is None:
        return True
    system = alert.content.get("system")
    return refused_key(system, error) == refused_key(system, alert.content.get("reason"))


def certificate_is_refused(session: Session) -> bool:
    """Whether the last call to PowerCode failed because of its certificate."""
    down = breaker.systems_down(session).get(System.POWERCODE)
    return down is not None and "certificate" in (down.error or "")
