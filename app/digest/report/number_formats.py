"""Whole numbers as a workbook's number format shows them, for ticket numbers: 123 as `00123`, or as `TM-123`.

reference: ECMA-376 part 1, 18.8.31 (number formats). Only formats of digits and literal text are supported. With any
other format (rounding, grouping, dates, conditions), the number's own digits are used.
"""

import re
from functools import lru_cache

_PART = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|\[\$(?P<named>[^\]-]*)(?:-[^\]]*)?\]|(?P<literal>[-+/():!^&\'~{}<>= $])'
    r"|(?P<digit>[0#?])|(?P<whole>General)|(?P<end>;)|(?P<other>@)"
    r"|(?P<unseen>[_*].|\[(?:Black|Blue|Cyan|Green|Magenta|Red|White|Yellow|Color ?[0-9]+)\])",
    re.IGNORECASE | re.DOTALL,
)
_ZEROS = 2
"""The index of the section for zeros."""

Part = tuple[str, str]
"""A part of a format: the name of its kind in `_PART`, and its text."""


def shown(number: int, code: str) -> str:
    """The whole number (not negative) as the format `code` shows it; its bare digits for an unsupported format."""
    sections = _sections(code)
    section = sections[_ZEROS] if number == 0 and len(sections) > _ZEROS else sections[0]
    kinds = {kind for kind, _ in section}
    return _filled(section, number) if kinds & {"digit", "whole"} and "other" not in kinds else str(number)


@lru_cache(maxsize=256)
def _sections(code: str) -> list[list[Part]]:
    """The format's sections (positive, negative, zero, text), as many as there are; one empty one if unsupported."""
    sections: list[list[Part]] = [[]]
    at = 0
    while at < len(code):
        found = _PART.match(code, at)
        if found is None or found.lastgroup is None:
            return [[]]
        if found.lastgroup == "end":
            sections.append([])
        elif found.lastgroup != "unseen":
            sections[-1].append((found.lastgroup, found[found.lastgroup]))
        at = found.end()
    return sections


def _filled(section: list[Part], number: int) -> str:
    """The section with the number in it: digits fill places from the right; the first place takes what is left."""
    digits = str(number) if number else ""
    places = sum(kind == "digit" for kind, _ in section)
    out: list[str] = []
    for kind, text in reversed(section):
        if kind == "digit":
            places -= 1
            own = digits[-1:] if places else digits
            digits = digits[: len(digits) - len(own)]
            out.append(own or "0" * (text == "0"))
        else:
            out.append(str(number) if kind == "whole" else text)
    return "".join(reversed(out)).strip()
