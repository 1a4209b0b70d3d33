"""The two forms of a mail, plain text and HTML. What a mail says is written once, in its text.

The HTML is made of the text, by `of_text.html`; an order's facts, which the text lists, are tables there.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

from app.wording.done_words import done_words
from app.wording.fact_labels import LABELS
from app.wording.invisible_characters import visible
from app.wording.measures import how_long, how_much

SPREADSHEETS = "https://docs.google.com/spreadsheets/"
ITEM = "- "
NEXT = "What to do next:\n"
REASON = re.compile(r"(Why|The last answer|The certificate's fingerprint \(SHA-256\)):\s+")
CALL = "Settle "
FIGURE = re.compile(r"(?:- )?([^:]+):  +(\S.*)")
OWN_LINE = re.compile(r"[:.]?\n  (?=http)")
"""Before an address with a line of its own, below what it is about."""
LINK = re.compile(r"((?:.*(?:[.] |, (?=settle )))?)(.+?)((?: \([^()]*\))?): (https?://\S+)")
"""What the last sentence before an address says is the link, without what it has in brackets."""

templates = Environment(
    loader=PackageLoader("app"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    finalize=visible,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
templates.filters.update(how_long=how_long, how_much=how_much)
templates.globals = {"labels": LABELS, "done_words": done_words, "in_html": False}


@dataclass(frozen=True)
class Line:
    """A line of the text; `said` is a link where there is an address. In a table, `before` is the label."""

    before: str
    said: str
    after: str = ""
    href: str | None = None


@dataclass(frozen=True)
class Block:
    """A paragraph, which has one line, a list, or a table of figures. A call is a button.

    A reason stands out, below its `label`. A heading is what a list or a table begins with.
    """

    lines: list[Line]
    is_list: bool = False
    is_table: bool = False
    is_heading: bool = False
    label: str = ""
    is_call: bool = False


def both(name: str, facts: Mapping[str, Any]) -> tuple[str, str, str]:
    """Subject, text and HTML of a mail, by the name of its templates."""
    template = templates.get_template(f"mail/{name}.txt")
    subject, _, text = template.render(facts).partition("\n")
    lead, _, following = template.render(facts, in_html=True).partition("\n")[2].partition(NEXT)
    ours = _addresses_of_ours(facts)
    shown = {"subject": subject, "lead": _blocks(lead, ours), "next": _blocks(following, ours)}
    return subject, text.lstrip("\n"), _html_of(name).render({**facts, **shown})


@cache
def _html_of(name: str) -> Template:
    """A mail's own template for its HTML, which few have, or the one for all."""
    return templates.select_template([f"mail/{name}.html", "mail/of_text.html"])


def _addresses_of_ours(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """How the addresses begin that become links: what comes from outside can't make any."""
    in_powercode = [facts["page_of"]("")] if "page_of" in facts else []
    return (f"{facts['console']}/", SPREADSHEETS, *in_powercode)


def _blocks(text: str, ours: tuple[str, ...]) -> list[Block]:
    return [block for paragraph in re.split(r"\n{2,}", text.strip()) for block in _parts(paragraph, ours)]


def _parts(paragraph: str, ours: tuple[str, ...]) -> Iterator[Block]:
    parts = [(kind, [*lines]) for kind, lines in groupby(OWN_LINE.sub(": ", paragraph).splitlines(), _kind)]
    for place, (kind, lines) in enumerate(parts):
        if kind == "item":
            yield Block([_line(line.removeprefix(ITEM), ours) for line in lines], is_list=True)
        elif kind == "figure":
            figures = [line.removeprefix(ITEM).partition(":") for line in lines]
            yield Block([Line(label, figure.strip()) for label, _, figure in figures], is_table=True)
        else:
            yield _words(" ".join(lines), ours, is_first=place == 0 and len(parts) > 1)


def _words(words: str, ours: tuple[str, ...], *, is_first: bool) -> Block:
    if is_first and words.rstrip().endswith(":"):
        return Block([Line("", words.rstrip(": "))], is_heading=True)
    reason = REASON.match(words)
    line = _line(words[reason.end() :] if reason else words, ours)
    return Block([line], label=reason[1] if reason else "", is_call=bool(line.href) and line.said.startswith(CALL))


def _kind(line: str) -> str:
    if FIGURE.fullmatch(line):
        return "figure"
    return "item" if line.startswith(ITEM) else "words"


def _line(words: str, ours: tuple[str, ...]) -> Line:
    found = LINK.fullmatch(words)
    if found is None or not found[4].startswith(ours):
        return Line("", words)
    return Line(*found.groups())
