"""The documents' pages, and the commands that stand in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config import PROJECT

PAGES = sorted(page for page in (PROJECT / "README.md", *(PROJECT / "docs").glob("*.md")))
HEADING_OR_BLOCK = re.compile(r"^(?:#+ ([^\n]+)|```(\w*)\n(.*?)^```)$", re.MULTILINE | re.DOTALL)
ORIGIN = "git clone REPOSITORY"
"""How the pages write the address that is yours."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, under one of its headings."""

    page: Path
    heading: str
    language: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """Every fenced block of a page, from its beginning to its end."""
    heading = ""
    for title, language, text in HEADING_OR_BLOCK.findall(page.read_text(encoding="utf-8")):
        if title:
            heading = title
        else:
            yield Block(page, heading, language, text)


def commands(name: str, heading: str) -> list[str]:
    """What a reader types into a shell under a heading of a page, a block each."""
    return [block.text for block in blocks(PROJECT / name) if (block.heading, block.language) == (heading, "sh")]
