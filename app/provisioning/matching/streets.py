"""A street line taken apart: its number, directions, name, kind and unit. One line can have several readings."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from app.provisioning.matching.boxes import read_box, without_box
from app.provisioning.matching.roads import ends_in_road, road_and_number
from app.provisioning.matching.street_words import with_figures, without_glue, words_of
from app.provisioning.matching.towns import split_town
from app.provisioning.matching.unit_places import HOUSE_AND_UNIT, split_unit, unit_last
from app.provisioning.matching.units import floor_first, unit_parts
from app.provisioning.matching.usps import DESIGNATORS, DIRECTIONALS, KINDS, SUFFIXES
from app.wording.spelling import distance

_HOUSE = re.compile(r"(\d+(?:[./-]\d+)*)([A-Z]*)")
_HALF = re.compile(r"(\d+)-?1/2")
_LONGEST_FIRST = sorted(SUFFIXES, key=lambda word: (word[-1] != "S", len(word)), reverse=True)
"""The plurals last."""
_LONG = {SUFFIXES[word]: word for word in reversed(_LONGEST_FIRST)}
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


def _readings(words: Sequence[str]) -> Iterator[Street]:
    box = read_box(words)
    if box:
        yield Street(box=box.kind, numbers=box.numbers)
        return
    words, box_beside = without_box(words)
    for start, rest in _house(unit_last(floor_first(words))):
        for street, unit, ending in split_unit(rest):
            keys = frozenset(key for part in unit for key in part.keys)
            yield replace(_body(street, start, keys), ending=ending, box_beside=box_beside)


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
    joined = HOUSE_AND_UNIT.fullmatch(number)
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
