"""What the scripts that did this work before got wrong: none of it happens here.

The faults that belong to reading a callback are in test_callbacks.py.
"""

import logging
import stat
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from sqlalchemy import delete, select

from app.models import Order, OrderState, OrderStep, StepState, now
from app.observability import configure_logging
from app.provisioning import due_orders
from app.provisioning.causes.open_causes import open_causes
from sandbox import ABSENT
from sandbox.accounts import Customer
from tests.conftest import Service
from tests.tools.everyday import everyday

REF, OTHER = "UIA202411-001186", "UIA202411-001187"
OLE = {
    "firstname": "Ole",
    "lastname": "Berg",
    "email": "ole.berg@example.com",
    "phone": "4065550127",
    "siteid": "714912",
    "address": "7 EXAMPLE STREET",
}


def customers(service: Service) -> list[Customer]:
    """All customers in PowerCode."""
    return list(service.sandbox.powercode.customers.values())


def billed(service: Service) -> list[int]:
    """The services of the one customer there is."""
    (customer,) = customers(service)
    return [each.service_id for each in customer.services]


# Doubled and lost


def test_a_process_killed_while_it_created_the_customer_still_adds_the_plans(service: Service) -> None:
    service.sandbox.powercode.fault("addCustomerService", "status_code")
    service.take()
    service.worked_off()
    as_a_kill_while_creating_leaves_it(service)

    due_orders.pick_up_stranded_orders(service.services)  # unless the schedule was quicker

    service.rested(REF, "completed")
    assert billed(service) == [163, 172]
    assert len(service.notices("Account created")) == 1


def as_a_kill_while_creating_leaves_it(service: Service) -> None:
    """PowerCode made the customer, and nobody knows: the step is begun and has no outcome."""
    with service.services.database.write() as session:
        order = session.scalars(select(Order)).one()
        order.state, order.customer_id, order.updated_at = OrderState.RUNNING, None, now() - timedelta(hours=1)
        session.execute(delete(OrderStep).where(OrderStep.name.startswith("plan:")))
        creating = session.scalars(select(OrderStep).filter_by(name="create_customer")).one()
        creating.state, creating.result, creating.finished_at = StepState.RUNNING, None, None


def test_a_refused_plan_is_never_announced_as_created(service: Service) -> None:
    service.sandbox.powercode.fault("addCustomerService", "status_code", message="The plan is retired")

    assert service.take()["state"] == "needs_review"

    (mail,) = service.notices()
    assert "Needs you" in mail["Subject"]
    assert "The plan is retired" in mail.text


@pytest.mark.sweep
def test_sixty_failing_orders_at_once_are_all_kept(service: Service) -> None:
    orderrefs = [f"UIA202411-{number:06}" for number in range(60)]
    for orderref in orderrefs:
        service.order(orderref, plan="10 Gbps")

    def callback(orderref: str) -> int:
        body = {"event": "Project Update", "orderref": orderref, "msg": "Project New Order"}
        return service.app.test_client().post("/api-callback", json=body).status_code

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(callback, orderrefs)) == [200] * 60

    assert {service.rested(orderref)["state"] for orderref in orderrefs} == {"needs_review"}
    assert [cause.count for cause in service.read(open_causes)] == [60]
    assert service.notices("Needs you")


@pytest.mark.parametrize("answer", everyday("empty_list", "no_list", "status_code"))
def test_a_search_without_a_hit_loses_no_order_however_it_is_answered(
    service: Service, answer: Literal["empty_list", "no_list", "status_code"]
) -> None:
    service.sandbox.powercode.search_without_hit = answer
    try:
        assert service.take()["state"] == "completed"
    finally:
        service.sandbox.powercode.search_without_hit = "empty_list"


@pytest.mark.parametrize("terms", everyday(None, ABSENT, []), ids=["null", "absent", "a list"])
def test_a_contract_without_the_terms_agreement_loses_no_order(service: Service, terms: Any) -> None:
    assert service.take(termsagreement=terms)["state"] == "completed"

    (customer,) = customers(service)
    assert customer.fields["customerNotes"].splitlines() == [f"Order# {REF}", "Utopia SiteID: 714780"]


# Wrongly billed


def test_2_gbps_is_not_billed_as_250_mbps(service: Service) -> None:
    assert service.take(plan="2 Gbps")["state"] == "needs_review"
    assert customers(service) == []


@pytest.mark.parametrize("spelling", everyday(" 1  GBPS", "1 gbps", "1 Gbps ", "1Gbps"))
def test_1_gbps_is_billed_as_1_gbps_however_it_is_written(service: Service, spelling: str) -> None:
    service.take(plan=spelling)

    assert billed(service) == [164, 172]


