"""Whether two addresses are the same door, surely another one, or not certain."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.provisioning.matching.addresses import Address, nearly_same_street, normalised_address, normalised_city
from app.provisioning.matching.marks import STREET_LINE, Aspect, Mark


class Door(StrEnum):
    """Whether two addresses are one door."""

    SAME = "same"
    NOT_CERTAIN = "not_certain"
    ANOTHER = "another"


@dataclass(frozen=True, slots=True)
class Place:
    """An address in the form in which addresses are compared."""

    address: Address = field(repr=False)
    town: str = field(repr=False)
    zip: str = field(repr=False)

    @classmethod
    def read(cls, street: str, city: str, zip_code: str) -> "Place":
        """From a street line with its unit, a town and a ZIP."""
        return cls(normalised_address(street), normalised_city(city), zip_code[:5])


def has_street(street: str) -> bool:
    """Whether there is a street in a street line."""
    return bool(normalised_address(street).street)


def compare_doors(ours: Place, theirs: Place, *, same_site: bool) -> tuple[Door, Mapping[Aspect, Mark]]:
    """Whether it is one door, with the mark of each aspect."""
    unit = _mark(set(ours.address.unit), set(theirs.address.unit))
    if not ours.address.street or not theirs.address.street:
        street = Mark.UNKNOWN
    elif nearly_same_street(ours.address, theirs.address):
        street = Mark.AGREES if ours.address.street == theirs.address.street else Mark.UNKNOWN
    else:
        street = Mark.DIFFERS
    marks = dict.fromkeys(STREET_LINE, street) | {
        Aspect.UNIT: unit if street is not Mark.UNKNOWN else street,
        Aspect.TOWN: _mark({ours.town} - {""}, {theirs.town} - {""}),
        Aspect.ZIP: _mark({ours.zip} - {""}, {theirs.zip} - {""}),
    }
    return _door(ours, theirs, marks, same_site=same_site), marks


def _door(ours: Place, theirs: Place, marks: Mapping[Aspect, Mark], *, same_site: bool) -> Door:
    found = {marks[aspect] for aspect in (*STREET_LINE, Aspect.TOWN)}
    if not ours.address.street or not theirs.address.street:
        return Door.SAME if same_site else Door.NOT_CERTAIN
    if Mark.DIFFERS in found:
        return Door.NOT_CERTAIN if same_site and marks[Aspect.UNIT] is not Mark.DIFFERS else Door.ANOTHER
    return Door.NOT_CERTAIN if {marks[aspect] for aspect in STREET_LINE} != {Mark.AGREES} else Door.SAME


def _mark(ours: set[str], theirs: set[str]) -> Mark:
    if ours == theirs:
        return Mark.AGREES
    return Mark.UNKNOWN if ours <= theirs or theirs <= ours else Mark.DIFFERS
