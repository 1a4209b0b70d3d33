"""Any JSON answer of a remote system in readable form: facts, tables and lists, cut where too deep or too long.

The content is not trusted: templates escape these values, and only plain http and https addresses become links.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

from wire.masking import without_secrets

DEEPEST = 5
MOST_ENTRIES = 100
MOST_COLUMNS = 12
MOST_CHARACTERS = 25_000
MOST_RAW_CHARACTERS = 15_000
LONGEST_TEXT = 1_500
COST_OF_A_VALUE = 25
"""Characters that each value counts for besides its text, so that very many short values reach the limit too."""

_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"'\\]{1,500}")
# Characters that are invisible or change the writing direction.
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")

T = TypeVar("T")
LinkOf = Callable[[str, str], str | None]
"""Returns the console's page about a value, by the value's name and text."""


@dataclass(frozen=True)
class Text:
    """One value. `inside` is the address of a page of the console, `outside` that of another site."""

    kind: ClassVar[str] = "text"
    value: str
    inside: str | None = None
    outside: str | None = None


@dataclass(frozen=True)
class Facts:
    """Names and values; `left_out` counts those not shown."""

    kind: ClassVar[str] = "facts"
    pairs: tuple[tuple[str, "Node"], ...]
    left_out: int = 0


@dataclass(frozen=True)
class Table:
    """Records of the same kind."""

    kind: ClassVar[str] = "table"
    columns: tuple[str, ...]
    rows: tuple[tuple["Node", ...], ...]
    left_out: int = 0


@dataclass(frozen=True)
class Items:
    """Values, one below the other."""

    kind: ClassVar[str] = "items"
    entries: tuple["Node", ...]
    left_out: int = 0


Node = Text | Facts | Table | Items


class _Reader:
    """Turns JSON into nodes until `MOST_CHARACTERS` are used up."""

    def __init__(self, link_of: LinkOf) -> None:
        self._link_of = link_of
        self._left = MOST_CHARACTERS

    def node(self, name: str, value: object, depth: int = 0) -> Node:
        if isinstance(value, (dict, list)) and not value:
            return Text("none")
        if depth >= DEEPEST and isinstance(value, (dict, list)):
            return Text(f"{len(value)} more inside; see the answer as it came")
        if isinstance(value, dict):
            return self._facts(value, depth)
        if isinstance(value, list):
            return self._several(name, value, depth)
        return self._text(name, value)

    def _facts(self, value: Mapping[str, object], depth: int) -> Facts:
        pairs = [(label(name), self.node(name, each, depth + 1)) for name, each in self._what_fits(value.items())]
        return Facts(tuple(pairs), len(value) - len(pairs))

    def _several(self, name: str, value: list[object], depth: int) -> Node:
        records = [each for each in value if isinstance(each, dict)]
        columns = list(dict.fromkeys(key for each in records[:MOST_ENTRIES] for key in each))
        if len(records) == len(value) and 0 < len(columns) <= MOST_COLUMNS:
            return self._table(columns, records, depth)
        entries = [self.node(name, each, depth + 1) for each in self._what_fits(value)]
        return Items(tuple(entries), len(value) - len(entries))

    def _table(self, columns: list[str], records: list[dict[str, object]], depth: int) -> Table:
        rows = [
            tuple(self.node(name, record.get(name, ""), depth + 1) for name in columns)
            for record in self._what_fits(records)
        ]
        return Table(tuple(label(name) for name in columns), tuple(rows), len(records) - len(rows))

    def _what_fits(self, values: Iterable[T]) -> Iterator[T]:
        """The first values, at least one, until these were turned into enough text."""
        for count, value in enumerate(values):
            if count >= MOST_ENTRIES or (self._left <= 0 and count > 0):
                return
            yield value

    def _text(self, name: str, value: object) -> Text:
        shown = visible(_plain(value))
        shown = shown if len(shown) <= LONGEST_TEXT else shown[: LONGEST_TEXT - 1] + "…"
        self._left -= len(shown) + COST_OF_A_VALUE
        return Text(shown, self._link_of(name, shown) if shown else None, web_address(shown))


def readable(content: object, link_of: LinkOf = lambda _name, _text: None) -> Node:
    """The content as nodes; what is too deep or too much is counted and left out."""
    return _Reader(link_of).node("", content)


def raw(content: object) -> tuple[str, bool]:
    """The JSON with indents, and whether it had to be cut to `MOST_RAW_CHARACTERS`."""
    parts, length = list[str](), 0
    try:
        for part in json.JSONEncoder(indent=2, ensure_ascii=False, default=str).iterencode(content):
            parts.append(part)
            length += len(part)
            if length > MOST_RAW_CHARACTERS:
                break
    except RecursionError:
        parts.append(" … nested too deeply")
    text = visible("".join(parts), keep_lines=True)
    return text[:MOST_RAW_CHARACTERS], length > MOST_RAW_CHARACTERS


def visible(text: str, *, keep_lines: bool = False) -> str:
    """The text with each invisible character replaced by a visible sign; in one line unless `keep_lines`."""
    shown = _INVISIBLE.sub("\N{REPLACEMENT CHARACTER}", text)
    return shown if keep_lines else " ".join(shown.split())


def web_address(text: str) -> str | None:
    """The text when it is nothing but a plain http or https address."""
    if not _WEB_ADDRESS.fullmatch(text):
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return text if parts.hostname and parts.username is None else None


def label(name: str) -> str:
    """A field's name as a heading: `first_name` as `first name`."""
    return visible(str(name)[:80].replace("_", " ")) or "–"


def masked(content: Any, secrets: Iterable[str]) -> Any:
    """The content without secrets of ours that a remote system may repeat."""
    try:
        return without_secrets(content, [secret for secret in secrets if len(secret) > 3])
    except RecursionError:
        return "The answer is nested too deeply to be shown."


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
