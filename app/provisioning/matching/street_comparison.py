"""What agrees and what differs between two street lines, each in one reading. Numbers decide before words do."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from app.provisioning.matching.comparison_marks import STREET_LINE, Aspect, Mark, overall
from app.provisioning.matching.roads import ANY
from app.provisioning.matching.street_words import misspelt_ordinals
from app.provisioning.matching.streets import Street
from app.provisioning.matching.units import compare_units, is_in_range
from app.wording.spelling import distance, is_abbreviated, is_shortened

_COMPLETE = frozenset({"VIA", "CALLE", "CAMINO", "AVENIDA", "PASEO", "RUE", "BROADWAY"})
"""Street names that begin with one of these have no kind after them."""


def compare_streets(one: Street, two: Street) -> Mapping[Aspect, Mark]:
    """The marks of one reading beside another."""
    if one.box or two.box:
        return _compare_boxes(one, two)
    marks = {
        Aspect.HOUSE_NUMBER: _house(one, two),
        Aspect.NUMBERS: _numbers(one, two),
        Aspect.DIRECTION: _directions(one, two),
        Aspect.STREET_NAME: _name(one, two),
        Aspect.STREET_KIND: _kind(one, two),
        Aspect.UNIT: compare_units(one.unit, two.unit),
    }
    other_box = one.box_beside and two.box_beside and one.box_beside != two.box_beside
    if (one.noted or two.noted or other_box) and marks[Aspect.UNIT] is Mark.AGREES:
        marks[Aspect.UNIT] = Mark.UNKNOWN
    return marks


def _compare_boxes(one: Street, two: Street) -> Mapping[Aspect, Mark]:
    """The marks of two boxes: boxes of one kind by their numbers; a box and a street can't be compared."""
    marks = dict.fromkeys(STREET_LINE, Mark.UNKNOWN)
    if one.box != two.box:
        return marks
    differ = any(ours != theirs for ours, theirs in zip(one.numbers, two.numbers, strict=False))
    if differ or one.numbers == two.numbers:
        marks = dict.fromkeys(STREET_LINE, Mark.AGREES)
    return marks | {Aspect.NUMBERS: Mark.DIFFERS if differ else marks[Aspect.NUMBERS]}


def _house(one: Street, two: Street) -> Mark:
    if one.number == two.number and one.number:
        return Mark.AGREES if one.half == two.half else Mark.UNKNOWN
    missing = not one.number or not two.number
    ranges = is_in_range(one.number, two.number) or is_in_range(two.number, one.number)
    return Mark.UNKNOWN if missing or ranges or _are_swapped(one, two) else Mark.DIFFERS


def _are_swapped(one: Street, two: Street) -> bool:
    """Whether two grid addresses name the same coordinates the other way round: `1625 S 672 E` and `672 E 1625 S`."""
    if not (one.is_grid and two.is_grid):
        return False
    if (one.number, *one.numbers) != (*two.numbers, two.number):
        return False
    return _can_be(one.before, two.after) and _can_be(one.after, two.before)


