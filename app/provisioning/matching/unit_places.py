"""Where the unit stands in the words of a street line: behind the street or before it, with or without a designator."""

import re
from collections.abc import Iterator, Sequence

from app.provisioning.matching.roads import business_last, ends_in_road, road_and_number
from app.provisioning.matching.street_words import NUMBERS, ordinal, without_glue, words_of
from app.provisioning.matching.units import UnitPart, floor_first, is_nothing, unit_parts
from app.provisioning.matching.usps import DESIGNATORS, DESIGNATORS_WITHOUT_VALUE, DIRECTIONALS, KINDS, SUFFIXES

HOUSE_AND_UNIT = re.compile(r"(\d+)[-/](\d+)")
# These begin a unit whatever follows; the others (`LOT`, `KEY`, `SPACE`) are words in street names as well.
_CERTAIN = frozenset({"APT", "#", "UNIT", "STE", "BLDG"})
_OWNERS = frozenset({"PRIVATE", "RANCH", "RURAL", "SERVICE"})


def unit_in(line: str) -> list[UnitPart]:
    """The parts of the unit that a street line ends in."""
    _, unit, _ = next(iter(split_unit(words_of(line)[1:])))
    return unit


def unit_last(words: Sequence[str]) -> list[str]:
    """`APT 7 18 OAK ST` -> `18 OAK ST APT 7`, `# 7-18 OAK ST` -> `18 OAK ST # 7`, `# 18 OAK ST` -> `18 OAK ST`."""
    first = DESIGNATORS.get(words[0]) if len(words) > 2 else None
    if first is None:
        return list(words)
    if first in DESIGNATORS_WITHOUT_VALUE and words[1].isdigit() and not words[2][0].isdigit():
        return [*words[1:], words[0]]
    joined = HOUSE_AND_UNIT.fullmatch(words[1])
    if first in _CERTAIN and joined:
        return [joined[2], *words[2:], words[0], joined[1]]
    size = 3 if words[1].isdigit() and _is_letter(words[2]) and len(words) > 4 else 2
    names_it = first in _CERTAIN and len(words) > 3 and words[size][0].isdigit()
    if names_it or (first not in {*_CERTAIN, "NO"} and len(words) > size and _is_unit_value(words[1])):
        return [*words[size:], *words[:size]]
    return list(words[1:]) if first in {"#", "NO"} and words[1][0].isdigit() else list(words)


def split_unit(rest: Sequence[str]) -> Iterator[tuple[list[str], list[UnitPart], str]]:
    """The words of the street, the parts of the unit, and `Street.ending`."""
    words = business_last(_without_sign_of_road(floor_first(without_glue(rest))))
    if len(words) > 2 and words[0] in {"#", "APT", "UNIT"} and words[2].isalpha():
        yield words[2:], unit_parts(words[:2]), ""
        return
    start = next((i for i in range(1, len(words)) if _begins_unit(words, i)), len(words))
    street, tail = words[:start], words[start:]
    if is_nothing(street[-1:]) and len(street) > 2 and street[-1] not in {"A", "N", "NO"}:
        street.pop()
    bare = _bare_unit(street)
    is_direction = street[-1:] and street[-1] in DIRECTIONALS
    if not bare:
        # Nobody calls a unit `NORTH` without a word before it.
        yield street, unit_parts(tail), "direction" if is_direction and len(street[-1]) > 1 else ""
        return
    if not (is_direction and tail):
        yield street[:-bare], [*unit_parts(street[-bare:]), *unit_parts(tail)], "unit" if is_direction else ""
    if bare == 1 and _ends_in_unit_of_a_wing(street):
        yield street[:-2], [*unit_parts(street[-2:]), *unit_parts(tail)], ""
    if is_direction and not _is_coordinate(street[-3:-1]):
        yield street, unit_parts(tail), "direction"


def _ends_in_unit_of_a_wing(street: Sequence[str]) -> bool:
    """`18 OAK ST N 101` can be unit N101 as well as unit 101 of N Oak St."""
    if len(street) < 4 or not street[-1].isdigit() or SUFFIXES.get(street[-3]) not in KINDS:
        return False
    return len(street[-2]) == 1 and street[-2] in DIRECTIONALS


def _without_sign_of_road(words: Sequence[str]) -> list[str]:
    """`HWY # 40` and `HWY NO 40` -> `HWY 40`."""
    signs = [i for i, word in enumerate(words[:-1]) if DESIGNATORS.get(word) in {"#", "NO"} and words[i + 1].isdigit()]
    return [word for i, word in enumerate(words) if i not in signs or not ends_in_road(words[:i])]


def _begins_unit(words: Sequence[str], i: int) -> bool:
    designator = DESIGNATORS.get(words[i])
    if designator is None or (designator == "NO" and ends_in_road(words[:i])):
        return False
    following = words[i + 1] if i + 1 < len(words) else ""
    if designator == "NO":
        return _is_unit_value(following) and not words[i - 1][0].isdigit()
    if designator in _CERTAIN:
        return True
    if i == 1 and words[0] in DIRECTIONALS and designator in DESIGNATORS_WITHOUT_VALUE:
        return False  # `12 N FRONT` and `12 N MAIN 4` are streets
    if following and following not in DESIGNATORS:
        names_alone = designator in DESIGNATORS_WITHOUT_VALUE and following in {"LEVEL", "HOUSE", "HSE", "DOOR"}
        return _is_unit_value(following) or names_alone
    return designator in DESIGNATORS_WITHOUT_VALUE or following == "#"


def _is_unit_value(word: str) -> bool:
    if word == "#" or len(word) == 1 or any(letter.isdigit() for letter in word):
        return True
    return word in NUMBERS


def _bare_unit(words: Sequence[str]) -> int:
    """How many words at the end are a unit without a designator: none, `4`, `4 B`, `H 206`, `N 206` after `900 E`."""
    if len(words) > 3 or (len(words) > 2 and words[-2].isdigit()):
        *street, first, last = words
        if len(first) == 1 and first in DIRECTIONALS and last.isdigit() and _is_coordinate(street[-2:]):
            return 2
        number_first = first.isdigit() and _is_letter(last) and _ends_in_bare_unit([*street, first])
        if number_first or (_is_letter(first) and last.isdigit() and _ends_in_bare_unit([*street, last])):
            return 2
    return int(_ends_in_bare_unit(words))


def _is_coordinate(words: Sequence[str]) -> bool:
    return len(words) == 2 and words[0].isdigit() and words[1] in DIRECTIONALS


def _is_letter(word: str) -> bool:
    return len(word) == 1 and word.isalpha() and word not in DIRECTIONALS


def _ends_in_bare_unit(words: Sequence[str]) -> bool:
    """Whether the last word is a unit without a designator: `12 MAIN ST 4`, `1234 S 500 W 4`, `12 MAIN 4B`."""
    if len(words) < 2 or not _is_unit_value(words[-1]) or ordinal(words[-1]) is not None:
        return False
    *street, _ = words
    if ends_in_road(street):
        return False
    kind = SUFFIXES.get(street[-1])
    if street[-1] in DIRECTIONALS:
        return len(street) > 1 and (street[-2].isdigit() or SUFFIXES.get(street[-2]) in KINDS)
    if kind in KINDS:
        return len(street) > 1 and not (kind == "RD" and street[-2] in _OWNERS)
    if street[-1].isdigit():
        return bool(road_and_number(street))
    return words[-1] not in DIRECTIONALS
