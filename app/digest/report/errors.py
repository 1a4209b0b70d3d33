"""The error for a report that can't be read, and the limits that keep a bad source from doing harm."""

from dataclasses import dataclass


class SourceUnreadable(Exception):
    """The report can't be read now. The text is one or two sentences for staff: what is wrong, what to do.

    It never holds a secret or a customer's data. Trying again later is always harmless.
    """


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a source may take (seconds) and how much it may hand over (bytes)."""

    connect_seconds: float = 10.0
    read_seconds: float = 60.0
    total_seconds: float = 300.0
    max_bytes: int = 256 * 1024 * 1024
