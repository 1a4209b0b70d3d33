"""Ids in pages' addresses. One that is too large for any row is answered 404: a database refuses to compare it."""

from werkzeug.routing import IntegerConverter, Map

LARGEST = 2**31 - 1
"""PostgreSQL's `integer`; it refuses to compare one with anything larger, as SQLite does from 2**63 on."""


class UrlId(IntegerConverter):
    """`<int:...>` in a page's address."""

    regex = r"\d{1,10}"

    def __init__(self, map: Map) -> None:
        super().__init__(map, max=LARGEST)


def id_in(text: str) -> int | None:
    """The id that a text names; None when it is none."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST))):
        return None
    return min(int(text), LARGEST)