def _can_be(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    return not ours or not theirs or ours == theirs


def _numbers(one: Street, two: Street) -> Mark:
    ours, theirs = one.numbers, two.numbers
    if ours == theirs:
        return Mark.AGREES
    if not ours or not theirs:
        unclear = _have_two_names(one, two) or one.name == two.name or _is_misspelt_number(one, two)
        return Mark.UNKNOWN if unclear else Mark.DIFFERS
    if one.road and two.road and len(ours) == len(theirs) == 1 and _share_road(ours[0], theirs[0]):
        return Mark.UNKNOWN
    # 9 S can be meant as 9th South, which is 900 S.
    hundredfold = {f"{number}00" for number in ours} == set(theirs) or {f"{number}00" for number in theirs} == set(ours)
    return Mark.UNKNOWN if hundredfold or _are_swapped(one, two) else Mark.DIFFERS


def _is_misspelt_number(one: Street, two: Street) -> bool:
    """Whether one's number is a word of the other with a letter or two wrong: `12TH AVE` and `TWELVETH AVE`."""
    numbers = {*one.numbers, *two.numbers}
    return any(number in numbers for word in (*one.name, *two.name) for number in misspelt_ordinals(word))


def _share_road(ours: str, theirs: str) -> bool:
    """Whether one highway of a pair is the other side's: `89-91` and `89`; `89A` can be meant with it."""
    first, second = (set(re.findall(r"\d+", number)) for number in (ours, theirs))
    return first <= second or second <= first


def _have_two_names(one: Street, two: Street) -> bool:
    """Whether one is a coordinate or a highway and the other has a name: `100 E` is Main Street in many a town."""
    by_number = [street for street in (one, two) if street.is_grid or street.road]
    by_name = [street for street in (one, two) if street.name and not street.numbers]
    return bool(by_number and by_name)


def _directions(one: Street, two: Street) -> Mark:
    if _are_swapped(one, two):
        return Mark.UNKNOWN
    if one.is_grid and two.is_grid:
        return overall([_marked(one.before, two.before), _marked(one.after, two.after)])
    if _have_two_names(one, two):
        return Mark.DIFFERS if _marked(one.before, two.before) is Mark.DIFFERS else Mark.UNKNOWN
    ours, theirs = (*one.before, *one.after), (*two.before, *two.after)
    if "".join(ours) == "".join(theirs) or _are_spelled_alike(one, two):
        return Mark.AGREES
    if Counter(ours) == Counter(theirs):
        # `S WEST TEMPLE` is not `W SOUTH TEMPLE`.
        return Mark.DIFFERS if len(one.before) == len(two.before) else Mark.UNKNOWN
    return _marked(ours, theirs)


def _marked(ours: Sequence[str], theirs: Sequence[str]) -> Mark:
    if ours == theirs:
        return Mark.AGREES
    first, second = Counter(ours), Counter(theirs)
    return Mark.UNKNOWN if first <= second or second <= first else Mark.DIFFERS


def _name(one: Street, two: Street) -> Mark:
    if one.road or two.road:
        road = _road(one, two)
        return road if road is not Mark.AGREES else _words_of_road(one.name, two.name)
    if _have_two_names(one, two) or (one.lettered != two.lettered and one.name == two.name):
        return Mark.UNKNOWN  # `N ST` beside `NORTH ST`: an alphabet's street, or one written short
    if _are_spelled_alike(one, two):
        return Mark.AGREES
    named = _words(one.name, two.name)
    return Mark.UNKNOWN if named is Mark.DIFFERS and _are_spelled_nearly_alike(one, two) else named


def _road(one: Street, two: Street) -> Mark:
    if one.road == two.road or (ANY in (one.road, two.road) and {one.road, two.road} <= {ANY, "US", "STATE"}):
        return Mark.AGREES
    if not one.road or not two.road or ANY in (one.road, two.road) or {one.road, two.road} == {"US", "STATE"}:
        return Mark.UNKNOWN
    return Mark.DIFFERS


def _words_of_road(ours: Sequence[str], theirs: Sequence[str]) -> Mark:
    """What a highway's number doesn't say: `OLD`, `ALT`. Few words stand there, so that a short form can be told."""
    short_forms = len(ours) == len(theirs) and all(is_abbreviated(a, b) for a, b in zip(ours, theirs, strict=True))
    named = _words(ours, theirs)
    return Mark.UNKNOWN if named is Mark.DIFFERS and short_forms else named


def _words(ours: Sequence[str], theirs: Sequence[str]) -> Mark:
    if "".join(ours) == "".join(theirs):
        return Mark.AGREES
    if len(ours) == len(theirs) and all(a == b or is_shortened(a, b) for a, b in zip(ours, theirs, strict=True)):
        return Mark.AGREES
    if Counter(ours) <= Counter(theirs) or Counter(theirs) <= Counter(ours) or _are_initials(ours, theirs):
        return Mark.UNKNOWN
    if _differ_in_a_letter_alone(ours, theirs):
        return Mark.DIFFERS
    return Mark.UNKNOWN if _are_alike("".join(ours), "".join(theirs)) else Mark.DIFFERS


def _differ_in_a_letter_alone(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether only words of one letter differ: `AVENUE A` and `AVENUE B`."""
    if len(ours) != len(theirs):
        return False
    return all(len(a) == len(b) == 1 for a, b in zip(ours, theirs, strict=True) if a != b)


def _are_initials(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether a word is short for what the other has instead: `MLK JR`, `MARTIN LUTHER KING JR`; `BUS LOOP`."""
    first, second = Counter(ours), Counter(theirs)
    left, right = [list((one - two).elements()) for one, two in ((first, second), (second, first))]
    short, long = sorted((left, right), key=len)
    if len(short) == len(long) == 1 < len(ours):
        return is_abbreviated(short[0], long[0])
    return len(short) == 1 < len(long) and short[0] == "".join(word[0] for word in long)


def _are_alike(one: str, two: str) -> bool:
    """A letter or two differ, or one is the other's beginning. A digit never may."""
    if re.findall(r"\d", one) != re.findall(r"\d", two):
        return False
    shorter = min(len(one), len(two))
    if shorter > 3 and (one.startswith(two) or two.startswith(one)):
        return True
    return abs(len(one) - len(two)) < 3 and distance(one, two) <= min(2, shorter // 3)


def _kind(one: Street, two: Street) -> Mark:
    ours, theirs = _told_kind(one), _told_kind(two)
    if ours == theirs or one.kind == two.kind or _are_spelled_alike(one, two):
        return Mark.AGREES
    if ours and theirs:
        return Mark.DIFFERS
    return Mark.AGREES if _is_complete(one) and _is_complete(two) and "ST" in (ours, theirs) else Mark.UNKNOWN


def _told_kind(street: Street) -> str:
    """The kind, where it tells anything: `900 E ST` is `900 E`."""
    return "" if street.is_grid and street.kind == "ST" else street.kind


def _is_complete(street: Street) -> bool:
    """Whether the name has no kind of its own: `E SOUTH TEMPLE`, `VIA CHRISTINA`, `BROADWAY`."""
    first = street.name[0] if street.name else ""
    return first in _COMPLETE or (first == "TEMPLE" and bool(street.before))


def _are_spelled_nearly_alike(one: Street, two: Street) -> bool:
    """Whether one's direction is part of the other's name, one letter aside: `NORTHPOINTE`, `N POINT`."""
    is_glued = len(one.before) + len(one.after) != len(two.before) + len(two.after)
    return is_glued and abs(len(one.text) - len(two.text)) < 2 and distance(one.text, two.text) < 2


def _are_spelled_alike(one: Street, two: Street) -> bool:
    """Whether only blanks differ: `W PARK WEST RD` and `WEST PARKWEST ROAD`."""
    return bool(one.text) and one.text == two.text
