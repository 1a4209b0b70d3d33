"""Whether two addresses are the same door, surely another one, or not certain.

Another one: the house number, another number, the name or the kind of the street, a direction, the unit, or town and
ZIP together contradict. Not certain: something is missing on one side, or written in a way that no rule knows. A street
line can have several readings; it is another door only when no reading of one agrees with any of the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from app.provisioning.matching import towns
from app.provisioning.matching.comparison_marks import STREET_LINE, Aspect, Mark, overall
from app.provisioning.matching.street_comparison import compare_streets
from app.provisioning.matching.streets import Street, read_street


class Door(StrEnum):
    """Whether two addresses are one door."""

    SAME = "same"
    NOT_CERTAIN = "not_certain"
    ANOTHER = "another"


@dataclass(frozen=True, slots=True)
class Place:
    """An address in the form in which addresses are compared: the readings of its street line, its towns, its ZIP."""

    streets: Sequence[Street] = field(repr=False)
    town: str = field(repr=False)
    zip: str = field(repr=False)

    @classmethod
    def read(cls, street: str, city: str, zip_code: str) -> "Place":
        """From a street line with its unit, a town and a ZIP."""
        return cls(read_street(street, city), towns.normalised_town(city), towns.normalised_zip(zip_code))

    @property
    def towns(self) -> set[str]:
        """The town that the record names, and the one that its street line ends in."""
        return {self.town, self.streets[0].town} - {""} or {""}

    @property
    def is_empty(self) -> bool:
        """Whether there is no street to compare."""
        return all(street.is_empty for street in self.streets)


Marks = Mapping[Aspect, Mark]


def has_street(street: str) -> bool:
    """Whether there is a street in a street line."""
    return not all(one.is_empty for one in read_street(street))


def compare_doors(ours: Place, theirs: Place, *, same_site: bool) -> tuple[Door, Marks]:
    """Whether it is one door, with the mark of each aspect.

    The same site makes up for an address that one side lacks, and makes a contradiction not certain, unless it is in
    the unit: one site can have several.
    """
    if ours.is_empty or theirs.is_empty:
        line: Marks = dict.fromkeys(STREET_LINE, Mark.UNKNOWN)
    else:
        pairs = [(one, two) for one in ours.streets for two in theirs.streets if one.can_be_beside(two)]
        line = min((compare_streets(*pair) for pair in pairs), key=_unlikeness)
    place = _compare_places(ours, theirs)
    marks = {**line, Aspect.TOWN: place[Aspect.TOWN], Aspect.ZIP: place[Aspect.ZIP]}
    door = _door(overall(line.values()), _where(ours, theirs, place))
    if same_site and (ours.is_empty or theirs.is_empty):
        return Door.SAME, marks
    if same_site and door is Door.ANOTHER and marks[Aspect.UNIT] is not Mark.DIFFERS:
        return Door.NOT_CERTAIN, marks
    return door, marks


def _door(street: Mark, where: Mark) -> Door:
    found = {street, where}
    if Mark.DIFFERS in found:
        return Door.ANOTHER
    return Door.NOT_CERTAIN if Mark.UNKNOWN in found else Door.SAME


def _unlikeness(marks: Marks) -> tuple[int, int]:
    found = list(marks.values())
    return found.count(Mark.DIFFERS), found.count(Mark.UNKNOWN)


def _compare_places(ours: Place, theirs: Place) -> Marks:
    by_town = [towns.compare_towns(one, two) for one in ours.towns for two in theirs.towns]
    town = next((mark for mark in (Mark.AGREES, Mark.UNKNOWN) if mark in by_town), Mark.DIFFERS)
    known = bool(ours.zip and theirs.zip)
    zips = Mark.UNKNOWN if not known else Mark.AGREES if ours.zip == theirs.zip else Mark.DIFFERS
    return {Aspect.TOWN: town, Aspect.ZIP: zips}


def _where(ours: Place, theirs: Place, marks: Marks) -> Mark:
    """Whether it is the same place: town and ZIP together."""
    town, zips = marks[Aspect.TOWN], marks[Aspect.ZIP]
    if town is Mark.AGREES:
        return Mark.UNKNOWN if zips is Mark.DIFFERS else Mark.AGREES
    if town is Mark.UNKNOWN:
        return _where_town_is_unknown(ours, theirs, zips)
    nobodys = zips is Mark.AGREES and not any(towns.can_have(town, ours.zip) for town in ours.towns | theirs.towns)
    if zips is Mark.DIFFERS or ((zips is Mark.UNKNOWN or nobodys) and towns.are_known(ours.town, theirs.town)):
        return Mark.DIFFERS
    return Mark.UNKNOWN


def _where_town_is_unknown(ours: Place, theirs: Place, zips: Mark) -> Mark:
    missing = not (ours.town and theirs.town)
    shared = missing or towns.share_post_town(ours.town, theirs.town)
    if zips is Mark.AGREES:
        return Mark.AGREES if shared else Mark.UNKNOWN
    apart = not shared and towns.are_known(ours.town, theirs.town)
    return Mark.DIFFERS if zips is Mark.DIFFERS and apart else Mark.UNKNOWN
