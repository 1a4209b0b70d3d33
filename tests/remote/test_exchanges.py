"""What was said to UTOPIA and PowerCode for an order is kept with it: enough to understand it, and never a secret."""

import base64

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select, text

from app.models import Order, OrderExchange
from app.provisioning import due_orders
from app.remote import exchanges
from tests.conftest import Service, wait_for
from tests.tools.promises import contract_of

REF = "UIA202411-001186"
PORTAL_PASSWORD = "what-they-all-get"


def said(service: Service) -> list[OrderExchange]:
    return service.rows(select(OrderExchange).order_by(OrderExchange.id))


def test_each_call_of_an_order_is_kept_with_its_step(service: Service) -> None:
    service.take()

    assert [(each.step, each.system, each.action, each.outcome) for each in said(service)] == [
        ("fetch_contract", "utopia", "contractlookup", "ok"),
        ("find_customer", "powercode", "readCustomer", "not_found"),
        *[("find_customer", "powercode", "searchCustomers", "not_found")] * 4,
        ("create_customer", "powercode", "createCustomer", "ok"),
        ("plan:163", "powercode", "addCustomerService", "ok"),
        ("plan:172", "powercode", "addCustomerService", "ok"),
        ("ticket", "powercode", "createTicket", "ok"),
        ("tag:5", "powercode", "POST customer/tags/customer", "ok"),
        ("tag:9", "powercode", "POST customer/tags/customer", "ok"),
    ]
    created = said(service)[6]
    assert '"emailAddress": "ada.lind@example.com"' in created.sent
    assert "Customer created" in created.answered


def test_a_call_that_failed_is_kept_with_the_reason(service: Service) -> None:
    service.sandbox.powercode.fault("createTicket", "no_answer")
    service.take()

    last = said(service)[-1]
    assert (last.step, last.outcome) == ("ticket", "unknown")
    assert "the connection broke" in last.answered


@pytest.mark.parametrize("password", [None, PORTAL_PASSWORD])
def test_no_secret_is_kept_and_nothing_of_it_is_logged(
    service: Service, caplog: pytest.LogCaptureFixture, password: str | None
) -> None:
    caplog.set_level("DEBUG")
    settings = service.services.settings
    key = settings.pc_api_key.get_secret_value()
    with service.changed(customer_portal_password=SecretStr(password) if password else None):
        service.take()
    (customer,) = service.sandbox.powercode.customers.values()
    secrets = [
        key,
        base64.b64encode(key.encode()).decode(),
        settings.utopia_api_key.get_secret_value(),
        customer.fields["customerPortalPassword"],
        "Basic ",
    ]

    kept = " ".join(f"{each.sent} {each.answered}" for each in said(service))

    assert [secret for secret in secrets if secret in kept] == []
    assert '"customerPortalPassword": "***"' in kept
    assert [each.sent[:60] for each in said(service) if each.sent in caplog.text or each.answered in caplog.text] == []
    assert "createCustomer" in kept


@pytest.mark.sweep
def test_an_order_that_failed_for_days_keeps_the_last_look_ups_and_every_kind_of_call(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchanges, "MOST_OF_A_CALL", 3)
    with service.changed(retry_minutes=(0.0001,)):
        service.sandbox.utopia.fault("contractlookup", "http", times=None, status=502)
        service.take()
        wait_for(lambda: tried_often(service))
        service.sandbox.utopia.clear_faults()
        service.rested(REF, "completed")

    kept = [each for each in said(service) if each.action == "contractlookup"]
    assert len(kept) == exchanges.MOST_OF_A_CALL
    assert kept[-1].outcome == "ok"


def tried_often(service: Service) -> bool:
    due_orders.wake_due_orders(service.services)
    return len(service.sandbox.utopia.calls) > exchanges.MOST_OF_A_CALL + 5


def test_what_was_said_goes_with_its_order(service: Service) -> None:
    service.take()
    service.execute(text("delete from orders"))

    assert said(service) == []


def test_what_is_asked_apart_from_an_order_is_kept_nowhere(service: Service) -> None:
    service.services.powercode.search_customers("Ada Lind")

    assert said(service) == []


@pytest.mark.long
def test_two_orders_at_once_do_not_mix_what_was_said(service: Service) -> None:
    refs = [f"UIA202411-00{number}" for number in range(2000, 2006)]
    for number, ref in enumerate(refs):
        service.order(ref, **contract_of(number))
        service.callback(ref)
    for ref in refs:
        service.rested(ref, "completed")
    with service.services.database.read() as session:
        rows = session.execute(
            select(Order.orderref, func.count())
            .join(OrderExchange, OrderExchange.order_id == Order.id)
            .where(OrderExchange.action == "contractlookup", OrderExchange.sent.contains(Order.orderref))
            .group_by(Order.orderref)
        ).all()
    assert sorted(ref for ref, _ in rows) == refs
