"""The unit of an address: its parts, what is written of them, and whether two units are one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.provisioning.matching.comparison_marks import Mark
from app.provisioning.matching.street_words import ordinal, with_figures
from app.provisioning.matching.usps import DESIGNATORS, DESIGNATORS_WITHOUT_VALUE

_BETWEEN_DIGIT_AND_LETTER = re.compile(r"(?<=\d) (?=[^\W\d]{1,2}\b)|(?<=\b[^\W\d]) (?=\d+(?![\d./-]))")
_BUILDING_AND_DOOR = re.compile(r"([A-Z]+|\d+(?=-))-?(\d+[A-Z]?)")
_ANY_DESIGNATOR = frozenset({"#", "NO"})
# `APT 4` and `UNIT 4` are the same door; `BLDG 4` and `FL 4` are not.
_QUALIFIERS = frozenset({"BLDG", "FL"})
_FILLERS = frozenset({"LEVEL", "HOUSE", "HSE", "DOOR", "ENTRANCE", "HALF", "NONE", "NULL"})
_NOTHING = frozenset({"NONE", "NA", "NULL", "HOUSE", "HOME", "SFH", "SINGLE", "FAMILY", "RESIDENCE"})
_ALIKE = {"BSMT": "LOWR", "DOWNSTAIRS": "LOWR", "UPSTAIRS": "UPPR", "BACK": "REAR"}
_DIRECTIONS = {"NORTH": "N", "SOUTH": "S", "EAST": "E", "WEST": "W"}
_OPPOSITES = ({"LOWR", "UPPR", "MAIN"}, {"FRNT", "REAR"})


@dataclass(frozen=True, slots=True)
class UnitPart:
    """One designator with its value, either of which can be empty."""

    designator: str
    value: str

    @property
    def is_qualifier(self) -> bool:
        """Whether it names a building or a floor, and not the door in it."""
        return self.designator in _QUALIFIERS

    @property
    def keys(self) -> tuple[str, ...]:
        """The part in the form for comparison: each word of the value, unless it is a building's or a floor's.

        A building with a number behind a letter or a hyphen is two parts: `BLDG H-14` is `BLDG H` and `14`.
        """
        words = [_DIRECTIONS.get(word, word) for word in with_figures(self.value.split())]
        if not self.is_qualifier:
            alone = self.designator in DESIGNATORS_WITHOUT_VALUE or not words
            return (*([_ALIKE.get(self.designator, self.designator)] if alone else []), *words)
        value = " ".join(words)
        door = _BUILDING_AND_DOOR.fullmatch(value) if self.designator == "BLDG" else None
        return (f"BLDG {door[1]}", door[2]) if door else (f"{self.designator} {value}",)

    @property
    def written(self) -> str:
        """The part as PowerCode gets it."""
        designator = "APT" if self.designator in {"", *_ANY_DESIGNATOR} else self.designator
        return f"{designator} {self.value}".strip()


def unit_parts(words: Sequence[str]) -> list[UnitPart]:
    """The parts of a unit: `LOT # 12` is one, `FL 3 # 308` are two. `N/A`, `none`, `House` and `-` are none."""
    if is_nothing(words):
        return []
    parts = []
    designator, value = "", list[str]()
    for word in [*_building_first(floor_first([word for word in words if word not in _FILLERS])), "#"]:
        known = DESIGNATORS.get(word)
        if known is None:
            value.append(word)
            continue
        parts += _parts(designator, value)
        keeps = known in _ANY_DESIGNATOR and not value and designator not in DESIGNATORS_WITHOUT_VALUE
        designator, value = (designator or known) if keeps else known, []
    return parts


def is_nothing(words: Sequence[str]) -> bool:
    """Whether the words say that there is no unit."""
    return list(words) in (["N", "A"], ["A", "N"], ["NO"]) or (bool(words) and not set(words) - _NOTHING)


def floor_first(words: Sequence[str]) -> list[str]:
    """`2ND FLOOR` and `SECOND FLOOR` -> `FL 2`."""
    turned = list(words)
    for i, word in enumerate(turned[1:]):
        if DESIGNATORS.get(word) != "FL":
            continue
        number = ordinal(with_figures([turned[i]])[0])
        if number is not None:
            turned[i : i + 2] = ["FL", str(number)]
    return turned


def _building_first(words: Sequence[str]) -> list[str]:
    """`STE 900 S BLDG` -> `STE 900 BLDG S`."""
    if len(words) < 2 or DESIGNATORS.get(words[-1]) != "BLDG" or words[-2] in DESIGNATORS:
        return list(words)
    return [*words[:-2], "BLDG", words[-2]]


def compare_units(ours: frozenset[str], theirs: frozenset[str]) -> Mark:
    """Whether two units, as sets of `UnitPart.keys`, are one. A part that one side lacks is not known."""
    if ours == theirs:
        return Mark.AGREES
    run_together = len(ours) != len(theirs) and _joined(ours) == _joined(theirs)
    if ours <= theirs or theirs <= ours or run_together:
        return Mark.UNKNOWN
    one, two = ours - theirs, theirs - ours
    if any(len(group & one) == 1 and len(group & two) == 1 for group in _OPPOSITES):
        return Mark.DIFFERS
    # A basement can have a number, and a third floor can hold apartment 308.
    unclear = _in_words(one) or _in_words(two) or _holds(one, two) or _holds(two, one)
    unclear = unclear or _without_designators(one) == _without_designators(two)
    return Mark.UNKNOWN if unclear else Mark.DIFFERS


def _parts(designator: str, value: Sequence[str]) -> list[UnitPart]:
    text = _BETWEEN_DIGIT_AND_LETTER.sub("", " ".join(value))
    if not text and designator not in DESIGNATORS_WITHOUT_VALUE:
        return []
    return [UnitPart(designator, text)]


def _joined(unit: frozenset[str]) -> str:
    """All of a unit in one word: `BLDG H` with `14` -> `H14`."""
    parts = sorted(unit, key=lambda part: not part.startswith(tuple(_QUALIFIERS)))
    return "".join(re.sub(r"^(BLDG|FL) |[^A-Z0-9]", "", part) for part in parts)


def _without_designators(unit: frozenset[str]) -> set[str]:
    """`TH3` -> `3`: letters before a number that no table knows can be a designator. One letter is a door's own."""
    return {re.sub(r"^[A-Z]{2,}(?=\d)", "", part) for part in unit}


def _in_words(unit: frozenset[str]) -> bool:
    """Whether the unit is told by words, without a number or a letter: `REAR`, `IN LAW`."""
    codes = (part.rpartition(" ")[2] for part in unit - DESIGNATORS_WITHOUT_VALUE)
    return not any(len(code) < 3 or any(letter.isdigit() for letter in code) for code in codes)


def _holds(one: frozenset[str], two: frozenset[str]) -> bool:
    """Whether one is the floor of the other (`FL 3` and `308`), or a range that includes it (`101-103` and `102`)."""
    (first, *more), (other, *others) = sorted(one), sorted(two)
    if more or others:
        return False
    return (first.startswith("FL ") and other.startswith(first[3:])) or is_in_range(other, first)


def is_in_range(number: str, range_: str) -> bool:
    """Whether a number is in `18-22`."""
    first, _, last = range_.partition("-")
    return number.isdigit() and first.isdigit() and last.isdigit() and int(first) <= int(number) <= int(last)
