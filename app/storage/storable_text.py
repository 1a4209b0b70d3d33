"""Any text can be stored and looked for, whatever it came from.

A text of JSON, of a command's arguments or of a file may have what a database can't hold: PostgreSQL refuses a NUL
character, and neither takes half characters (surrogates). Each of these is stored, and looked for, as a mark in its
place: a search finds nothing, and a row is kept, where one letter would otherwise have been an error.
"""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine, String
from sqlalchemy.engine import Dialect

MARK = "\ufffd"

Text = TypeVar("Text", str, str | None)


def storable(text: Text) -> Text:
    """The text with a mark for each NUL, and for each half character."""
    if text is None or (text.isascii() and "\0" not in text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", MARK)


def take_any_text(engine: Engine) -> None:
    """Let the engine's statements take any text for a column of texts."""
    kind = engine.dialect.colspecs.get(String, String)

    class AnyText(kind):  # type: ignore[misc, valid-type]
        """The database's own type of texts."""

        def bind_processor(self, _dialect: Dialect) -> Callable[[str | None], str | None]:
            """Applied to each value of a statement."""
            return storable

    engine.dialect.colspecs = {**engine.dialect.colspecs, String: AnyText}
