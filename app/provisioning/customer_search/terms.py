"""What we search PowerCode for, so that the search also finds customers whom somebody typed in by hand.

The search finds a part of a name, an address or a phone number as PowerCode has it. Whether it disregards case, accents
or punctuation is not known (reference: PowerCode), so each term is a part that is the same in every spelling.
"""

import re
import unicodedata
from collections.abc import Iterator

from app.provisioning.matching import phone_digits
from app.wording.spelling import folded

LAST_DIGITS = 4
"""However a phone number is grouped, these stand together: 4065550143, (406) 555-0143, 406.555.0143."""
LEAST_DIGITS = 7
LEAST_LETTERS = 3
"""Fewer would find too much: two letters are a part of every tenth name."""
OWN_DIGITS = 4
"""A house number of so many digits is searched alone: what follows it is written in many ways."""

_WORD = re.compile(r"[^\W\d_]+")
_HUMP = re.compile(r"[^\W\d_A-Z][^\W\d_]*|[A-Z]+(?![^\W\d_A-Z])|[A-Z][^\W\d_A-Z]*")
_SCOTTISH = re.compile(r"MC(?=[A-Z]{3})")
_PLAIN = re.compile(r"[A-Za-z]+")
_NUMBER = re.compile(r"(\d+)([^\W\d_]?)")
_NO_SURNAMES = frozenset({"jr", "sr", "ii", "iii", "iv", "llc", "inc", "corp", "ltd", "co", "md", "phd", "esq", "and"})


def search_terms(name: str, last_name: str, phone: str, street: str) -> list[str]:
    """What to search for, each once: the full name, the phone number, the surname, the street."""
    return list(dict.fromkeys(filter(None, (name, phone_term(phone), surname_term(last_name), street_term(street)))))


def phone_term(phone: str) -> str:
    """The number's last digits; "" for one that is too short, and for a filler (0000000000)."""
    digits = phone_digits(phone)
    return digits[-LAST_DIGITS:] if len(digits) >= LEAST_DIGITS and len(set(digits)) > 1 else ""


def surname_term(last_name: str) -> str:
    """The longest part of a surname in plain letters, begun as people begin a name; "" when it is too short.

    `Garcia-Lopez` -> `Garcia`, `O'BRIEN` -> `Brien`, `McDonald` -> `Donald`, `Nguyễn` -> `Nguy`, `Muñoz` -> `Munoz`.
    """
    longest = max(map(_plain_part, _parts(last_name)), key=len, default="")
    return longest if len(longest) >= LEAST_LETTERS else ""


def street_term(street: str) -> str:
    """The house number, with the first letter of the word after it where it has few digits: `12 N`, `1940`."""
    words = street.split()
    at = next((i for i, word in enumerate(words) if _NUMBER.search(word)), len(words))
    house = _NUMBER.search(words[at]) if at < len(words) else None
    if house is None:
        return ""
    number, after = house[1], house[2] or " ".join(words[at + 1 : at + 2])
    if len(number) >= OWN_DIGITS or not after:
        return number
    if after[0].isalpha():
        return f"{number} {after[0].upper()}"
    return number if len(number) >= OWN_DIGITS - 1 else f"{number} {after}"


def _parts(last_name: str) -> Iterator[str]:
    """The words of a surname, and the humps of those that are written together."""
    for word in _WORD.findall(unicodedata.normalize("NFC", last_name)):
        if word.casefold() not in _NO_SURNAMES:
            yield from [_SCOTTISH.sub("", word)] if word.isupper() else _HUMP.findall(word)


def _plain_part(word: str) -> str:
    """A part that is the same with and without accents, where enough is left of it; else the word without accents."""
    begun = word.capitalize() if word.isupper() or word.islower() else word
    longest = max(_PLAIN.findall(begun), key=len, default="")
    if longest == begun or len(longest) > LEAST_LETTERS:
        return longest
    plain = folded(begun)
    return plain.capitalize() if begun[0].isupper() else plain
