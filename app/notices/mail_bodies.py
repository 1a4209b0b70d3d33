"""The two forms of a mail, plain text and HTML. What a mail says is written once, in its text.

A mail with tables has an HTML template of its own. For the others, the HTML is made of the text.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from app.wording.done_words import done_words
from app.wording.fact_labels import LABELS
from app.wording.invisible_characters import visible
from app.wording.measures import how_long, how_much

SPREADSHEETS = "https://docs.google.com/spreadsheets/"
ITEM = "- "
NEXT = "What to do next:\n"
REASON = re.compile(r"(Why|The last answer|The certificate's fingerprint \(SHA-256\)):\s")
LINK = re.compile(r"((?:.*[.] )?)(.+): (https?://\S+)")

templates = Environment(
    loader=PackageLoader("app"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    finalize=visible,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.filters.update(how_long=how_long, how_much=how_much)
templates.globals |= {"labels": LABELS, "done_words": done_words}


@dataclass(frozen=True)
class Line:
    """A line of the text; its end, `said`, is a link where there is an address."""

    before: str
    said: str
    href: str | None = None


@dataclass(frozen=True)
class Block:
    """A paragraph, which has one line, or a list. `is_reason`: a paragraph that stands out."""

    lines: list[Line]
    is_list: bool
    is_reason: bool


def both(name: str, facts: Mapping[str, Any]) -> tuple[str, str, str]:
    """Subject, text and HTML of a mail, by the name of its templates."""
    subject, _, text = templates.get_template(f"mail/{name}.txt").render(facts).partition("\n")
    text = text.lstrip("\n")
    lead, _, following = text.partition(NEXT)
    shown = {"subject": subject, "lead": _blocks(lead, facts["console"]), "next": _blocks(following, facts["console"])}
    template = templates.select_template([f"mail/{name}.html", "mail/of_text.html"])
    return subject, text, template.render({**facts, **shown})


def _blocks(text: str, console: str) -> list[Block]:
    return [block for paragraph in re.split(r"\n{2,}", text.strip()) for block in _parts(paragraph, console)]


def _parts(paragraph: str, console: str) -> Iterator[Block]:
    for is_list, lines in groupby(paragraph.splitlines(), lambda line: line.startswith(ITEM)):
        if is_list:
            yield Block([_line(line.removeprefix(ITEM), console) for line in lines], is_list=True, is_reason=False)
        else:
            words = " ".join(lines)
            yield Block([_line(words, console)], is_list=False, is_reason=REASON.match(words) is not None)


def _line(words: str, console: str) -> Line:
    """The line. Only our own pages and the report become links: what comes from outside can't make any."""
    found = LINK.fullmatch(words)
    if found is None or not found[3].startswith((f"{console}/", SPREADSHEETS)):
        return Line("", words)
    return Line(*found.groups())
