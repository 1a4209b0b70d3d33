"""Where a text has secrets or customers' data, and the text without them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from .notations import (
    Trace,
    base64_cores,
    customer_pattern,
    customer_pieces,
    digits_in,
    pieces,
    secret_bases,
    secret_pattern,
)

Span = tuple[int, int]
_BASE64_RUN = re.compile(r"[A-Za-z0-9+/_-]{6,}={0,2}")


class Secrets:
    """Known secrets of at least `shortest` characters, to be searched for in any number of texts.

    As with `Values`, a pattern is built only of the secrets that left a trace in a text: each portal password is new,
    so no earlier pattern has it.
    """

    def __init__(self, secrets: Iterable[str], shortest: int) -> None:
        known = frozenset(secrets)
        self._traces = {base: Trace.of(base) for base in secret_bases(known, shortest)}
        self._cores = {core for secret in known for piece in pieces(secret) for core in base64_cores(piece)}
        self._words = {trace.word for trace in self._traces.values()}

    def may_be_in(self, text: str) -> bool:
        """Whether the text has a trace of a secret, which it keeps also as a part of a JSON text."""
        if not text.isascii():
            return True
        shown, letters = text.lower(), text.replace("-", "+").replace("_", "/")
        return any(map(shown.__contains__, self._words)) or any(map(letters.__contains__, self._cores))

    def found(self, text: str) -> list[Span]:
        """Where one of the secrets stands: as it is, in another notation, or within base64 text."""
        if not self.may_be_in(text):  # as nearly all texts
            return []
        suspects = _suspects(self._traces, text)
        pattern = _pattern_of_secrets(frozenset(suspects)) if suspects else None
        found = [] if pattern is None else [match.span() for match in pattern.finditer(text)]
        letters = text.replace("-", "+").replace("_", "/")
        if any(map(letters.__contains__, self._cores)):
            runs = [run.span() for run in _BASE64_RUN.finditer(text)]
            found += [(start, end) for start, end in runs if any(core in letters[start:end] for core in self._cores)]
        return found


class Values:
    """A customer's values, to be searched for in any number of texts.

    A pattern for all forms of a value takes a while to build, and few texts hold any. So a pattern is built only of the
    values that left a trace in a text: their longest word, which all forms keep, or their digits.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._traces = {piece: Trace.of(piece) for piece in customer_pieces(values)}

    def found(self, text: str) -> list[Span]:
        """Where one of the values stands, in any form."""
        suspects = _suspects(self._traces, text)
        pattern = _pattern_of_values(frozenset(suspects)) if suspects else None
        return [] if pattern is None else [match.span() for match in pattern.finditer(text)]


def _suspects(traces: Mapping[str, Trace], text: str) -> list[str]:
    """The values that may be in the text, by their traces."""
    if not text.isascii():
        return list(traces)
    shown, digits = text.lower(), digits_in(text)
    return [each for each, (word, number) in traces.items() if word in shown or (number and number in digits)]


_pattern_of_values = lru_cache(maxsize=64)(customer_pattern)
_pattern_of_secrets = lru_cache(maxsize=64)(secret_pattern)


def spans_of(patterns: Iterable[re.Pattern[str]], text: str) -> list[Span]:
    """Where a pattern's group `value` stands, or the whole match where that took no part."""
    return [match.span(match.lastgroup or 0) for pattern in patterns for match in pattern.finditer(text)]


def replaced(text: str, spans: Sequence[Span], mark: str) -> str:
    """The text with one mark for each stretch of overlapping or touching spans."""
    if not spans:
        return text
    kept: list[str] = []
    position = marked_to = 0
    for start, stop in sorted(span for span in spans if span[0] < span[1]):
        if start > marked_to or not kept:
            kept += [text[position:start], mark]
        position = marked_to = max(marked_to, stop)
    return "".join([*kept, text[position:]])
