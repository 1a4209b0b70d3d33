"""A section of a page of `docs/` as HTML, for the console; supports only the Markdown that those pages use."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from markupsafe import Markup, escape

DOCS = Path(__file__).resolve().parents[2] / "docs"

BOLD, EMPHASIS, CODE = re.compile(r"\*\*(.+?)\*\*"), re.compile(r"\*(.+?)\*"), re.compile(r"`(.+?)`")
LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")


@cache
def section(page: str, heading: str) -> Markup:
    """The section below this heading, without the heading; empty where the page or the section is missing."""
    try:
        text = (DOCS / page).read_text(encoding="utf-8")
    except OSError:
        return Markup()
    _, found, after = text.partition(f"\n## {heading}\n")
    return Markup().join(_blocks(after.partition("\n## ")[0].strip())) if found else Markup()


def _blocks(text: str) -> Iterator[Markup]:
    for block in re.split(r"\n\s*\n|\n(?=- )", text):
        lines = " ".join(line.strip() for line in block.splitlines())
        if lines.startswith("- "):
            yield Markup('<p class="item">{}</p>').format(_inline(lines[2:]))
        elif lines:
            yield Markup("<p>{}</p>").format(_inline(lines))


def _inline(text: str) -> Markup:
    """Text as HTML; links become plain text, as they lead to other files."""
    html = str(escape(LINK.sub(r"\1", text)))
    html = CODE.sub(r"<code>\1</code>", html)
    return Markup(EMPHASIS.sub(r"<em>\1</em>", BOLD.sub(r"<strong>\1</strong>", html)))  # noqa: S704 - escaped above
