"""Characters that nobody sees: shown as marks, since in a name they could reverse the words of a page or mail, or left
out of a line."""

import re
from typing import Any

from markupsafe import Markup

_UNSEEN = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
"""Direction marks, joiners, zero-width blanks and similar characters."""


def visible(value: Any) -> Any:
    """The value, with `[U+202E]` in place of each such character of a text; Jinja's `finalize`."""
    if not isinstance(value, str) or not _UNSEEN.search(value):
        return value
    shown = _UNSEEN.sub(lambda found: f"[U+{ord(found.group()):04X}]", str(value))
    return Markup(shown) if isinstance(value, Markup) else shown  # noqa: S704 - it was markup before


def one_line(text: str) -> str:
    """Without line breaks and other characters that can't be printed, blanks collapsed."""
    if not text.isprintable():  # as few texts
        text = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(text.split())
