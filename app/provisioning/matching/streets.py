"""A street line taken apart: its number, directions, name, kind and unit. One line can have several readings."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from app.provisioning.matching.boxes import read_box, without_box
from app.provisioning.matching.roads import business_last, ends_in_road, road_and_number
from app.provisioning.matching.street_words import NUMBERS, ordinal, with_figures, without_glue, words_of
from app.provisioning.matching.towns import split_town
from app.provisioning.matching.units import UnitPart, floor_first, is_nothing, unit_parts
from app.provisioning.matching.usps import DESIGNATORS, DESIGNATORS_WITHOUT_VALUE, DIRECTIONALS, KINDS, SUFFIXES
from app.wording.spelling import distance

# These begin a unit whatever follows; the others (`LOT`, `KEY`, `SPACE`) are words in street names as well.
_CERTAIN = frozenset({"APT", "#", "UNIT", "STE", "BLDG"})
_HOUSE = re.compile(r"(\d+(?:[./-]\d+)*)([A-Z]*)")
_HALF = re.compile(r"(\d+)-?1/2")
_HOUSE_AND_UNIT = re.compile(r"(\d+)[-/](\d+)")
_LONG = {
    short: max((word for word in SUFFIXES if SUFFIXES[word] == short), key=lambda word: (word[-1] != "S", len(word)))
    for short in SUFFIXES.values()
}
_LONG |= {
    "ST": "STREET",
    "DR": "DRIVE",
    "TOWN": "TOWNE",
    "TWN": "TOWNE",
    "HTS": "HEIGHTS",
    "PT": "POINT",
    "SHR": "SHORE",
}
_LONG |= {"ALY": "ALLEY", "BYP": "BYPASS", "BYU": "BAYOU", "SHRS": "SHORES", "SMT": "SUMMIT", "VLG": "VILLAGE"}
_FULL_DIRECTIONS = {"N": "NORTH", "S": "SOUTH", "E": "EAST", "W": "WEST"}
_LONG_KINDS = {_LONG[kind]: kind for kind in sorted(KINDS)}
_OWNERS = frozenset({"PRIVATE", "RANCH", "RURAL", "SERVICE"})
_PARTICLES = frozenset({"O", "D", "L"})
"""What stands before a name as well as behind a number: `12 O HARA CT`."""
_BRACKETS = re.compile(r"\(([^()]*)\)?")


@dataclass(frozen=True, slots=True)
class Street:
    """One reading of a street line.

    `number` is the house number, "" when there is none; `half` whether it has a 1/2. `before` and `after` are the
    directions on both sides of the name, `numbers` the numbers in it (a grid's coordinate, a highway's number), `road`
    whose highway it is, `name` its other words in their long form, `kind` its USPS suffix. `text` is
    all of the street in one long word. `box` is "PO" or "RR" for a
    box, whose numbers are in `numbers`; `box_beside` is the number of one that the line names besides the street.
    `unit` has `UnitPart.keys`. `town` is the town that the line ends in. `noted`: it says something that no rule knows.
    `lettered`: its name is a direction's letter, `N ST`.
    `ending`: as what this reading takes a direction that it ends in, a "unit" or a "direction" (`12 MAIN ST S`).
    """

    number: str = field(default="", repr=False)
    half: bool = False
    before: tuple[str, ...] = ()
    numbers: tuple[str, ...] = field(default=(), repr=False)
    road: str = ""
    name: tuple[str, ...] = field(default=(), repr=False)
    kind: str = ""
    after: tuple[str, ...] = ()
    unit: frozenset[str] = field(default=frozenset(), repr=False)
    text: str = field(default="", repr=False)
    box: str = ""
    town: str = field(default="", repr=False)
    noted: bool = False
    lettered: bool = False
    ending: str = ""
    box_beside: str = field(default="", repr=False)

    @property
    def is_grid(self) -> bool:
        """Whether the street is a coordinate: `5600 S`, and not `7TH AVE` or `HWY 89`."""
        return bool(self.numbers) and not self.road and not self.name and (bool(self.after) or not self.kind)

    def can_be_beside(self, other: "Street") -> bool:
        """Whether both readings take a direction at the end as the same thing: `12 MAIN ST N` is not `12 MAIN ST S`.

        It is no unit beside a street that has a direction more, and no unit: `12 MAIN ST N`, `12 S MAIN ST`.
        """
        if {self.ending, other.ending} == {"unit", ""}:
            one, two = (self, other) if self.ending else (other, self)
            return bool(two.unit) or len(two.before + two.after) <= len(one.before + one.after)
        return self.ending == other.ending or not (self.ending and other.ending)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in the line to compare."""
        return not (self.number or self.numbers or self.name)


