"""Numbers of rows in addresses: what no row can have is no such page, before a database is asked that can't take it."""

from werkzeug.routing import IntegerConverter, Map

LARGEST = 2**31 - 1
"""PostgreSQL's `integer`; it refuses to compare one with anything larger, as SQLite does from 2**63 on."""


class RowId(IntegerConverter):
    """`<int:...>` in a page's address."""

    regex = r"\d{1,10}"

    def __init__(self, map: Map) -> None:
        super().__init__(map, max=LARGEST)


def row_id(text: str) -> int | None:
    """The number that a query names, or None when it is none that a row can have."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST))):
        return None
    return min(int(text), LARGEST)
