"""When the digest is due: `DIGEST_SCHEDULE` in `TIMEZONE`, across both changes of the clock. Pure."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

LOOK_BACK = timedelta(days=400)


def trigger(schedule: str, zone: ZoneInfo) -> CronTrigger:
    """APScheduler's trigger for five cron fields."""
    return CronTrigger.from_crontab(schedule, timezone=zone)


def last_due(schedule: str, zone: ZoneInfo, after: datetime, moment: datetime) -> datetime | None:
    """The last time (UTC) in (`after`, `moment`] at which the digest was due; None when there was none."""
    times, due = trigger(schedule, zone), None
    following = _following(times, max(after, moment - LOOK_BACK))
    while following is not None and following <= moment:
        due = following
        following = _following(times, due)
    return due


def next_due(schedule: str, zone: ZoneInfo, moment: datetime) -> datetime | None:
    """The first time (UTC) after `moment` at which the digest is due; None for a schedule that never comes."""
    return _following(trigger(schedule, zone), moment)


def _following(times: CronTrigger, after: datetime) -> datetime | None:
    """The next due time, computed in UTC: local arithmetic would confuse the hour that comes twice in autumn."""
    found = times.get_next_fire_time(None, after.astimezone(UTC) + timedelta(microseconds=1))
    return found.astimezone(UTC) if found else None


def wall_clock(moment: datetime, zone: ZoneInfo) -> str:
    """A due time in local time: both hours of autumn's clock change give the same text."""
    return f"{moment.astimezone(zone):%Y-%m-%dT%H:%M}"


def iso_week(moment: datetime, zone: ZoneInfo) -> str:
    """The ISO week of a moment in a time zone: `2026-W47`."""
    year, week, _ = moment.astimezone(zone).isocalendar()
    return f"{year}-W{week:02}"
