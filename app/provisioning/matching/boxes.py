"""Boxes: at a post office, and on a rural or highway contract route."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_POST_BOX = re.compile(r"\b(?:P ?O ?(?:BOX|BX|DRAWER)|POB|POST OFFICE BOX) ?(\w+(?: [A-Z]\b)?)")
_ROUTE = re.compile(
    r"(?:R ?R|RFD|RURAL (?:ROUTE|RTE?)|RTE?|ROUTE|H ?CR?|HIGHWAY CONTRACT(?: ROUTE)?|STAR (?:ROUTE|RTE?)) ?(\d+)"
    r"(?: (?:BOX|BX) (\w+(?: [A-Z]\b)?))?"
)
_SIGNS = frozenset({"BOX", "POBOX", "POB"})


class Box(NamedTuple):
    """A box: `kind` is "PO", "RR" or "GD" (general delivery), `numbers` are the box's, or the route's and the box's."""

    kind: str
    numbers: tuple[str, ...]


def read_box(words: Sequence[str]) -> Box | None:
    """The box, where the words are one and no street."""
    text = " ".join(word for word in words if word != "#")
    if len(words) == 2 and words[0] == "BOX":
        text = f"PO {text}"
    if found := _POST_BOX.fullmatch(text):
        return Box("PO", (found[1].lstrip("0").replace(" ", ""),))
    if text == "GENERAL DELIVERY":
        return Box("GD", (text,))
    if found := _ROUTE.match(text):
        return Box("RR", tuple(number.replace(" ", "") for number in found.groups() if number))
    return None


def without_box(words: Sequence[str]) -> tuple[list[str], str]:
    """The street where a line names a box beside it, and the box: `PO BOX 12 18 OAK ST` -> `18 OAK ST`, `12`."""
    found = _POST_BOX.search(" ".join(words)) if _SIGNS & set(words) else None
    street = [*found.string[: found.start()].split(), *found.string[found.end() :].split()] if found else []
    return (street, found[1]) if found and len(street) > 1 else (list(words), "")
