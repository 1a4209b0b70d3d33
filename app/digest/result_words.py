"""Words for what became of a report's rows and for rows set aside: the same in commands, pages and mails."""

from collections.abc import Mapping
from typing import Any

from app.digest.selection import Selection
from app.models import DigestRun

WORDS: Mapping[str, str] = {
    "told": "told",
    "told_before": "told before",
    "not_closed": "not closed",
    "too_old": "too old",
    "set_aside": "set aside",
    "for_next_week": "left for next week's message",
    "not_told": "not told yet, or nobody knows",
}
"""Words for what may become of a row of the report; each row is counted once."""

NOT_ALWAYS = {"for_next_week", "not_told"}
"""Kinds that are named only when there are any."""


def became(
    read: Selection | DigestRun, *, told: int, set_aside: int, for_next_week: int, not_told: int = 0
) -> dict[str, int]:
    """What became of the rows read, each counted once."""
    return {
        "told": told,
        "told_before": read.already_reported + read.repeated,
        "not_closed": read.not_closed,
        "too_old": read.too_old,
        "set_aside": set_aside,
        "for_next_week": for_next_week,
        "not_told": not_told,
    }


def listed(rows: Mapping[str, int], repeated: int = 0) -> list[tuple[str, int]]:
    """Each kind in words with its number; of the rows told before, `repeated` stand twice in the report itself."""
    words = dict(WORDS)
    if repeated:
        words["told_before"] += f" ({repeated:,} listed twice)"
    return [(words[kind], count) for kind, count in rows.items() if count or kind not in NOT_ALWAYS]


def in_words(rows: Mapping[str, int], repeated: int = 0) -> str:
    """`9 rows read: 3 told, 2 told before, 3 not closed, 1 too old, 0 set aside`."""
    total = sum(rows.values())
    parts = ", ".join(f"{count:,} {words}" for words, count in listed(rows, repeated))
    return f"{total:,} row{'s' if total != 1 else ''} read: {parts}"


def row_in_words(row: Mapping[str, Any]) -> str:
    """A row that was set aside: its place, its ticket, the reason, and the cell's text unless the reason quotes it."""
    ticket = f"ticket {row['ticket']}" if row["ticket"] else "no ticket"
    return f"row {row['row']}: {ticket}, {row['reason']}{_there(row)}"


def _there(row: Mapping[str, Any]) -> str:
    if not row["written"]:
        return "; the cell is blank"
    said = row["written"] == row["ticket"] or row["written"] in row["reason"]
    return "" if said else f'; it says "{row["written"]}"'
