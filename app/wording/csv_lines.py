"""Lines of CSV that a spreadsheet shows and never executes."""

import csv
import io
from collections.abc import Iterable

BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
BYTE_ORDER_MARK = "\ufeff"
"""Tells Excel that what follows is UTF-8."""


def csv_line(cells: Iterable[object]) -> str:
    """One line. A cell that a spreadsheet would take for a formula gets an apostrophe before it, which is not shown."""
    line = io.StringIO()
    csv.writer(line).writerow([_harmless(str("" if cell is None else cell)) for cell in cells])
    return line.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.lstrip(" ").startswith(BEGINS_FORMULA) else cell
