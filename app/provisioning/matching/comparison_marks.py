"""The aspects by which two records are compared, and the mark that each aspect gets."""

from collections.abc import Iterable
from enum import StrEnum


class Aspect(StrEnum):
    """What is compared, in the order in which people read it."""

    NAME = "name"
    PHONE = "phone"
    MAIL = "mail"
    HOUSE_NUMBER = "house_number"
    NUMBERS = "numbers"
    DIRECTION = "direction"
    STREET_NAME = "street_name"
    STREET_KIND = "street_kind"
    UNIT = "unit"
    TOWN = "town"
    ZIP = "zip"
    SITE = "site"


STREET_LINE = (
    Aspect.HOUSE_NUMBER,
    Aspect.NUMBERS,
    Aspect.DIRECTION,
    Aspect.STREET_NAME,
    Aspect.STREET_KIND,
    Aspect.UNIT,
)
"""What stands in the street line."""


class Mark(StrEnum):
    """Whether something agrees. UNKNOWN: one side lacks it, or it is neither the same nor surely different."""

    AGREES = "agrees"
    DIFFERS = "differs"
    UNKNOWN = "unknown"


def overall(marks: Iterable[Mark]) -> Mark:
    """One mark for several: DIFFERS outweighs UNKNOWN, and UNKNOWN outweighs AGREES. For none: AGREES."""
    found = set(marks)
    return next((mark for mark in (Mark.DIFFERS, Mark.UNKNOWN) if mark in found), Mark.AGREES)
