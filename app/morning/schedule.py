"""When the morning mail is due: at MORNING_SUMMARY's time, once a day, and not long after that time."""

import logging
from datetime import datetime, timedelta

from sqlalchemy import select

from app import notices
from app.digest.schedule import last_due
from app.models import Notice, NoticeKind, now
from app.morning.summary import summary
from app.services import Services
from app.storage import schedule_marks

log = logging.getLogger(__name__)

MADE_UP_FOR = timedelta(hours=3)
"""How late the mail may be: a service that starts again at nine still sends it, one that starts at noon doesn't."""


def tell_when_due(services: Services, moment: datetime | None = None) -> bool:
    """Record the morning mail, if it is due at `moment` (default: now); returns whether this call did it.

    The day is the mail's key, so there is one mail a day, whatever the schedule and however many processes call this.
    """
    schedule, zone, moment = services.settings.morning_summary, services.settings.zone, moment or now()
    if schedule is None:
        return False
    with services.database.write(repeatable=True) as session:
        kept_since = schedule_marks.kept_since(session, "morning", schedule)
    due = last_due(schedule, zone, max(kept_since, moment - MADE_UP_FOR), moment)
    if due is None:
        return False
    key = f"{NoticeKind.MORNING_SUMMARY}:{due.astimezone(zone):%Y-%m-%d}"
    with services.database.read() as session:
        if session.scalar(select(Notice.id).filter_by(key=key)) is not None:
            return False
    with services.database.write() as session:
        content = summary(session, services.settings, due)
        notices.record(services.work_queue, session, NoticeKind.MORNING_SUMMARY, key, **content)
    log.info("The morning mail of %s is recorded", key.partition(":")[2])
    return True
