"""Where in a text something has to go, and the text without it."""

import re
from collections.abc import Iterable, Iterator

from .forms import base64_cores, pieces, secret_pattern

Span = tuple[int, int]
_BASE64_RUN = re.compile(r"[A-Za-z0-9+/_-]{6,}={0,2}")


class Secrets:
    """Known secrets of at least `shortest` characters, as they are searched for in any number of texts."""

    def __init__(self, secrets: Iterable[str], shortest: int) -> None:
        known = frozenset(secrets)
        self._pattern = secret_pattern(known, shortest)
        self._cores = {core for secret in known for piece in pieces(secret) for core in base64_cores(piece)}

    def found(self, text: str) -> Iterator[Span]:
        """Where one of them stands: as it is, in another notation, or inside of what was encoded in base64."""
        if self._pattern is not None:
            yield from (match.span() for match in self._pattern.finditer(text))
        for run in _BASE64_RUN.finditer(text) if self._cores else ():
            letters = run.group().replace("-", "+").replace("_", "/")
            if any(core in letters for core in self._cores):
                yield run.span()


def spans_of(patterns: Iterable[re.Pattern[str]], text: str) -> Iterator[Span]:
    """Where a pattern's group `value` stands, or the whole match where that took no part."""
    for pattern in patterns:
        yield from (match.span(match.lastgroup or 0) for match in pattern.finditer(text))


def replaced(text: str, spans: Iterable[Span], mark: str) -> str:
    """The text with one mark for each stretch of overlapping or touching spans."""
    kept: list[str] = []
    position = marked_to = 0
    for start, stop in sorted(span for span in spans if span[0] < span[1]):
        if start > marked_to or not kept:
            kept += [text[position:start], mark]
        position = marked_to = max(marked_to, stop)
    return "".join([*kept, text[position:]])
