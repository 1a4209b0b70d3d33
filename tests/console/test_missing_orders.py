"""The page of the orders that never came, and the line on Today that leads there."""

import pytest

from app.aftercare import missing_orders
from app.console import missing_orders as pages
from tests.conftest import Service
from tests.console.made_aftercare import compare, never_came
from tests.console.persons import Person

PAGE = "/console/aftercare/missing"
FIRST, SECOND = "UIA202411-000701", "UIA202411-000702"


def test_today_leads_to_the_orders_that_never_came(service: Service, as_read_only: Person) -> None:
    assert "never called back" not in as_read_only.get("/console").text

    never_came(service)

    assert "UTOPIA has 2 orders that never called back" in as_read_only.get("/console").text
    page = as_read_only.get(PAGE).text
    assert FIRST in page
    assert "Take it in" not in page
    assert as_read_only.post(f"{PAGE}/take-in", {"orderref": FIRST}).status_code == 403


def test_one_is_taken_in_and_its_page_follows(service: Service, as_staff: Person) -> None:
    never_came(service)

    answer = as_staff.post(f"{PAGE}/take-in", {"orderref": FIRST})

    assert answer.headers["Location"].endswith(f"/console/orders/{FIRST}")
    service.rested(FIRST)
    assert f'value="{FIRST}"' not in as_staff.get(PAGE).text


def test_all_are_taken_in_with_one_button(service: Service, as_staff: Person) -> None:
    never_came(service)
    assert "Take in all 2" in as_staff.get(PAGE).text

    as_staff.post(f"{PAGE}/take-in", {"orderref": [FIRST, SECOND]})

    assert "2 orders are taken in" in as_staff.get(PAGE).text
    for orderref in (FIRST, SECOND):
        service.rested(orderref)


def test_what_can_t_be_told_is_said(service: Service, as_read_only: Person) -> None:
    never_came(service)
    service.sandbox.utopia.orders_shape = "numbers"

    compare(service)

    page = as_read_only.get(PAGE).text
    assert "Can&#39;t tell" in page or "Can't tell" in page
    assert FIRST in page, "what was found before stays"


def test_an_order_is_put_aside_and_asked_for_again(service: Service, as_staff: Person) -> None:
    never_came(service)

    as_staff.post(f"{PAGE}/put-aside", {"orderref": FIRST})
    page = as_staff.get(PAGE).text
    assert f"{FIRST} is put aside" in page
    assert "put aside by Stan Staff" in page
    as_staff.post(f"{PAGE}/compare")

    assert "being asked" in as_staff.get(PAGE).text


def test_somebody_takes_in_what_is_not_there(service: Service, as_staff: Person) -> None:
    as_staff.post(f"{PAGE}/take-in", {"orderref": "UIA202411-999999"})

    assert "Nothing was changed" in as_staff.get(PAGE).text
    assert service.state("UIA202411-999999") is None


def test_of_the_older_orders_the_page_shows_some_and_counts_the_others(
    service: Service, as_read_only: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MOST_OLDER", 2)
    missing_orders.keep(service.services, [f"UIA202411-00079{number}" for number in range(5)], are_older=True)

    page = as_read_only.get(PAGE).text

    assert "Older than the first comparison: 5" in page
    assert "3 more are not shown" in page
    assert page.count("UIA202411-00079") == 2
