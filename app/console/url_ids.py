"""Ids in pages' addresses. One too large for any row is answered 404, as databases raise an error for it."""

from werkzeug.routing import IntegerConverter, Map

LARGEST = 2**31 - 1
"""The largest `integer` of PostgreSQL, which raises an error for larger values; SQLite does so from 2**63 on."""


class UrlId(IntegerConverter):
    """`<int:...>` in a page's address."""

    regex = r"\d{1,10}"

    def __init__(self, map: Map) -> None:
        super().__init__(map, max=LARGEST)


def id_in(text: str) -> int | None:
    """The id in a text; None when the text is no id."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST))):
        return None
    return min(int(text), LARGEST)
