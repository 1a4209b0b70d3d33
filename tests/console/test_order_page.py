"""An order's page: its story, its contract, and whatever a customer is called."""

import re
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import event, select, update

from app.lookups.remote_requests import a_turn
from app.models import Callback, Order, OrderExchange, OrderState
from app.provisioning import timeline
from tests.conftest import Service, wait_for
from tests.console.decision_buttons import run_of
from tests.console.order_pages import PAGE, REF, many
from tests.console.pages import HOSTILE
from tests.console.persons import Person
from tests.tools.everyday import everyday

# An order


def test_a_finished_order_tells_its_story(service: Service, as_read_only: Person) -> None:
    service.take()
    service.mail_settled()

    page = as_read_only.get(PAGE).text

    titles = re.findall(r"<div><strong>([^<]*)</strong>", page)
    assert titles == [
        "Callback: Project New Order",
        "Fetch the contract from UTOPIA",
        "Check the contract",
        "Go on to PowerCode",
        "Look for the customer in PowerCode",
        "Create the customer in PowerCode",
        "Add the plan 250 Mbps (163)",
        "Add the plan Bond fee (172)",
        "Create the welcome ticket",
        "Add the tag 5",
        "Add the tag 9",
        "Complete the order",
        "Mail to staff: account created",
    ]
    assert "PowerCode, create the customer: answered" in page
    assert "&#34;emailAddress&#34;: &#34;ada.lind@example.com&#34;" in page
    assert "&#34;customerPortalPassword&#34;: &#34;***&#34;" in page
    assert f'href="{service.services.settings.powercode_server}/index.php?q&amp;page=' in page
    assert "What you can do" not in page
    assert "hx-get" not in page


def test_an_order_by_hand_and_its_corrections_are_told(service: Service, as_read_only: Person) -> None:
    service.take()
    service.execute(update(Order).values(corrections={"first_name": "Grace", "unit": "APT 9"}))

    page = as_read_only.get(PAGE).text

    assert "Corrected here" in page
    assert "UTOPIA: Ada" in page
    assert "APT 9" in page


def test_an_order_under_way_loads_its_story_anew_and_one_that_rests_does_not(
    service: Service, as_read_only: Person
) -> None:
    with service.changed(retry_minutes=(600,)):
        service.sandbox.powercode.down()
        service.take()
        service.sandbox.powercode.up()
    page = as_read_only.get(PAGE).text
    assert f'hx-get="{PAGE}/story?shown=waiting" hx-trigger="every 10s" hx-swap="outerMorph"' in page
    story = as_read_only.get(f"{PAGE}/story?shown=waiting", headers={"HX-Request": "true"})
    assert "<form" not in story.text
    assert 'id="status" class="status" hx-swap-oob="true"' in story.text

    service.execute(update(Order).values(state=OrderState.COMPLETED))
    story = as_read_only.get(f"{PAGE}/story?shown=waiting", headers={"HX-Request": "true"})

    assert "The order has moved on" in story.text
    assert "hx-get" not in story.text
    assert 'hx-select="#order"' in as_read_only.get(f"{PAGE}/story?shown=running").text


def test_a_page_of_an_order_that_failed_for_days_stays_small(service: Service, as_read_only: Person) -> None:
    service.take()
    with service.services.database.write() as session:
        order = session.scalars(select(Order)).one()
        for number in range(60):
            session.add(
                OrderExchange(
                    order_id=order.id,
                    step="ticket",
                    system="powercode",
                    action=f"createTicket{number}",
                    outcome="unknown",
                    seconds=1.0,
                    sent='"<' * 2000,
                    answered='"<' * 2000,
                )
            )
        for _ in range(200):
            session.add(Callback(outcome="repeat", status=200, orderref=REF, body="", msg="Project New Order"))

    page = as_read_only.get(PAGE).text

    assert len(page.encode()) < 65_000
    assert "201 callbacks came" in page
    links = re.findall(rf'href="({PAGE}/exchanges/\d+)">', page)
    assert any("&#34;&lt;&#34;&lt;" in as_read_only.get(link).text for link in links[-10:])


