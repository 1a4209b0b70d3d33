"""The page of those who are not active yet, and the button that makes somebody active."""

from collections.abc import Iterator

import pytest

from app.aftercare import customer_statuses
from app.models import System
from app.remote import breaker
from tests.conftest import Service
from tests.console.made_aftercare import not_active
from tests.console.persons import Person
from tests.tools.command_runs import failed, printed, run

PAGE = "/console/aftercare/inactive"
FIRST = "UIA202411-000710"


@pytest.fixture
def button(service: Service) -> Iterator[Service]:
    """With ACTIVATION=button, and three customers who are not active."""
    with service.changed(activation="button"):
        not_active(service)
        yield service


def statuses_in_powercode(service: Service) -> list[str]:
    return [each.status for each in service.sandbox.powercode.customers.values()]


@pytest.mark.long
def test_today_leads_to_those_who_are_not_active(service: Service, as_read_only: Person) -> None:
    assert "not active yet" not in as_read_only.get("/console").text

    not_active(service)

    assert "3 customers are not active yet" in as_read_only.get("/console").text
    page = as_read_only.get(PAGE).text
    assert "Not Active" in page
    assert "PowerCode shows no status" in page
    assert "00:00:5E:00:53:1A" in page
    assert "Leave as it is" not in page


@pytest.mark.long
def test_without_the_button_nobody_is_made_active(service: Service, as_administrator: Person) -> None:
    not_active(service)

    assert "Make active" not in as_administrator.get(PAGE).text
    assert as_administrator.get(f"{PAGE}/{FIRST}/activate").status_code == 404
    assert as_administrator.post(f"{PAGE}/{FIRST}/activate", {"seen": "0"}).status_code == 404
    assert "Active" not in statuses_in_powercode(service)


def test_one_is_made_active_after_a_look_at_who_it_is(button: Service, as_staff: Person) -> None:
    page = as_staff.get(f"{PAGE}/{FIRST}/activate").text
    assert "the first activation can write an invoice" in page
    assert "Moe710" in page

    as_staff.post(f"{PAGE}/{FIRST}/activate", {"seen": "0"})
    said = as_staff.get(PAGE).text
    assert "PowerCode says that it is done" in said
    assert f">{FIRST}<" not in said

    assert as_staff.post(f"{PAGE}/{FIRST}/activate", {"seen": "0"}).status_code == 404
    assert button.sandbox.powercode.count("updateCustomerStatus") == 1


@pytest.mark.parametrize(
    ("reading", "says"),
    [
        (None, "their status is Not Active all the same"),
        pytest.param("garbage", "their status could not be read back", marks=pytest.mark.long),
    ],
)
def test_a_yes_of_powercode_s_that_the_status_does_not_bear_out_is_told(
    button: Service, as_staff: Person, reading: str | None, says: str
) -> None:
    done = {"statusCode": 0, "message": "Customer updated"}
    button.sandbox.powercode.fault("updateCustomerStatus", "http", status=200, body=done, processed=False)
    if reading:
        button.sandbox.powercode.fault("readCustomer", reading)

    as_staff.post(f"{PAGE}/{FIRST}/activate", {"seen": "0"})

    page = as_staff.get(PAGE).text
    assert f"PowerCode says that it is done, and {says}" in page
    assert f">{FIRST}<" in page


def test_a_second_click_sends_nothing(button: Service, as_staff: Person) -> None:
    button.sandbox.powercode.fault("updateCustomerStatus", "reset")
    for _ in range(2):
        as_staff.post(f"{PAGE}/{FIRST}/activate", {"seen": "0"})

    assert button.sandbox.powercode.count("updateCustomerStatus") == 1
    page = as_staff.get(PAGE).text
    assert "Nothing was sent again" in page
    assert "its outcome is not known yet" in page


@pytest.mark.long
def test_somebody_is_left_as_they_are(service: Service, as_staff: Person) -> None:
    not_active(service)

    as_staff.post(f"{PAGE}/put-aside", {"customer_id": "1001"})

    page = as_staff.get(PAGE).text
    assert "Customer 1001 is left as they are" in page
    assert "2 customers are not active yet" in page
    as_staff.post(f"{PAGE}/put-aside", {"customer_id": "1001"})
    assert "not in the list any more" in as_staff.get(PAGE).text


@pytest.mark.long
def test_a_doubt_is_answered_once(service: Service, as_staff: Person) -> None:
    not_active(service)
    assert "1 change has an unknown outcome" in as_staff.get("/console").text
    number = as_staff.get("/console/aftercare").text.partition('wrong" id="doubt-')[2].partition('"')[0]

    as_staff.post(f"/console/aftercare/writes/{number}/answer", {"there": "no"})
    assert "taken as not done" in as_staff.get("/console/aftercare").text
    as_staff.post(f"/console/aftercare/writes/{number}/answer", {"there": "yes"})

    assert "Somebody said so already" in as_staff.get("/console/aftercare").text


@pytest.mark.long
def test_the_command_lists_and_reads(service: Service) -> None:
    assert "Nobody" in run(service, "accounts", "inactive").stdout
    not_active(service)

    rows = printed(run(service, "accounts", "inactive", "--json"))
    assert [(row["orderref"], row["status"], row["router"]) for row in rows] == [
        (FIRST, "Not Active", "seen"),
        ("UIA202411-000711", "Not Active", "not_seen"),
        ("UIA202411-000712", None, "not_seen"),
    ]
    assert FIRST in run(service, "accounts", "inactive").stdout
    service.sandbox.powercode.customers[1001].status = "Active"

    rows = printed(run(service, "accounts", "inactive", "--now", "--json"))

    assert [row["orderref"] for row in rows] == ["UIA202411-000711", "UIA202411-000712"]
    with service.changed(activation="off"):
        said = failed(run(service, "accounts", "inactive", "--now"))
    assert said == "ACTIVATION=off: nobody's status is read, and nobody is listed"


def last_line(service: Service) -> str:
    """What `accounts inactive --now` says at its end, when it fails."""
    result = run(service, "accounts", "inactive", "--now")
    assert result.exit_code == 1
    return result.stderr.splitlines()[-1]


@pytest.mark.long
def test_the_command_fails_where_somebody_could_not_be_read(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    not_active(service)
    powercode = service.sandbox.powercode
    powercode.fault("readCustomer", "garbage", times=None)
    assert "3 customers could not be read" in last_line(service)
    powercode.clear_faults()
    powercode.fault("readCustomer", "garbage")
    assert "1 customer could not be read, such as that of UIA202411-00071" in last_line(service)

    monkeypatch.setattr(customer_statuses, "ENOUGH_FAILURES", 1)
    powercode.fault("readCustomer", "garbage", times=None)
    calls = powercode.count("readCustomer")
    assert "2 customers were not read" in last_line(service)
    assert powercode.count("readCustomer") == calls + 1, "nobody waits for the others in vain"
    service.write(breaker.report_down, System.POWERCODE, "no answer", (60.0,))
    assert "3 customers were not read" in last_line(service)
