"""Highways and county roads: whose road it is, and its number."""

from collections.abc import Sequence

from app.provisioning.matching.usps import DIRECTIONALS, STATES, SUFFIXES

_KINDS = frozenset({"HWY", "RTE", "RD"})
_OWNERS = {
    **dict.fromkeys(("US", "U S", "UNITED STATES"), "US"),
    **dict.fromkeys(("STATE", "ST", "SR", "S R", "UT", "UTAH", "ID", "IDAHO", "MT", "MONTANA"), "STATE"),
    **dict.fromkeys(("COUNTY", "CNTY", "CTY", "CO", "CR", "C R"), "COUNTY"),
    **dict.fromkeys(("TOWNSHIP", "TWP"), "TOWNSHIP"),
    **dict.fromkeys(("FOREST", "FOREST SERVICE", "FR", "FS"), "FOREST"),
    **dict.fromkeys(("FARM", "FARM TO MARKET", "FM"), "FARM"),
    **dict.fromkeys(("INTERSTATE", "I", "IH"), "INTERSTATE"),
    **dict.fromkeys(("PRIVATE", "PR", "P R", "PD", "P D"), "PRIVATE"),
}
_WITH_KIND = frozenset(
    {"STATE", "ST", "CO", "CNTY", "CTY", "TOWNSHIP", "TWP", "FOREST", "FOREST SERVICE", "FARM", "PRIVATE"}
)
_ALONE = frozenset(_OWNERS) - _WITH_KIND - {"UNITED STATES"}
"""Owners that need no `HWY` before the number."""
_BUSINESS = frozenset({"BUS", "BUSINESS"})
ANY = "HWY"
"""A highway whose owner isn't named."""


def road_and_number(words: Sequence[str]) -> tuple[str, str, list[str]] | None:
    """Whose road it is (`US`, `STATE`, `COUNTY`, or `HWY` when it isn't said), its number, and the words besides.

    `OLD US HWY 89 N` -> `US`, `89`, `OLD N`, as of `OLD US 89 HWY N`. A county's road can have a letter. None when the
    words have no such road.
    """
    for i, word in enumerate(words):
        is_letter = i == len(words) - 1 and len(word) < 3 and word.isalpha() and word not in DIRECTIONALS
        if i and (word[0].isdigit() or is_letter):
            found = _road(words[:i])
            if found and (word[0].isdigit() or found[0] == "COUNTY"):
                road, length = found
                after = i + 1 + (SUFFIXES.get("".join(words[i + 1 : i + 2])) == ANY)
                return road, word, [*words[: i - length], *words[after:]]
    return None


def business_last(words: Sequence[str]) -> list[str]:
    """`BUS LOOP I 15`, `I 15 BUS LP` and `BUS I 15` -> `I 15 BUSINESS`; `BUS LOOP 15` -> `HWY 15 BUSINESS`."""
    at = next((i for i, word in enumerate(words) if word in _BUSINESS), None)
    if at is None:
        return list(words)
    before, rest = list(words[:at]), list(words[at + 1 :])
    is_loop = SUFFIXES.get("".join(rest[:1])) == "LOOP"
    after = rest[is_loop:]
    if _is_numbered(before):
        return [*before, "BUSINESS", *after]
    if after and after[0].isdigit():
        after.insert(0, ANY)
    end = next((i for i in range(2, len(after) + 1) if _is_numbered(after[:i])), 0)
    if end:
        return [*before, *after[:end], "BUSINESS", *after[end:]]
    return [*before, "BUSINESS" if is_loop else words[at], *rest]


def _is_numbered(words: Sequence[str]) -> bool:
    """Whether the words end in a road with its number: `E US 89`."""
    return len(words) > 1 and words[-1][0].isdigit() and ends_in_road(words[:-1])


def ends_in_road(words: Sequence[str]) -> bool:
    """Whether a number after these words is the number of a road: `N HWY`, `COUNTY RD`."""
    return _road(words) is not None


def _road(words: Sequence[str]) -> tuple[str, int] | None:
    """The road that the words end in, and how many words it takes."""
    kind = SUFFIXES.get(words[-1]) if words else None
    before = words[:-1] if kind in _KINDS else words
    for length in range(min(3, len(before)), 0, -1):
        owner = " ".join(before[-length:])
        if owner in (_OWNERS if kind in _KINDS else _ALONE):
            return _OWNERS[owner], length + (kind in _KINDS) + _in_front(owner, before[: len(before) - length])
    if kind not in _KINDS or kind == "RD":
        return None
    return ("STATE", 2) if before and before[-1] in STATES else (ANY, 1)


def _in_front(owner: str, words: Sequence[str]) -> int:
    """How many words before the owner say nothing more: `HWY` of `HWY US 89`, `UTAH` of `UTAH STATE RTE 32`."""
    last = words[-1] if words else ""
    twice = _OWNERS[owner] == _OWNERS.get(last) == "STATE" and last != "ST"
    return int(twice or SUFFIXES.get(last) == "HWY")