def read_street(line: str, town: str = "") -> tuple[Street, ...]:
    """The readings of a street line with its unit, the likeliest first. `town` is the town that the record names."""
    words, line_town = _without_town(words_of(_BRACKETS.sub(" ", line)), town)
    readings = tuple(dict.fromkeys(_readings(words)))
    if "(" not in line and not line_town:
        return readings
    noted = [part for note in _BRACKETS.findall(line) for part in unit_parts(words_of(note))]
    unit = frozenset(key for part in noted if part.designator for key in part.keys)
    is_noted = any(not part.designator for part in noted)
    return tuple(replace(one, unit=one.unit | unit, town=line_town, noted=is_noted) for one in readings)


def _without_town(words: list[str], town: str) -> tuple[list[str], str]:
    """The words without the town that they end in, or that stands before the unit: `18 OAK ST OREM UT APT 4`."""
    rest, found = split_town(words, town)
    start = next((i for i in range(2, len(words)) if DESIGNATORS.get(words[i], "NO") != "NO"), 0)
    if not found and start:
        street, found = split_town(words[:start], town)
        rest = [*street, *words[start:]] if found else rest
    return rest, found


def unit_in(line: str) -> list[UnitPart]:
    """The parts of the unit that a street line ends in."""
    _, unit, _ = next(iter(_split_unit(words_of(line)[1:])))
    return unit


def _readings(words: Sequence[str]) -> Iterator[Street]:
    box = read_box(words)
    if box:
        yield Street(box=box.kind, numbers=box.numbers)
        return
    words, box_beside = without_box(words)
    for start, rest in _house(_unit_last(floor_first(words))):
        for street, unit, ending in _split_unit(rest):
            keys = frozenset(key for part in unit for key in part.keys)
            yield replace(_body(street, start, keys), ending=ending, box_beside=box_beside)


def _unit_last(words: Sequence[str]) -> list[str]:
    """`APT 7 18 OAK ST` -> `18 OAK ST APT 7`, `# 7-18 OAK ST` -> `18 OAK ST # 7`, `# 18 OAK ST` -> `18 OAK ST`."""
    first = DESIGNATORS.get(words[0]) if len(words) > 2 else None
    if first is None:
        return list(words)
    if first in DESIGNATORS_WITHOUT_VALUE and words[1].isdigit() and not words[2][0].isdigit():
        return [*words[1:], words[0]]
    joined = _HOUSE_AND_UNIT.fullmatch(words[1])
    if first in _CERTAIN and joined:
        return [joined[2], *words[2:], words[0], joined[1]]
    size = 3 if words[1].isdigit() and _is_letter(words[2]) and len(words) > 4 else 2
    names_it = first in _CERTAIN and len(words) > 3 and words[size][0].isdigit()
    if names_it or (first not in {*_CERTAIN, "NO"} and len(words) > size and _is_unit_value(words[1])):
        return [*words[size:], *words[:size]]
    return list(words[1:]) if first in {"#", "NO"} and words[1][0].isdigit() else list(words)


def _house(words: Sequence[str]) -> Iterator[tuple[Street, list[str]]]:
    """The house number with its half and its letter, and the words after it."""
    rest = list(words)
    found = _HOUSE.fullmatch(rest[0]) if rest else None
    if not found:
        yield from _house_behind_direction([*without_glue(rest[:1]), *rest[1:]])
        yield Street(), rest
        yield from _house_behind_name(rest)
        return
    number, letters = found.groups()
    joined = _HOUSE_AND_UNIT.fullmatch(number)
    if joined and int(joined[2]) < int(joined[1]) and number != "1/2" and not _HALF.fullmatch(number):
        yield Street(number=joined[1].lstrip("0"), unit=frozenset({joined[2], letters} - {""})), rest[1:]
    rest.pop(0)
    half = _HALF.fullmatch(number)
    number, is_half = (half[1], True) if half else (number, False)
    if rest and rest[0] == "1/2":
        rest.pop(0)
        is_half = True
    number = "-".join(part.lstrip("0") or "0" for part in number.split("-"))
    house = Street(number=number, half=is_half)
    if letters in DIRECTIONALS:
        yield house, [letters, *rest]
        if rest and rest[0][0].isdigit():
            return
    if not letters and _has_house_letter(rest):
        if rest[0] in _PARTICLES:
            yield house, rest
        letters, *rest = rest
    if letters not in DIRECTIONALS or len(letters) == 1:
        yield replace(house, unit=frozenset({letters} - {""})), rest


