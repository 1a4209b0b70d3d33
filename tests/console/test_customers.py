"""The page with more for a customer who exists."""

from datetime import date

import pytest

from app.aftercare import cases
from app.aftercare.case_kinds import CANCEL
from tests.conftest import Service
from tests.console.conftest import Person

REF = "UIA202411-001186"
PAGE = "/console/aftercare/customers/1001"


def test_a_plan_is_added_from_an_order_s_page_on(service: Service, as_staff: Person) -> None:
    service.take(REF)
    assert f'href="{PAGE}"' in as_staff.get(f"/console/orders/{REF}").text
    page = as_staff.get(PAGE).text
    assert "Ada Lind" in page
    assert "Their bill grows by that" in page

    as_staff.post(f"{PAGE}/plan", {"seen": "0", "service_id": "164"})

    assert "One more plan: service 164: PowerCode says that it is done" in as_staff.get(PAGE).text
    assert "One more plan: service 164" in as_staff.get(f"/console/orders/{REF}").text
    as_staff.post(f"{PAGE}/plan", {"seen": "0", "service_id": "164"})
    assert "since you loaded the page" in as_staff.get(PAGE).text
    assert service.sandbox.powercode.count("addCustomerService") == 3


def test_who_may_only_read_finds_no_way_to_a_case_or_to_more_for_a_customer(
    service: Service, as_read_only: Person
) -> None:
    service.take(REF)
    case = service.write(cases.open_case, CANCEL, by="Stan", due_on=date(2026, 12, 1), slot=REF, orderref=REF)
    assert case is not None
    order, page = (
        as_read_only.get(f"/console/orders/{REF}").text,
        as_read_only.get(f"/console/aftercare/cases/{case.id}").text,
    )

    assert [path for path in (PAGE, "/cases/new") if path in order] == []
    assert [word for word in (f"/cases/{case.id}/", "/cases/new") if word in page] == []
    for path in (PAGE, "/console/aftercare/cases/new", f"/console/aftercare/cases/{case.id}/utopia"):
        assert as_read_only.get(path).status_code == 403
    for path in (f"{PAGE}/plan", "/console/aftercare/cases/new", f"/console/aftercare/cases/{case.id}/close"):
        assert as_read_only.post(path).status_code == 403


@pytest.mark.parametrize(
    ("code", "entries"),
    [
        ("plan", {"service_id": "one"}),
        ("ticket", {"summary": "x", "text": ""}),
        ("tag", {"tag_id": ""}),
        ("portal_name", {"name": "a b"}),
    ],
)
def test_what_can_t_be_right_is_not_sent(
    service: Service, as_staff: Person, code: str, entries: dict[str, str]
) -> None:
    service.sandbox.powercode.add_customer()

    answer = as_staff.post(f"{PAGE}/{code}", {"seen": "0", **entries})

    assert answer.status_code == 422
    assert 'class="fault"' in answer.text


def test_a_plan_that_they_have_has_to_be_meant(service: Service, as_staff: Person) -> None:
    service.take(REF, plan="1 Gbps")

    answer = as_staff.post(f"{PAGE}/plan", {"seen": "0", "service_id": "164"})
    assert (answer.status_code, "got just this from here already" in answer.text) == (422, True)
    as_staff.post(f"{PAGE}/plan", {"seen": "0", "service_id": "164", "again": "y"})

    assert "PowerCode says that it is done" in as_staff.get(PAGE).text


def test_without_knowing_who_it_is_nothing_is_offered(service: Service, as_staff: Person) -> None:
    page = as_staff.get(PAGE).text
    assert "PowerCode has no customer 1001" in page
    assert "One more plan" not in page
    assert as_staff.get("/console/aftercare/customers/x").status_code == 404
    assert as_staff.post(f"{PAGE}/burn", {"seen": "0"}).status_code == 404
