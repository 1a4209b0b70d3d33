"""What somebody can say of orders with colleagues on them."""

import pytest

from app.models import now
from app.provisioning.actions import LET_GO, ON_IT, TAKE_OVER, Action
from app.provisioning.attention import Hand, offered


@pytest.mark.parametrize(
    ("mine", "others", "count", "expected"),
    [
        (0, 0, 1, [ON_IT]),
        (1, 0, 1, [LET_GO]),
        (0, 1, 1, [TAKE_OVER]),
        (0, 2, 3, [ON_IT]),
        (1, 1, 3, [ON_IT, LET_GO]),
        (1, 2, 3, [TAKE_OVER, LET_GO]),
    ],
)
def test_what_is_free_is_taken_before_what_somebody_else_has(
    mine: int, others: int, count: int, expected: list[Action]
) -> None:
    hands = [Hand(name, number, now()) for name, number in (("Ada", mine), ("Ole", others)) if number]

    assert offered(hands, count, "Ada") == expected