def test_an_exchange_of_another_order_is_not_shown(service: Service, as_read_only: Person) -> None:
    service.take()
    service.take("UIA-2", siteid="7", firstname="Ole", email="ole@example.com", phone="4065550127")

    of_the_first = select(OrderExchange.id).join(Order, Order.id == OrderExchange.order_id).where(Order.orderref == REF)
    number = service.scalar(of_the_first.limit(1))
    assert as_read_only.get(f"{PAGE}/exchanges/{number}").status_code == 200
    assert as_read_only.get(f"/console/orders/UIA-2/exchanges/{number}").status_code == 404
    assert as_read_only.get(f"{PAGE}/exchanges/999999").status_code == 404


@pytest.mark.parametrize("path", ["", "/story", "/contract", "/customer?customer_id=1", "/exchanges/1"])
def test_an_order_that_does_not_exist_is_told(as_staff: Person, path: str) -> None:
    answer = as_staff.get(f"/console/orders/UIA-NONE{path}")

    assert answer.status_code == 404 or "There is no such" in answer.text


@pytest.mark.parametrize("orderref", everyday("A.B.c:d_e-1", "1-contract", "story.2"))
def test_an_order_with_an_odd_reference_has_its_page_and_actions(
    service: Service, as_staff: Person, orderref: str
) -> None:
    service.take(orderref, plan="10 Gbps")
    link = re.search(r'<th scope="row">.*?<a href="([^"]*)"', as_staff.get("/console/orders").text)
    assert link

    assert f"Order {orderref}" in as_staff.get(link[1]).text
    assert as_staff.post(f"{link[1]}/dismiss", {"run": run_of(service, orderref), "note": "odd"}).status_code == 303
    assert service.state(orderref) == "dismissed"


def test_a_contract_that_is_too_large_for_a_mail_is_downloaded_whole(service: Service, as_read_only: Person) -> None:
    service.take(REF)
    pdf = b"%PDF-1.4\n" + bytes(11_000_000)
    service.sandbox.utopia.set_contract_ready(REF, pdf=pdf)

    answer = as_read_only.get(f"{PAGE}/contract")

    assert answer.data == pdf
    assert (answer.mimetype, answer.content_length) == ("application/pdf", len(pdf))
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == f"attachment; filename=contract-{REF}.pdf"


def test_a_contract_above_what_is_fetched_is_told_as_that(service: Service, as_read_only: Person) -> None:
    service.take(REF)
    service.sandbox.utopia.set_contract_ready(REF, pdf=b"%PDF-1.4\n" + bytes(33 * 1024 * 1024))

    page = as_read_only.get(f"{PAGE}/contract", follow_redirects=True).get_data(as_text=True)

    assert "The contract is too large to be fetched here. Get it from UTOPIA" in page


def test_every_state_has_a_page(service: Service, as_staff: Person) -> None:
    many(service, 1, OrderState.RECEIVED)
    for state in OrderState:
        service.execute(update(Order).values(state=state))
        answer = as_staff.get("/console/orders/UIA-0000")

        assert answer.status_code == 200, state
        assert as_staff.get(f"/console/orders?state={state}").text.count("UIA-0000") >= 1, state


def test_an_order_is_titled_with_its_person_who_can_be_called_and_written_to(
    service: Service, as_read_only: Person
) -> None:
    service.take(phone="(406) 555-0127", email="ada@example.com")

    page = as_read_only.get(PAGE).text

    assert f"<title>Order {REF}, Ada Lind – Fiber orders</title>" in page
    assert '<a href="tel:+14065550127" data-copy>(406) 555-0127</a>' in page
    assert '<a href="mailto:ada%40example.com" data-copy>ada@example.com</a>' in page


