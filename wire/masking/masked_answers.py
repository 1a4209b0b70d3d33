"""What remote systems say, without secrets: for errors, stored exchanges, pages and the audit."""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from .sensitive_data import NAMED_SECRETS, SIGNS_OF_A_NAME, may_name_a_secret, names_a_secret
from .spans import Secrets, replaced, spans_of

MASK = "***"
SHOWN_CHARACTERS = 200
CUT = "…"
as_json = json.JSONEncoder(ensure_ascii=False).encode
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def on_one_line(text: str) -> str:
    """The text without line breaks, runs of blanks, and what can't be printed."""
    return " ".join(UNPRINTABLE.sub(" ", text).split())


def masked(text: str, secrets: Iterable[str] = (), private: Iterable[str] = ()) -> str:
    """The text without each of `secrets`, in any notation, and without the values of fields named password, key, ...

    Each of `private` (a customer's name, address, ...) goes as a whole word.
    """
    return _masked(text, _searched(secrets), _words(frozenset(private)))


def _masked(text: str, known: Secrets, words: tuple[re.Pattern[str], ...] = ()) -> str:
    patterns = (*NAMED_SECRETS, *words) if any(map(text.__contains__, SIGNS_OF_A_NAME)) else words
    if not (patterns or known.may_be_in(text)):  # as nearly all texts
        return text
    return replaced(text, [*known.found(text), *spans_of(patterns, text)], MASK)


def without_secrets(value: Any, secrets: Iterable[str]) -> Any:
    """The JSON value with `secrets` masked in every text and number, and every value under a secret's name masked."""
    return _without(value, _searched(secrets))


def _without(value: Any, known: Secrets) -> Any:
    if isinstance(value, dict):
        return {
            _masked(str(name), known): MASK if each and names_a_secret(str(name)) else _without(each, known)
            for name, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [_without(each, known) for each in value]
    if value is None or isinstance(value, bool):
        return value
    text = str(value)
    shown = _masked(text, known)
    return value if shown == text else shown


def json_text(value: Any, secrets: Iterable[str]) -> str:
    """The JSON value as a text, `without_secrets`."""
    known = _searched(secrets)
    text = as_json(value)
    if not (known.may_be_in(text) or may_name_a_secret(text)):  # as nearly all values
        return text
    text = as_json(_without(value, known))
    return replaced(text, known.found(text), MASK)


def safe_text(value: object, *, secrets: Iterable[str] = (), private: Iterable[str] = ()) -> str:
    """What the remote said, fit for logs and pages: one line of at most 200 characters, `masked`."""
    text = value if isinstance(value, str) else "" if value is None else as_json(value)
    text = masked(on_one_line(text), secrets, private)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + CUT


def _searched(secrets: Iterable[str]) -> Secrets:
    return _known(frozenset(filter(None, secrets)))


@lru_cache(maxsize=64)
def _known(secrets: frozenset[str]) -> Secrets:
    return Secrets(secrets, shortest=1)


@lru_cache(maxsize=64)
def _words(private: frozenset[str]) -> tuple[re.Pattern[str], ...]:
    phrases = [r"\s+".join(map(re.escape, value.split())) for value in private if len(value.strip()) > 1]
    return tuple(re.compile(rf"(?<!\w){phrase}(?!\w)", re.IGNORECASE) for phrase in phrases)
