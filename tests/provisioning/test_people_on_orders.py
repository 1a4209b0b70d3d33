"""What somebody can say of orders with colleagues on them, and until when they can put one off."""

from datetime import date

import pytest

from app.models import now
from app.provisioning.actions import LET_GO, ON_IT, TAKE_OVER, Action
from app.provisioning.people_on_orders import Hand, offered
from app.provisioning.teamwork import is_a_day_ahead, near_days


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


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        ("2026-11-26", {"tomorrow": "2026-11-27", "Monday": "2026-11-30", "Thursday in a week": "2026-12-03"}),
        ("2026-11-29", {"tomorrow": "2026-11-30", "Sunday in a week": "2026-12-06"}),
        ("2026-11-30", {"tomorrow": "2026-12-01", "Monday in a week": "2026-12-07"}),
    ],
)
def test_near_days_are_named_each_once(today: str, expected: dict[str, str]) -> None:
    assert {words: str(day) for words, day in near_days(date.fromisoformat(today))} == expected


def test_an_order_is_put_off_from_tomorrow_on_and_for_thirty_days_at_most() -> None:
    november = [day for day in range(1, 31) if is_a_day_ahead(date(2026, 11, day), date(2026, 11, 10))]

    assert november == list(range(11, 31))
    assert is_a_day_ahead(date(2026, 12, 10), date(2026, 11, 10))
    assert not is_a_day_ahead(date(2026, 12, 11), date(2026, 11, 10))
