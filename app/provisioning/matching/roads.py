"""Highways and county roads: whose road it is, and its number."""

from collections.abc import Sequence

from app.provisioning.matching.usps import SUFFIXES

_KINDS = frozenset({"HWY", "RTE", "RD"})
_OWNERS = {
    "US": "US",
    "STATE": "STATE",
    "SR": "STATE",
    "UT": "STATE",
    "UTAH": "STATE",
    "ID": "STATE",
    "IDAHO": "STATE",
    "MT": "STATE",
    "MONTANA": "STATE",
    "ST": "STATE",
    "CR": "COUNTY",
    "CO": "COUNTY",
    "CNTY": "COUNTY",
    "COUNTY": "COUNTY",
    "INTERSTATE": "INTERSTATE",
    "I": "INTERSTATE",
}
_ALONE = frozenset({"US", "SR", "UT", "UTAH", "CR", "COUNTY", "INTERSTATE", "I"})
"""Owners that need no `HWY` before the number."""
ANY = "HWY"
"""A highway of which it isn't said whose it is."""


def road_and_number(words: Sequence[str]) -> tuple[str, str, list[str]] | None:
    """Whose road it is (`US`, `STATE`, `COUNTY`, or `HWY` when it isn't said), its number, and the words besides.

    `OLD US HWY 89 N` -> `US`, `89`, `OLD N`. None when the words have no such road.
    """
    for i, word in enumerate(words):
        if i and word[0].isdigit():
            found = _road(words[:i])
            if found:
                road, length = found
                return road, word, [*words[: i - length], *words[i + 1 :]]
    return None


def ends_in_road(words: Sequence[str]) -> bool:
    """Whether a number after these words is the number of a road: `N HWY`, `COUNTY RD`."""
    return _road(words) is not None


def _road(words: Sequence[str]) -> tuple[str, int] | None:
    """The road that the words end in, and how many words it takes."""
    tail = list(words[-3:]) or [""]
    initials = "".join(tail[-2:])
    if len(tail) > 1 and len(initials) == 2 and initials in {"SR", "US", "CR"}:
        return _OWNERS[initials], 2
    kind = SUFFIXES.get(tail[-1])
    if kind in _KINDS:
        owner = _OWNERS.get(tail[-2]) if len(tail) > 1 else None
        initials = "".join(tail[:-1])
        if initials == "US" and len(tail) == 3:
            return "US", 3
        if owner:
            return owner, 2
        return (ANY, 1) if kind != "RD" else None
    return (_OWNERS[tail[-1]], 1) if tail[-1] in _ALONE else None
