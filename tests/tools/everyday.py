"""What a test is asked with at each run, and what only in long ones."""

from typing import Any

import pytest


def everyday(first: Any, *rarer: Any) -> list[Any]:
    """Values for `parametrize`: the first at each run, the rarer ones as `long`; tuples are several values each."""
    others = (each if isinstance(each, tuple) else (each,) for each in rarer)
    return [first, *(pytest.param(*each, marks=pytest.mark.long) for each in others)]
