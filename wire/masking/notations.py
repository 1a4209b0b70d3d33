"""The notations in which a known text can turn up (URL, JSON, repr, ...), as one search pattern.

A name that went into a URL, a JSON body and an exception's repr is written three ways. Each function here is
pure: text in, texts or a pattern out.
"""

import base64
import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from math import ceil
from typing import NamedTuple
from urllib.parse import quote, quote_plus

CHUNK = 200
"""Longer texts are searched for in pieces of at most this many characters, so that a pattern stays small."""

LONGEST_FORM = 20 * CHUNK
"""No form of a piece is longer than this, in characters."""

WORD_START = r"(?:(?<!\w)|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt]))"
"""The start of a word, also behind a URL-quoted character (`%22Ada`) and an escaped line break."""

_BETWEEN_WORDS = r"(?:[\W_]|%[0-9A-Fa-f]{2}|\\[nrt]){1,8}"
_BETWEEN_DIGITS = r"[\W_]{0,3}"
_SHORTEST_BASE64 = 6
_WORD = re.compile(r"[a-z0-9]+")
_LETTER = re.compile(r"[A-Za-z]")
_NO_DIGIT = re.compile(r"[^0-9]+")


def _json_inside(text: str, *, ascii_only: bool = True) -> str:
    return json.dumps(text, ensure_ascii=ascii_only)[1:-1]


def _repr_inside(text: str) -> str:
    return repr(text)[1:-1]


def _repr_among_quotes(text: str) -> str:
    """The text as `repr` writes it within a larger text that holds both kinds of quotes: `O\\'Brien`."""
    return repr('"' + text)[2:-1]


# Each function gives the text as it stands between the quotes or separators of one notation.
_ENCODERS: tuple[Callable[[str], str], ...] = (
    lambda text: quote(text, safe="", errors="replace"),
    lambda text: quote(text, errors="replace"),
    lambda text: quote_plus(text, errors="replace"),
    _json_inside,
    lambda text: _json_inside(text, ascii_only=False),
    lambda text: _json_inside(text).replace("/", "\\/"),  # PHP, which PowerCode is written in
    lambda text: _json_inside(text, ascii_only=False).replace("/", "\\/"),
    _repr_inside,
    _repr_among_quotes,
    lambda text: ascii('"' + text)[2:-1],
    lambda text: repr(text.encode("utf-8", "replace"))[2:-1],
    html.escape,
)

# A notation inside another: a JSON answer shown by repr, a JSON string in a form field.
_OUTER_ENCODERS: tuple[Callable[[str], str], ...] = (
    lambda text: quote(text, safe="", errors="replace"),
    _json_inside,
    _repr_inside,
    _repr_among_quotes,
)


def encoded(text: str) -> set[str]:
    """Return `text` and each way of writing it that a URL, JSON, HTML or `repr` may make of it."""
    once = {encode(text) for encode in _ENCODERS} - {text}
    twice = {encode(form) for form in once for encode in _OUTER_ENCODERS}
    return {text} | once | twice


def _spellings(text: str) -> set[str]:
    """Upper, lower, composed, decomposed and plain-letter spellings; `re.IGNORECASE` covers plain ASCII by itself."""
    if text.isascii():
        return {text}
    decomposed = unicodedata.normalize("NFD", text)
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    spellings = {text, unicodedata.normalize("NFC", text), decomposed, plain if len(plain) > 2 else text}
    return {spelling for one in spellings for spelling in (one, one.upper(), one.lower(), one.casefold())}


def _literal(form: str) -> str:
    """A pattern for `form` where any run of blanks stands for any other."""
    return r"\s+".join(re.escape(part) for part in re.split(r"\s+", form))


def _loose(text: str) -> set[str]:
    """Patterns for the same words or the same digits with other separators between them."""
    words = re.findall(r"\w+", text)
    loose = set()
    if len(words) > 1:
        loose.add(WORD_START + _BETWEEN_WORDS.join(map(re.escape, words)) + r"(?!\w)")
    digits = re.sub(r"\D", "", text, flags=re.ASCII)
    if len(digits) >= 7 and not re.search(r"[^\W\d_]", text):
        loose.add(r"(?<!\d)" + _BETWEEN_DIGITS.join(digits) + r"(?!\d)")
    return loose


