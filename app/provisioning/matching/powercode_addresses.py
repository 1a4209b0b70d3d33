"""An address as it is written to PowerCode: the USPS code of a state, the street line with its unit, the ZIP."""

import re
from functools import lru_cache

from app.provisioning.matching.street_words import words_of
from app.provisioning.matching.unit_places import unit_in
from app.provisioning.matching.units import unit_parts
from app.provisioning.matching.usps import STATES
from app.wording.spelling import folded

_DECIMALS = re.compile(r"(\d{5})\.0+")
_BLANKS = re.compile(r"(\d{5})\s*-?\s*(\d{4})|(\d{3})\s(\d{2})")


@lru_cache(maxsize=128)
def usps_state(text: str) -> str | None:
    """The two-letter USPS code for a state's name or code in any case and punctuation; None when it is unknown.

    Knows the states, the District of Columbia, the territories and the armed forces' codes.
    """
    return STATES.get("".join(letter for letter in folded(text).upper() if letter.isalpha()))


def street_line(street: str, unit: str) -> str:
    """The street line as it is written to PowerCode: `("12 N EXAMPLE AVENUE", "4")` -> `12 N EXAMPLE AVENUE APT 4`.

    A bare value and `#4` become `APT 4`; other designators stay, in their short form (`Suite 200` -> `STE 200`,
    `LOT #12` -> `LOT 12`). `N/A`, `none`, `House` and `-` are no unit. The street keeps its spelling. A street that
    ends in that unit already isn't given it twice.
    """
    line = " ".join(street.split())
    there = {key for part in unit_in(line) for key in part.keys}
    missing = [part for part in unit_parts(words_of(unit)) if not there.issuperset(part.keys)]
    return " ".join([line, *(part.written for part in missing)]).strip()


def mended_zip(text: str) -> str:
    """The ZIP without what a spreadsheet or a typist put into it: `84057.0`, `840 57`, `84057 1234`.

    What is not certainly a ZIP stays as it is.
    """
    plain = " ".join(text.split())
    if found := _DECIMALS.fullmatch(plain):
        return found[1]
    if found := _BLANKS.fullmatch(plain):
        return f"{found[1]}-{found[2]}" if found[1] else f"{found[3]}{found[4]}"
    return plain