def _house_behind_direction(words: Sequence[str]) -> Iterator[tuple[Street, list[str]]]:
    """`S 1234 W 5600`; `S 500 W` can also be a street without a house."""
    if len(words) > 2 and words[0] in DIRECTIONALS and words[1].isdigit():
        yield Street(number=words[1].lstrip("0"), before=(DIRECTIONALS[words[0]],)), list(words[2:])


def _house_behind_name(words: Sequence[str]) -> Iterator[tuple[Street, list[str]]]:
    """`OAK PARK APARTMENTS 18 OAK ST`: a building's name in front, which is noted; not `HWY 38 LOT 4`."""
    at = next((i for i, word in enumerate(words) if _HOUSE.fullmatch(word)), 0)
    if not at or len(words) - at < 3 or words[0] in DIRECTIONALS or ends_in_road(words[:at]):
        return
    yield from ((replace(house, noted=True), rest) for house, rest in _house(words[at:]) if house.number)


def _has_house_letter(rest: Sequence[str]) -> bool:
    """`18 A OAK ST`, but not `18 A ST`, `18 N OAK ST`, `18 C R 4` and `18 I 15 FRONTAGE RD`."""
    if len(rest) < 3 or len(rest[0]) > 1 or not rest[0].isalpha() or rest[0] in DIRECTIONALS or ends_in_road(rest[:2]):
        return False
    is_road = ends_in_road(rest[:1]) and rest[1].isdigit()
    return not is_road and SUFFIXES.get(rest[1]) not in KINDS and rest[1] not in DESIGNATORS


def _split_unit(rest: Sequence[str]) -> Iterator[tuple[list[str], list[UnitPart], str]]:
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


def _body(words: Sequence[str], start: Street, unit: frozenset[str]) -> Street:
    """The street of these words, at the house of `start`, with this unit. A half behind the street is the house's."""
    marked = [DIRECTIONALS.get(word, word) for word in with_figures([word for word in words if word != "#"])]
    text = "".join(_long(word) for word in (*start.before, *marked))
    road, number, marked = road_and_number(marked) or ("", "", marked)
    kind, marked = _kind(_hundreds(marked), has_number=bool(road))
    before, name, after = _directions(marked)
    numbers = [word for word in name if word[0].isdigit()]
    names = [word for word in name if not word[0].isdigit()]
    is_direction = bool(before) and not (numbers or names or road)
    if is_direction:
        *before, last = before
        names = [last]
    return replace(
        start,
        before=(*start.before, *before),
        numbers=tuple(word.removesuffix("TH") for word in [*numbers, *filter(None, [number])]),
        road=road,
        name=tuple(map(_long, names)),
        kind=kind,
        after=tuple(after),
        text=text,
        half=start.half or "1/2" in unit,
        lettered=is_direction and len(words[len(before)]) == 1,
        unit=start.unit | unit - {"1/2"},
    )


def _long(word: str) -> str:
    return _FULL_DIRECTIONS.get(word) or _LONG.get(SUFFIXES.get(word, word), word)


def _kind(words: Sequence[str], *, has_number: bool) -> tuple[str, list[str]]:
    """The kind of the street, taken from the words: the last one that is no direction."""
    last = next((i for i in reversed(range(len(words))) if words[i] not in DIRECTIONALS), 0)
    if last == 0 or has_number:
        return "", list(words)
    # `LA` is a Lane at the end only: `LA CAILLE` is a name.
    kind = "LN" if words[last] == "LA" else SUFFIXES.get(words[last]) or _misspelt_kind(words[last])
    return (kind, [*words[:last], *words[last + 1 :]]) if kind in KINDS else ("", list(words))


def _misspelt_kind(word: str) -> str:
    alike = [one for one in _LONG_KINDS if len(word) > 4 and one[0] == word[0] and abs(len(one) - len(word)) < 2]
    return next((_LONG_KINDS[one] for one in alike if distance(word, one) == 1), "")


def _hundreds(words: Sequence[str]) -> list[str]:
    """`21ST SOUTH` -> `2100 S`: that is how a grid is spoken of."""
    turned = list(words)
    for i, word in enumerate(turned[1:]):
        number = turned[i].removesuffix("TH")
        if word in DIRECTIONALS and number != turned[i] and len(number) < 4:
            turned[i] = f"{number}00"
    return turned


def _directions(words: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """The directions before the name, the name, and the other directions. `E E 400 S` has one of each."""
    start = next((i for i, word in enumerate(words) if word not in DIRECTIONALS), len(words))
    before, name = list(words[:start]), [word for word in words[start:] if word not in DIRECTIONALS]
    if name and name[0][0].isdigit():
        before = list(dict.fromkeys(before))
    return before, name, [word for word in words[start:] if word in DIRECTIONALS]
