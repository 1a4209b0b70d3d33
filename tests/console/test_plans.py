"""Plans: unmapped ones first, each change with who made it, and orders that waited go on."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import select

from app.models import AuditEntry, Order, OrderDecision, OrderState, PlanSeen, now
from app.provisioning.causes.cause import cause_of
from app.provisioning.plans import plan_changes, plan_overview, plan_table, plans_seen
from app.provisioning.plans.plan_changes import Plan
from app.storage.database import Database
from sandbox import Sandbox, a_contract
from tests.conftest import Service, settings_for
from tests.console.pages import HOSTILE
from tests.console.persons import Person, audited, words_of
from tests.tools import databases
from tests.tools.at_once import at_once
from utopia import Contract

REF, OTHER, THIRD = "UIA202411-001186", "UIA202411-001187", "UIA202411-001188"
OLE = {"firstname": "Ole", "lastname": "Berg", "email": "ole@example.com", "phone": "4065550127", "siteid": "714912"}


@pytest.fixture(autouse=True)
def more_services(session_service: Service) -> Iterator[None]:
    """PowerCode sells some services more."""
    services = session_service.sandbox.powercode.services
    before = dict(services)
    services |= {170: "10 Gbps", 180: "Voice", 181: "Router"}
    yield
    services.clear()
    services |= before


def service_of(service: Service, plan: str, *, additional: bool = False) -> int | None:
    return service.read(plan_table.service_of, plan, additional=additional)


def map_path(plan: str, *, additional: bool = False) -> str:
    return f"/console/plans/map?description={quote(plan)}" + ("&additional=1" if additional else "")


def form_of(plan: str, service_id: str, seen: str = "") -> dict[str, str]:
    return {"description": plan, "service_id": service_id, "seen": seen}


def test_an_unmapped_plan_stands_first_with_the_orders_that_wait_for_it(service: Service, as_read_only: Person) -> None:
    service.take(REF, plan="10 Gbps")
    service.take(OTHER, plan="10 GBPS ", **OLE)
    service.take(THIRD, plan="250 Mbps", siteid="1", firstname="Liv", lastname="Dahl")

    page = as_read_only.get("/console/plans").text

    assert page.index("10 Gbps") < page.index("250 Mbps")
    assert '<a href="/console/orders?state=needs_review">2</a>' in page
    assert "not mapped" in page


@pytest.mark.long
def test_mapping_a_plan_finishes_every_order_that_waited_for_it(service: Service, as_staff: Person) -> None:
    service.take(REF, plan="10 Gbps")
    service.take(OTHER, plan="10gbps", **OLE)

    answer = as_staff.post(map_path("10 Gbps"), form_of("10 Gbps", "170"))

    assert answer.status_code == 303
    assert [service.rested(each, "completed")["state"] for each in (REF, OTHER)] == ["completed"] * 2
    billed = [each.service_id for one in service.sandbox.powercode.customers.values() for each in one.services]
    assert billed == [170, 172, 170, 172]
    assert "2 completed" in words_of(as_staff.get(answer.headers["Location"]).text)
    assert audited(service) == [("Stan Staff", "plan mapped", "10 Gbps", "not mapped to service 170")]
    assert service.show(REF)["decisions"][0]["made_by"] == "Stan Staff"


def test_an_order_that_waits_for_a_second_plan_stays_until_that_is_mapped(service: Service, as_staff: Person) -> None:
    service.take(REF, items=[{"description": "10 Gbps"}, {"description": "Voice"}])

    as_staff.post(map_path("10 Gbps"), form_of("10 Gbps", "170"))
    assert service.state(REF) == "needs_review"
    as_staff.post(map_path("Voice"), form_of("Voice", "180"))

    service.rested(REF, "completed")


def test_the_number_of_a_service_is_never_filled_in_by_itself(service: Service, as_staff: Person) -> None:
    for plan in ("10 Gbps", "1 Gbps"):
        page = as_staff.get(map_path(plan)).text
        assert 'id="service_id" inputmode="numeric" name="service_id" required type="text" value=""' in page


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        ("", "Write the service"),
        ("abc", "Write digits only, such as 164"),
        ("0", "Write a number from 1 to"),
        ("-4", "Write digits only, such as 164"),
        ("1_6", "Write digits only, such as 164"),
        ("9" * 20, "Write a number from 1 to"),
        ("9999999999", "Write a number from 1 to"),
        ("164\n", "is sold as"),
    ],
)
def test_what_is_no_service_is_told_at_its_field(service: Service, as_staff: Person, number: str, fault: str) -> None:
    answer = as_staff.post(map_path("10 Gbps"), form_of("10 Gbps", number), follow_redirects=True)

    assert fault in answer.text
    assert answer.status_code == (200 if number.startswith("164") else 422)


@pytest.mark.parametrize("plan", ["", "   ", "\x07", "x" * 191, "ﷺ" * 60])
def test_a_name_that_the_table_cannot_hold_is_told(service: Service, as_staff: Person, plan: str) -> None:
    answer = as_staff.post("/console/plans/map", form_of(plan, "170"))

    assert answer.status_code == 422
    assert "Write" in answer.text


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(service: Service, as_staff: Person) -> None:
    as_staff.post(map_path("10 Gbps"), form_of("10 Gbps", "170"))

    answer = as_staff.post(map_path("10 Gbps"), form_of("10 Gbps", "180"))

    assert answer.status_code == 422
    assert "sold as service 170 by now" in answer.text
    assert service_of(service, "10 Gbps") == 170
    # the page shows it now, so that the next try is a decision
    assert as_staff.post(map_path("10 Gbps"), form_of("10 Gbps", "180", "170")).status_code == 303
    assert service_of(service, "10 Gbps") == 180


def test_unmapping_says_what_it_means_and_then_orders_need_a_person(service: Service, as_staff: Person) -> None:
    path = "/console/plans/unmap?description=250+Mbps"
    page = as_staff.get(path).text
    assert "stop before anything is made" in page
    assert "the next start of the service adds it again" in page

    assert as_staff.post(path, {"seen": "163"}).status_code == 303

    assert service.take(REF)["problem"] == "unknown_plan"
    assert audited(service) == [("Stan Staff", "plan unmapped", "250 Mbps", "service 163 to not mapped")]


def test_unmapping_what_was_changed_meanwhile_changes_nothing(service: Service, as_staff: Person) -> None:
    answer = as_staff.post("/console/plans/unmap?description=250+Mbps", {"seen": "999"}, follow_redirects=True)

    assert "Nothing was changed" in answer.text
    assert service_of(service, "250 Mbps") == 163
    assert audited(service) == []


def test_a_plan_for_every_new_account_is_added_changed_and_removed(service: Service, as_staff: Person) -> None:
    as_staff.post("/console/plans/map?additional=1", form_of("Router", "180"))
    as_staff.post(map_path("Router", additional=True), form_of("Router", "181", "180"))
    service.take(REF)
    as_staff.post("/console/plans/unmap?description=Router&additional=1", {"seen": "181"})
    service.take(OTHER, **OLE)

    billed = [[each.service_id for each in one.services] for one in service.sandbox.powercode.customers.values()]
    assert billed == [[163, 172, 181], [163, 172]]
    assert [(action, subject) for _, action, subject, _ in audited(service)] == [
        ("plan mapped", "Router (every new account)"),
        ("plan changed", "Router (every new account)"),
        ("plan unmapped", "Router (every new account)"),
    ]


def test_what_differs_from_the_settings_is_shown(service: Service, as_staff: Person) -> None:
    as_staff.post(map_path("1 Gbps"), form_of("1 Gbps", "165", "164"))

    page = as_staff.get("/console/plans").text

    assert "is sold as service 165; the settings have service 164.</li>" in page
    assert "SERVICE_PLAN_MAPPING" not in page


def test_a_plan_that_the_settings_do_not_have_is_no_difference(service: Service, as_staff: Person) -> None:
    as_staff.post(map_path("10 Gbps"), form_of("10 Gbps", "170"))

    assert "Other than in the settings" not in as_staff.get("/console/plans").text


def test_orders_that_wait_though_their_plan_is_mapped_go_on_by_a_button(service: Service, as_staff: Person) -> None:
    service.take(REF, plan="10 Gbps")
    service.write(plan_table.map_plan, "10 Gbps", 170)
    assert "1 order still waits" in as_staff.get("/console/plans").text

    as_staff.post("/console/plans/go-on")

    service.rested(REF, "completed")


def test_who_may_only_read_sees_the_plans_without_a_way_to_change_them(service: Service, as_read_only: Person) -> None:
    service.take(REF, plan="10 Gbps")

    page = as_read_only.get("/console/plans").text

    assert "10 Gbps" in page
    assert "plans/map" not in page
    assert "plans/unmap" not in page


def test_hostile_plans_are_shown_as_text_and_can_be_mapped(service: Service, as_staff: Person) -> None:
    service.take(REF, plan=f'{HOSTILE}" onclick="alert(1)')
    service.take(OTHER, plan="a\r\nb", **OLE)
    service.take(THIRD, plan="x" * 10_000, siteid="1")

    page = as_staff.get("/console/plans")

    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert '" onclick' not in page.text
    assert "too long to be mapped" in page.text
    assert "<script>alert" not in as_staff.get(map_path(HOSTILE)).text
    assert as_staff.post(map_path(HOSTILE), form_of(HOSTILE, "170"), follow_redirects=True).status_code == 200


def test_the_page_reads_only_the_orders_that_wait_for_a_plan(service: Service, as_read_only: Person) -> None:
    accounts = [{"unknown_plans": ["10 Gbps"]}, {"unknown_plans": ["10 Gbps", "Voice"]}]
    with service.services.database.write() as session:
        session.add_all(
            Order(
                orderref=f"UIA-{number}",
                state=OrderState.NEEDS_REVIEW,
                problem="unknown_plan" if number < 300 else "plan_refused",
                account=accounts[number % 2],
            )
            for number in range(400)
        )
    found = {line.description: line.waiting for line in service.read(plan_overview.overview).plans}

    assert (found["10 Gbps"], found["Voice"]) == (300, 150)


# What was seen


def seen_rows(database: Database) -> dict[str, tuple[str, str]]:
    with database.read() as session:
        rows = session.scalars(select(PlanSeen).order_by(PlanSeen.key))
        return {row.key: (row.description, row.last_orderref) for row in rows}


def test_a_plan_is_noted_when_a_contract_has_it_and_one_time_items_are_not(service: Service) -> None:
    service.take(REF, items=[{"description": "1 Gbps"}, {"description": "Install", "chargetype": "nrc"}])
    service.take(OTHER, plan="1gbps", **OLE)

    assert seen_rows(service.services.database) == {"1gbps": ("1 Gbps", OTHER)}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def elsewhere(sandbox: Sandbox, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    """A service with a database of its own, on which nothing runs."""
    changes = {}
    if request.param == "postgresql":
        changes["database_url"] = databases.on_postgresql_with_tables(tmp_path)
    service = Service(sandbox, settings_for(sandbox, tmp_path, **changes))
    yield service
    service.services.database.dispose()


def waits_for(service: Service, *plans: str) -> None:
    """An order that stopped over these plans."""
    with service.services.database.write() as session:
        stopped = {"state": OrderState.NEEDS_REVIEW, "problem": "unknown_plan", "stopped_at": now()}
        order = Order(orderref=REF, account={"unknown_plans": list(plans)}, **stopped)
        cause = cause_of(order)
        order.cause = cause.key if cause else None
        session.add(order)


def map_in(service: Service, plan: str, service_id: int) -> str:
    """What comes of a person's mapping of a plan that was not mapped on their page."""
    try:
        service.act(plan_changes.map_plan, "Stan", Plan(plan, False, None), service_id)
    except plan_changes.ChangedMeanwhile:
        return "changed meanwhile"
    return "mapped"