def test_a_step_that_ended_in_a_question_was_refused_by_nobody(service: Service, as_read_only: Person) -> None:
    service.take(plan="10 Gbps")
    service.sandbox.powercode.fault("createCustomer", "status_code", message="Invalid emailAddress")
    service.take("UIA-2", siteid="7", firstname="Ole", email="ole@example.com", phone="4065550127")

    asked, refused = as_read_only.get(PAGE).text, as_read_only.get("/console/orders/UIA-2").text

    assert 'Check the contract</strong> <span class="state state-stopped">stopped here</span>' in asked
    assert "state-refused" not in asked
    assert 'Create the customer in PowerCode</strong> <span class="state state-refused">refused</span>' in refused


# The contract


@pytest.mark.long
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"kind": "ready"}, "does not have the contract ready yet"),
        ({"kind": "http", "status": 502}, "UTOPIA gave no usable answer"),
        ({"kind": "garbage"}, "UTOPIA gave no usable answer"),
        ({"kind": "down"}, "UTOPIA can't be reached"),
    ],
)
def test_a_contract_that_can_not_be_fetched_is_told_in_a_sentence(
    service: Service, as_read_only: Person, fault: Mapping[str, Any], told: str
) -> None:
    service.take()
    wait_for(lambda: len(service.notices()) == 1)
    utopia, arguments = service.sandbox.utopia, dict(fault)
    kind = arguments.pop("kind")
    if kind == "ready":
        utopia.set_contract_ready(REF, False)
    elif kind == "down":
        utopia.down()
    else:
        utopia.fault("contractdownload", kind, **arguments)
    try:
        answer = as_read_only.get(f"{PAGE}/contract", follow_redirects=True)
    finally:
        utopia.up()

    assert told in answer.text.replace("&#39;", "'")
    assert f"Order {REF}" in answer.text


# What comes from outside


def test_whatever_a_customer_is_called_the_pages_show_it_as_text(service: Service, as_staff: Person) -> None:
    service.sandbox.powercode.add_customer(firstName=HOSTILE, lastName="Lind", physicalStreet=HOSTILE)
    service.take(
        firstname=HOSTILE,
        lastname="javascript:alert(1)",
        address=f"1 {HOSTILE} ST\r\nX-Header: 1",
        plan=f"{HOSTILE} Gbps",
        city="x" * 10_000,
    )
    pages = [
        "/console/orders",
        f"/console/orders?q={HOSTILE}",
        f"/console/orders?q=%3Cb%3E&state={HOSTILE}",
        PAGE,
        f"{PAGE}/story?shown={HOSTILE}",
        f"{PAGE}/customer?customer_id=1001",
        f"{PAGE}/exchanges/1",
        f"{PAGE}/customer?customer_id={HOSTILE}",
    ]
    for path in pages:
        page = as_staff.get(path).text
        assert "<script>alert" not in page, path
        assert 'href="javascript:' not in page, path
        assert len(page) < 60_000, path


def test_the_pages_cost_few_questions_to_the_database(service: Service, as_read_only: Person) -> None:
    many(service, 60)
    asked: list[str] = []
    here = threading.get_ident()

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if threading.get_ident() == here:  # the service's own threads ask meanwhile
            asked.append(statement)

    engine = service.services.database.engine
    as_read_only.get("/console/orders")
    event.listen(engine, "before_cursor_execute", hear)
    try:
        as_read_only.get("/console/orders?q=uia")
    finally:
        event.remove(engine, "before_cursor_execute", hear)
    assert len([statement for statement in asked if statement.startswith("SELECT")]) <= 10


def test_half_a_character_in_an_answer_is_shown_and_does_not_break_the_page() -> None:
    shown = timeline.readable('200 Notice: x {"name": "Ole \\ud83d"}')

    assert shown.encode().decode() == '200 Notice: x\n{\n "name": "Ole ?"\n}'


def test_a_contract_is_not_asked_for_while_too_many_questions_are_under_way(
    service: Service, as_read_only: Person
) -> None:
    service.take()
    service.mail_settled()
    calls = len(service.sandbox.utopia.calls)
    with a_turn(), a_turn(), a_turn():
        answer = as_read_only.get(f"{PAGE}/contract", follow_redirects=True)

    assert "Other questions are still waiting" in answer.text
    assert len(service.sandbox.utopia.calls) == calls