def test_an_order_that_begins_with_a_one_time_fee_is_billed_its_plan(service: Service) -> None:
    service.take(items=[{"chargetype": "nrc", "description": "Installation"}, {"description": "1 Gbps"}])

    assert billed(service) == [164, 172]


def test_a_quantity_of_five_is_billed_once(service: Service) -> None:
    service.take(items=[{"description": "1 Gbps", "qty": "5"}])

    (customer,) = customers(service)
    assert [(each.service_id, each.quantity) for each in customer.services] == [(164, 1), (172, 1)]


# Misread


@pytest.mark.parametrize("as_strings", [True, False])
def test_statuscode_23_is_understood_as_a_number_and_as_a_string(service: Service, as_strings: bool) -> None:
    service.sandbox.powercode.ids_as_strings = as_strings
    try:
        assert service.take(address="7 NEW STREET")["state"] == "completed"
    finally:
        service.sandbox.powercode.ids_as_strings = None
    assert billed(service) == [163, 172]


def test_the_same_name_in_two_apartments_is_two_customers(service: Service) -> None:
    for orderref, unit in ((REF, "4"), (OTHER, "5")):
        assert service.take(orderref, apt=unit, siteid=f"71478{unit}")["state"] == "completed"

    assert [each.fields["physicalStreet"] for each in customers(service)] == [
        "12 N EXAMPLE AVENUE APT 4",
        "12 N EXAMPLE AVENUE APT 5",
    ]


def test_the_same_person_in_another_letter_case_is_one_customer(service: Service) -> None:
    service.take(REF)

    assert service.take(OTHER, firstname="ADA", lastname="lind", address="12 n example avenue")["state"] == "exists"
    assert len(customers(service)) == 1


def test_markup_in_a_name_reaches_the_customers_ticket_as_text(service: Service) -> None:
    service.take(firstname="<script>alert(1)</script>Ada")

    (customer,) = customers(service)
    description = customer.tickets[0].fields["description"]
    assert "<script" not in description
    assert "&lt;script&gt;" in description


def test_every_placeholder_of_the_ticket_is_filled(service: Service, tmp_path: Path) -> None:
    (tmp_path / "new_desc.txt").write_text("{first_name} {plan} {orderref} {full_address} {customer_id}")
    with service.changed(ticket_template_dir=tmp_path):
        service.take()

    (customer,) = customers(service)
    assert customer.tickets[0].fields["description"] == (
        f"<p>Ada 250 Mbps {REF} 12 N EXAMPLE AVENUE, Bozeman, MT 59715 {customer.customer_id}</p>"
    )


# Held up


@pytest.mark.long
def test_a_slow_mail_server_holds_up_neither_callback_nor_account(service: Service) -> None:
    service.sandbox.mailbox.latency = 3

    assert service.take()["state"] == "completed"
    assert service.callback(REF).status_code == 200

    assert service.sandbox.mailbox.messages == []
    assert len(service.notices("Account created")) == 1


# Readable by everybody


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    """A log that is written as the service writes it, at its most talkative."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook, threading.excepthook
    path = tmp_path / "api_class.log"
    configure_logging(log_file=path, level="DEBUG", format="text", secrets=["utopia-0001", "powercode-0001"])
    yield path
    for handler in [each for each in root.handlers if each not in before[0]]:
        root.removeHandler(handler)
        handler.close()
    root.handlers[:], level, sys.excepthook, threading.excepthook = before
    root.setLevel(level)
    logging.captureWarnings(False)


def test_the_log_follows_an_order_without_names_phones_addresses_or_secrets(service: Service, log_file: Path) -> None:
    powercode = service.sandbox.powercode
    powercode.fault("createCustomer", "status_code", message="Ada Lind, 12 N EXAMPLE AVENUE: 4065550143 is taken")
    powercode.fault("createTicket", "garbage")
    service.take(REF)
    service.take(OTHER, **OLE)
    service.mail_settled()

    log = log_file.read_text()
    (customer,) = customers(service)
    assert [line for line in log.splitlines() if REF in line and "needs_review" in line]
    assert [line for line in log.splitlines() if OTHER in line]
    private = ["Ada", "Lind", "EXAMPLE", "4065550143", "Ole", "Berg", "ole.berg", "4065550127", "office@example.com"]
    secret = ["utopia-0001", "powercode-0001", customer.fields["customerPortalPassword"]]
    assert [word for word in private + secret if word in log] == []


@pytest.mark.sqlite
def test_the_log_and_the_database_are_not_readable_by_everybody(service: Service, log_file: Path) -> None:
    service.take()

    for path in (log_file, service.services.database.path):
        assert not stat.S_IMODE(path.stat().st_mode) & stat.S_IRWXO