def _customer_patterns(value: str) -> set[str]:
    if len(value) < 3:
        return {WORD_START + re.escape(form) + r"(?!\w)" for form in _spellings(value)}
    forms = {form for spelling in _spellings(value) for form in encoded(spelling)}
    return {_literal(form) for form in forms} | _loose(value)


def pieces(value: str) -> list[str]:
    """Return `value` without blanks around it, cut into pieces of about the same length and `CHUNK` at most."""
    value = value.strip()
    length = ceil(len(value) / ceil(len(value) / CHUNK)) if value else CHUNK
    found = [value[start : start + length].strip() for start in range(0, len(value), length)]
    return [piece for piece in found if piece]


def _any_of(patterns: Iterable[str]) -> re.Pattern[str] | None:
    longest_first = sorted(set(patterns), key=lambda pattern: (-len(pattern), pattern))
    return re.compile("|".join(longest_first), re.IGNORECASE) if longest_first else None


def customer_pieces(values: Iterable[str]) -> list[str]:
    """Return the pieces of a customer's values to search for; `None` and `null`, UTOPIA's "nothing", are no values."""
    return [piece for value in values for piece in pieces(value) if piece.lower() not in ("none", "null")]


def customer_pattern(values: Iterable[str]) -> re.Pattern[str] | None:
    """Return a pattern that finds each of a customer's values in all its forms, or None without values.

    Case, accents' encoding, runs of blanks and separators between words don't matter. Values of one or two
    characters are found as whole words only.
    """
    return _any_of(pattern for piece in customer_pieces(values) for pattern in _customer_patterns(piece))


class Trace(NamedTuple):
    """What a lower-case ASCII text must contain if it contains any form of the value: a quick test before the search.

    Every form keeps ASCII letters and digits, and keeps a word's letters together; only digits may have separators
    between them that the value lacks. A value in other letters leaves no trace: its word is empty, and in every text.
    """

    word: str
    digits: str | None

    @classmethod
    def of(cls, piece: str) -> "Trace":
        """The trace of one of the `customer_pieces` or `secret_bases`."""
        if not piece.isascii():
            return cls("", None)
        word = max(_WORD.findall(piece.lower()), key=len, default="")
        return cls(word, digits_in(piece) if not _LETTER.search(piece) else None)


def digits_in(text: str) -> str:
    """The digits of a text, without what stands between them."""
    return _NO_DIGIT.sub("", text)


def secret_bases(secrets: Iterable[str], shortest: int) -> set[str]:
    """Return what to search for to find each secret: raw and in base64, as a whole and in pieces.

    Secrets of less than `shortest` characters are left out.
    """
    texts = {text for secret in secrets for text in (secret, *pieces(secret)) if len(text) <= CHUNK}
    return {form for text in texts if len(text.strip()) >= shortest for form in _bases(text)}


def secret_pattern(bases: Iterable[str]) -> re.Pattern[str] | None:
    """Return a pattern that finds each of the `secret_bases` raw, quoted and escaped, or None without any."""
    return _any_of(re.escape(form) for base in bases for form in encoded(base))


def _bases(secret: str) -> set[str]:
    octets = secret.encode("utf-8", "replace")
    return {secret, base64.b64encode(octets).decode(), base64.urlsafe_b64encode(octets).decode()}


def base64_cores(secret: str) -> set[str]:
    """Return what any base64 text must hold when `secret` was somewhere inside the encoded bytes.

    In `base64("user:" + key)` the key starts at any of three offsets. The characters that depend on the key's bits only
    are the same whatever stands around the key. Short cores are left out: they would be found in plain words.
    """
    octets = secret.strip().encode("utf-8", "replace")
    cores = set()
    for offset, first in ((0, 0), (1, 2), (2, 3)):
        shifted = b"\0" * offset + octets
        core = base64.b64encode(shifted).decode()[first : len(shifted) * 8 // 6]
        if len(core) >= _SHORTEST_BASE64:
            cores.add(core)
    return cores
