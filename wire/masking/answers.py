"""What remote systems say, without secrets: for errors, stored exchanges, pages and the audit."""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from .shapes import NAMED_SECRETS, SIGNS_OF_A_NAME, names_a_secret
from .spans import Secrets, replaced, spans_of

MASK = "***"
SHOWN_CHARACTERS = 200
CUT = "…"
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def on_one_line(text: str) -> str:
    """The text without line breaks, runs of blanks, and what can't be printed."""
    return " ".join(UNPRINTABLE.sub(" ", text).split())


def masked(text: str, secrets: Iterable[str] = (), private: Iterable[str] = ()) -> str:
    """The text without each of `secrets`, however it is written, and without what is named a password, a key, ...

    Each of `private` (a customer's name, address, ...) goes as a whole word.
    """
    named = NAMED_SECRETS if any(sign in text for sign in SIGNS_OF_A_NAME) else ()
    patterns = (*named, *_words(frozenset(private)))
    return replaced(text, [*_searched(secrets).found(text), *spans_of(patterns, text)], MASK)


def without_secrets(value: Any, secrets: Iterable[str]) -> Any:
    """The JSON value with `secrets` masked in every text and number, and all that stands under a secret's name."""
    known = tuple(secrets)
    if isinstance(value, dict):
        return {
            masked(str(name), known): MASK if each and names_a_secret(str(name)) else without_secrets(each, known)
            for name, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_secrets(each, known) for each in value]
    if value is None or isinstance(value, bool):
        return value
    shown = masked(str(value), known)
    return value if shown == str(value) else shown


def json_text(value: Any, secrets: Iterable[str]) -> str:
    """The JSON value as a text, `without_secrets`."""
    known = tuple(secrets)
    text = json.dumps(without_secrets(value, known), ensure_ascii=False)
    return replaced(text, _searched(known).found(text), MASK)


def safe_text(value: object, *, secrets: Iterable[str] = (), private: Iterable[str] = ()) -> str:
    """What the remote said, fit for logs and pages: one line of at most 200 characters, `masked`."""
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
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
