"""Addresses: the USPS code of a state, the street line with its unit, and what makes two addresses the same.

Words are shortened as USPS Publication 28 says, on both sides of a comparison alike, so it doesn't matter that `ST`
also stands for `SAINT`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.provisioning.matching.spelling import distance, folded
from app.provisioning.matching.usps import (
    DESIGNATORS,
    DESIGNATORS_WITHOUT_VALUE,
    DIRECTIONALS,
    STATES,
    STREET_WORDS,
    SUFFIXES,
)

# 12-34, 12.5 and 1/2 stay one word: without their sign they would be other house numbers.
_WORD = re.compile(r"\d+(?:[./-]\d+)+[^\W_]*|[^\W_]+|#")
_GRID_COORDINATE = re.compile(r"(\d{3,})([NSEW])")
_ORDINAL = re.compile(r"(\d+)(?:ST|ND|RD|TH)")
_BETWEEN_DIGIT_AND_LETTER = re.compile(r"(?<=\d) (?=[^\W\d])|(?<=[^\W\d]) (?=\d+(?![\d./-]))")

# `APT 4` and `UNIT 4` are the same door; `BLDG 4` and `FL 4` are not.
_QUALIFIERS = frozenset({"BLDG", "FL"})
# These begin a unit whatever follows; the others (`LOT`, `KEY`, `SPACE`) are words in street names as well.
_CERTAIN = frozenset({"APT", "#", "UNIT", "STE", "BLDG"})
# `12 MAIN ST 4` is unit 4, but `12 HIGHWAY 4` and `12 COUNTY ROAD 4` are streets with a number.
_NAMED_STREETS = frozenset(
    {"AVE", "BLVD", "CIR", "CT", "CV", "DR", "LN", "PKWY", "PL", "RD", "SQ", "ST", "TER", "TRL", "WAY"}
)
_ROAD_OWNERS = frozenset({"CO", "COUNTY", "FARM", "FOREST", "PRIVATE", "RANCH", "RURAL", "SERVICE", "STATE", "US"})


@dataclass(frozen=True, slots=True)
class Address:
    """An address in the form in which addresses are compared; equal when it is the same door.

    `street` is the street line in capitals and short forms, `""` when there is none. `unit` holds the values of the
    unit without their designators, except that a building or a floor keeps its own: `("BLDG 2", "4")`. Empty: no unit.
    """

    street: str = field(repr=False)
    unit: tuple[str, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        return " ".join([self.street, *(f"APT {part}" for part in self.unit)]).strip()


def usps_state(text: str) -> str | None:
    """The two-letter USPS code for a state's name or code in any case and punctuation; None when it is unknown.

    Knows the states, the District of Columbia, the territories and the armed forces' codes.
    """
    return STATES.get("".join(letter for letter in folded(text).upper() if letter.isalpha()))


def street_line(street: str, unit: str) -> str:
    """The street line as it is written to PowerCode: `("12 N EXAMPLE AVENUE", "4")` -> `12 N EXAMPLE AVENUE APT 4`.

    A bare value and `#4` become `APT 4`; other designators stay, in their short form (`Suite 200` -> `STE 200`). The
    street keeps its spelling. A street that ends in that unit already isn't given it twice.
    """
    line = " ".join(street.split())
    there = normalised_address(line).unit
    missing = [part for part in _unit_parts(_words(unit)) if part.key not in there]
    return " ".join([line, *(part.written for part in missing)]).strip()


def normalised_address(street: str, unit: str = "") -> Address:
    """The address in the form for comparison, the unit split off from `street` and joined with `unit`.

    Case, blanks, punctuation, USPS short forms and the kind of designator make no difference: `12 North Example Av. #4`
    equals `12 N EXAMPLE AVENUE` with `Apt. 4`.
    """
    words = _street_words(street)
    given = _unit_parts(_words(unit))
    start = _unit_start(words, given)
    parts = [*_unit_parts(words[start:]), *given]
    # A building or a floor first, however it was written; the order of the rest stays.
    parts.sort(key=lambda part: not part.is_qualifier)
    return Address(_short(words[:start]), tuple(dict.fromkeys(part.key for part in parts)))


def normalised_city(text: str) -> str:
    """The city in the form for comparison: `Saint George` and `ST. GEORGE` -> `ST GEORGE`."""
    return " ".join(STREET_WORDS.get(word, word) for word in _words(text))


def nearly_same_street(first: Address, second: Address) -> bool:
    """Whether the house number is the same and the street differs by what people leave out or mistype.

    That is a missing directional or suffix (`12 EXAMPLE AVE`, `12 N EXAMPLE`), or one misspelt word of a name.
    Two different numbers, directionals or suffixes are two different streets.
    """
    one, two = first.street.split(), second.street.split()
    if one == two or one[:1] != two[:1]:
        return one == two
    if len(one) == len(two):
        return _one_word_misspelt(one, two)
    return _words_left_out(*sorted((one, two), key=len))


@dataclass(frozen=True, slots=True)
class _UnitPart:
    """One designator with its value, either of which can be empty."""

    designator: str
    value: str

    @property
    def is_qualifier(self) -> bool:
        return self.designator in _QUALIFIERS

    @property
    def key(self) -> str:
        return self.written if self.is_qualifier else self.value or self.designator

    @property
    def written(self) -> str:
        designator = "APT" if self.designator in {"", "#", "NO"} else self.designator
        return f"{designator} {self.value}".strip()


def _words(text: str) -> list[str]:
    return _WORD.findall(folded(text.replace("½", " 1/2")).upper())


def _street_words(street: str) -> list[str]:
    words = _words(street)
    words = words[:1] + [part for word in words[1:] for part in _grid_parts(word)]
    starts_with_unit = len(words) > 3 and DESIGNATORS.get(words[0]) in _CERTAIN and words[2][0].isdigit()
    words = words[2:] + words[:2] if starts_with_unit else words
    return words[:2] + _floor_first(words[2:])


def _grid_parts(word: str) -> Sequence[str]:
    """`500W` -> `500`, `W`, as in the grid addresses of Utah."""
    coordinate = _GRID_COORDINATE.fullmatch(word)
    return coordinate.groups() if coordinate else (word,)


def _floor_first(words: list[str]) -> list[str]:
    """`2ND FLOOR` -> `FL 2`."""
    turned = list(words)
    for i, word in enumerate(words[1:]):
        ordinal = _ORDINAL.fullmatch(words[i])
        if ordinal and DESIGNATORS.get(word) == "FL":
            turned[i : i + 2] = ["FL", ordinal[1]]
    return turned


def _short(words: Sequence[str]) -> str:
    # The house number is never shortened or taken apart: 12E is not 12 E.
    return " ".join(STREET_WORDS.get(word, word) for word in words if word != "#")


def _unit_start(words: Sequence[str], given: Sequence[_UnitPart]) -> int:
    """The index of the word at which the unit begins; the number of words when there is no unit."""
    for i in range(2, len(words)):
        if _begins_unit(words, i):
            return i
    if not _ends_in_bare_unit(words):
        return len(words)
    # Beside another unit, a number at the end is the street's own.
    return len(words) - (not given or words[-1] in [part.key for part in given])


def _begins_unit(words: Sequence[str], i: int) -> bool:
    designator = DESIGNATORS.get(words[i])
    if designator is None or (designator in {"#", "NO"} and _is_numbered_road(words[:i])):
        return False
    if designator in _CERTAIN:
        return True
    if i + 1 < len(words) and words[i + 1] not in DESIGNATORS:
        return _is_unit_value(words[i + 1])
    # `12 N FRONT` is a street.
    return designator in DESIGNATORS_WITHOUT_VALUE and (i > 2 or words[1] not in DIRECTIONALS)


def _is_unit_value(word: str) -> bool:
    return len(word) == 1 or any(letter.isdigit() for letter in word)


def _is_numbered_road(words: Sequence[str]) -> bool:
    kind = SUFFIXES.get(words[-1])
    return kind in {"HWY", "RTE"} or (kind == "RD" and words[-2] in _ROAD_OWNERS)


def _ends_in_bare_unit(words: Sequence[str]) -> bool:
    """Whether the last word is a unit without a designator: `12 MAIN ST 4`, `1234 S 500 W 4`."""
    if len(words) < 4 or not _is_unit_value(words[-1]) or words[-1] in STREET_WORDS:
        return False
    *_, name, kind, _value = words
    if kind in DIRECTIONALS:
        return len(words) > 4 and (name[0].isdigit() or SUFFIXES.get(name) in _NAMED_STREETS)
    return SUFFIXES.get(kind) in _NAMED_STREETS and name not in DIRECTIONALS and name not in _ROAD_OWNERS


def _unit_parts(words: Sequence[str]) -> list[_UnitPart]:
    parts = []
    designator, value = "", list[str]()
    for word in [*_floor_first(list(words)), "#"]:
        if word not in DESIGNATORS:
            value.append(word)
            continue
        if value or designator in DESIGNATORS_WITHOUT_VALUE:
            parts.append(_UnitPart(designator, _BETWEEN_DIGIT_AND_LETTER.sub("", " ".join(value))))
        designator, value = DESIGNATORS[word], []
    return parts


def _one_word_misspelt(one: Sequence[str], two: Sequence[str]) -> bool:
    different = [pair for pair in zip(one, two, strict=True) if pair[0] != pair[1]]
    if len(different) != 1:
        return False
    first, second = different[0]
    is_name = all(word.isalpha() and word not in STREET_WORDS for word in (first, second))
    return is_name and distance(first, second) <= min(2, min(len(first), len(second)) // 4)


def _words_left_out(short: Sequence[str], long: Sequence[str]) -> bool:
    rest = list(short)
    left_out = []
    for word in long:
        if rest and rest[0] == word:
            rest.pop(0)
        else:
            left_out.append(word)
    return len(short) > 1 and not rest and all(word in SUFFIXES or word in DIRECTIONALS for word in left_out)
