"""Lines in any order come back in theirs."""

import random
from itertools import chain

import pytest

from app.digest import sorted_lines
from app.digest.sorted_lines import SortedLines


@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 20, 21, 300])
def test_lines_come_back_in_order_as_often_as_asked_for(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorted_lines, "A_RUN", 7)
    monkeypatch.setattr(sorted_lines, "A_PART", 3)
    dice, kept = random.Random(count), SortedLines()
    lines = [f"{dice.choice('aäz')}{dice.randrange(50)}\t{dice.randrange(3)}" for _ in range(count)]
    for at in range(0, count, 5):
        kept.extend(lines[at : at + 5])
    assert len(kept) == count
    assert [[*chain.from_iterable(kept.parts())] for _ in range(2)] == [sorted(lines), sorted(lines)]
