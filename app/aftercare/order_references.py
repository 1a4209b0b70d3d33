"""Finds order references in an answer of UTOPIA, whatever its shape. Pure.

Source: reference, UTOPIA: the shape of `orders` is not documented; a reference is written like UIA202411-001186
wherever it stands.
"""

import re
from collections.abc import Iterator

REFERENCE = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2,6}[0-9]{6}-[0-9]{4,8}(?![A-Za-z0-9]|-[0-9])")
"""References as UTOPIA writes them; other networks may have other letters at the beginning."""


def references_in(content: object) -> list[str]:
    """Each reference in a JSON value once, in their order there; texts and field names are searched.

    None means "can't tell", and never that there is no order.
    """
    return list(dict.fromkeys(found for text in _texts(content) for found in REFERENCE.findall(text)))


def _texts(content: object) -> Iterator[str]:
    """Every text of a JSON value, at any depth. Without recursion, as an untrusted answer may be nested too deep."""
    waiting = [content]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            waiting += [part for pair in reversed(each.items()) for part in reversed(pair)]
        elif isinstance(each, list):
            waiting += reversed(each)