@pytest.mark.long
def test_two_people_who_map_the_two_plans_of_an_order_at_once_let_it_go_on(elsewhere: Service) -> None:
    waits_for(elsewhere, "10 Gbps", "Voice")

    at_once(lambda: map_in(elsewhere, "10 Gbps", 170), lambda: map_in(elsewhere, "Voice", 180))

    assert elsewhere.state(REF) == "received"


def test_two_people_who_map_a_plan_otherwise_at_once_leave_one_mapping_and_one_run(elsewhere: Service) -> None:
    waits_for(elsewhere, "10 Gbps")

    came = at_once(lambda: map_in(elsewhere, "10 Gbps", 170), lambda: map_in(elsewhere, "10 Gbps", 180))

    assert sorted(came) == ["changed meanwhile", "mapped"]
    with elsewhere.services.database.read() as session:
        assert session.scalars(select(Order.run)).one() == 2
        assert len(session.scalars(select(AuditEntry)).all()) == 1
        assert len(session.scalars(select(OrderDecision)).all()) == 1


def test_contracts_with_the_same_plans_in_another_order_are_noted_at_once(elsewhere: Service) -> None:
    database = elsewhere.services.database
    plans = ["1 Gbps", "10 Gbps", "Voice"]

    def note(number: int) -> str:
        items = [{"description": name} for name in (plans if number % 2 else reversed(plans))]
        contract = Contract.read(a_contract(items=items))
        with database.write() as session:
            plans_seen.record(session, f"UIA-{number}", contract)
        return "noted"

    assert at_once(*(partial(note, number) for number in range(8))) == ["noted"] * 8
    assert set(seen_rows(database)) == {"1gbps", "10gbps", "voice"}


def test_a_plan_with_a_plus_sign_is_not_the_additional_plan_of_that_name(service: Service) -> None:
    service.write(plan_table.map_plan, "+Bond fee", 999)
    table = service.read(plan_table.plan_table)

    assert table.plans["+Bond fee"] == 999
    assert table.additional["Bond fee"] == 172
