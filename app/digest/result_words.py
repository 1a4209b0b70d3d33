"""Words for what became of a report's rows and for rows set aside: the same in commands, pages and mails."""

from collections.abc import Mapping
from typing import Any

from app.digest.selection import Selection

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


def of_selection(selection: Selection, *, told: int, for_next_week: int) -> dict[str, int]:
    """The rows of a report that a digest now would tell of, and the others."""
    return {
        "told": told,
        "told_before": selection.already_reported + selection.repeated,
        "not_closed": selection.not_closed,
        "too_old": selection.too_old,
        "set_aside": len(selection.set_aside),
        "for_next_week": for_next_week,
        "not_told": 0,
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
