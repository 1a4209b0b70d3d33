"""Durations and sizes as people say them, for mails and pages."""

from datetime import timedelta

UNITS = ("bytes", "kB", "MB", "GB", "TB")


def how_long(duration: timedelta | float) -> str:
    """The two largest units of a duration (in seconds where it is a number): `3 h 20 min`, `2 days 4 h`, `1 min`."""
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    minutes = round(seconds / 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return _together(f"{days} day{'s' if days > 1 else ''}", f"{hours} h" if hours else "")
    if hours:
        return _together(f"{hours} h", f"{minutes} min" if minutes else "")
    return f"{minutes} min" if minutes else "less than a minute"


def _together(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def how_much(size: float) -> str:
    """Bytes in a suitable unit, in steps of 1000: `480 MB`, `2.1 GB`."""
    unit = 0
    while size >= 999.5 and unit < len(UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.1f} {UNITS[unit]}" if size < 10 and unit > 2 else f"{size:.0f} {UNITS[unit]}"
