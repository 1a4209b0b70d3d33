"""The look at the system itself, every half minute, in each process that keeps the schedule."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from app.alerts import backups, callback_flood, conditions, outages, records
from app.alerts.patience import Condition
from app.models import AlertKind, now
from app.services import Services

UNSEEN_FOR = timedelta(hours=24)
"""After this time without a look at its disk, a host is gone, or has another name."""


def watch_for_alerts(services: Services, moment: datetime | None = None) -> None:
    """Look at everything, and open and close alerts as of `moment` (now)."""
    moment = moment or now()
    with services.database.read() as session:
        known = records.not_over(session)
    for condition in _conditions(services, moment):
        records.record_look(services, condition, moment, known.get(condition.slot))
    with services.database.read() as session:
        lost = [alert for alert in records.open_alerts(session) if alert.looked_at < moment - UNSEEN_FOR]
    if any(alert.kind == AlertKind.DISK_NEARLY_FULL for alert in lost):
        with services.database.write() as session:
            records.drop_unseen(session, AlertKind.DISK_NEARLY_FULL, moment - UNSEEN_FOR)


def _conditions(services: Services, moment: datetime) -> Iterator[Condition]:
    yield from outages.conditions(services)
    yield from conditions.mail(services, moment)
    yield from conditions.digest(services)
    yield from conditions.disks(services)
    yield from callback_flood.conditions(services, moment)
    yield from conditions.work(services)
    yield from backups.conditions(services, moment)
