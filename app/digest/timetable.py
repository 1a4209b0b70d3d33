"""When the digest is due: `DIGEST_SCHEDULE` in `TIMEZONE`, across both changes of the clock. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

LOOK_BACK = timedelta(days=400)


def trigger(schedule: str, zone: ZoneInfo) -> CronTrigger:
    """APScheduler's trigger for five cron fields."""
    return CronTrigger.from_crontab(schedule, timezone=zone)


def last_due(schedule: str, zone: ZoneInfo, after: datetime, moment: datetime) -> datetime | None:
    """The last time in (`after`, `moment`] at which the digest was due; None when there was none."""
    times, due = trigger(schedule, zone), None
    following = times.get_next_fire_time(None, max(after, moment - LOOK_BACK) + timedelta(microseconds=1))
    while following is not None and following <= moment:
        due = following
        following = times.get_next_fire_time(following, following + timedelta(seconds=1))
    return due


def wall_clock(moment: datetime, zone: ZoneInfo) -> str:
    """A due time as the clock on the wall shows it: the hour that comes twice in autumn is one time."""
    return f"{moment.astimezone(zone):%Y-%m-%dT%H:%M}"


def iso_week(moment: datetime, zone: ZoneInfo) -> str:
    """The ISO week of a moment in a time zone: `2026-W47`."""
    year, week, _ = moment.astimezone(zone).isocalendar()
    return f"{year}-W{week:02}"
