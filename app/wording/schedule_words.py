"""A schedule as people say it: `every Monday at 8:00` for `0 8 * * mon`."""

import calendar
import re

DAYS = {name[:3].lower(): name for name in calendar.day_name}
OTHERWISE = "at times of its own"


def in_words(cron: str) -> str:
    """When a schedule is due. One that takes too many words, such as every third hour, is `at times of its own`."""
    parts = cron.lower().split()
    if len(parts) != 5 or parts[2:4] != ["*", "*"]:
        return OTHERWISE
    minute, hour, _, _, days = parts
    when = _days(days)
    if not (minute.isdecimal() and hour.isdecimal() and when):
        return OTHERWISE
    return f"{when} at {int(hour)}:{int(minute):02}"


def _days(days: str) -> str:
    if days == "*":
        return "every day"
    if between := re.fullmatch(r"([a-z]{3})-([a-z]{3})", days):
        first, last = (DAYS.get(day, "") for day in between.groups())
        return f"{first} to {last}" if first and last else ""
    names = [DAYS.get(day, "") for day in days.split(",")]
    if not all(names):
        return ""
    return f"every {' and '.join(filter(None, [', '.join(names[:-1]), names[-1]]))}"
