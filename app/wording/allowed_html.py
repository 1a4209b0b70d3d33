"""Which HTML a text for customers may hold, and where a template has forbidden HTML."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import nh3

ALLOWED_TAGS = frozenset(
    {"a", "b", "blockquote", "br", "div", "em", "h1", "h2", "h3", "h4", "hr", "i", "li", "ol", "p", "s", "small"}
    | {"span", "strong", "table", "tbody", "td", "th", "thead", "tr", "u", "ul"}
)
ALLOWED_ATTRIBUTES = {"a": frozenset({"href", "title"}), "td": frozenset({"colspan"}), "th": frozenset({"colspan"})}
ALLOWED_SCHEMES = frozenset({"http", "https", "mailto", "tel"})

_TAG = re.compile(r"<[a-zA-Z/!]")
_TAG_WITHOUT_END = re.compile(r"<[a-zA-Z/!][^>]*\Z")
_SCHEME = re.compile(r"\s*([a-z][a-z0-9+.-]*):", re.IGNORECASE)


def has_markup(text: str) -> bool:
    """Whether there is a tag or comment in `text`."""
    return _TAG.search(text) is not None


def clean(text: str) -> str:
    """HTML with nothing but harmless tags, and links to http, https, mailto and tel."""
    return nh3.clean(
        text,
        tags=set(ALLOWED_TAGS),
        attributes={tag: set(names) for tag, names in ALLOWED_ATTRIBUTES.items()},
        url_schemes=set(ALLOWED_SCHEMES),
    )


def forbidden_markup(text: str) -> Iterator[tuple[int, str]]:
    """Each tag, attribute and link that would be taken out of the text, with its line (from 1)."""
    parser = _Parser()
    parser.feed(text)
    parser.close()
    yield from parser.found
    unfinished = _TAG_WITHOUT_END.search(text)
    if unfinished:
        yield text.count("\n", 0, unfinished.start()) + 1, "a tag begins here and does not end: < without >"


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ALLOWED_TAGS:
            self._report(f"<{tag}> is not allowed in this text")
            return
        for name, value in attrs:
            if name not in ALLOWED_ATTRIBUTES.get(tag, frozenset()):
                self._report(f"the attribute {name} is not allowed on <{tag}>")
            elif name == "href":
                self._check_link(value or "")

    def _check_link(self, address: str) -> None:
        scheme = _SCHEME.match(address)
        if scheme and scheme[1].lower() not in ALLOWED_SCHEMES:
            self._report(f"links to {scheme[1]}: are not allowed")

    def _report(self, message: str) -> None:
        self.found.append((self.getpos()[0], message))
