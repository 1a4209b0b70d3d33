"""The writes that make an account, how one of them is spoilt, and what the order comes to then."""

from typing import Any

from app.provisioning import due_orders
from sandbox.accounts import Customer
from tests.conftest import Service, wait_for

REF = "UIA202411-001186"
SECOND_PLAN = 172

WRITES = {
    "createCustomer": ("createCustomer", 1),
    "the first addCustomerService": ("addCustomerService", 1),
    "the second addCustomerService": ("addCustomerService", 2),
    "createTicket": ("createTicket", 1),
    "the first tag": ("POST customer/tags/customer", 1),
}
"""PowerCode's action, and which call of it."""

FIRST_PLAN = "the first addCustomerService"


def spoil(service: Service, write: str, kind: str, **args: Any) -> None:
    """Let one of the writes meet a fault."""
    action, which = WRITES[write]
    if which > 1:
        service.sandbox.powercode.fault(action, "slow", times=which - 1, seconds=0)
    service.sandbox.powercode.fault(action, kind, **args)


def ended(service: Service, *states: str) -> dict[str, Any]:
    """The order once it needs nobody's patience any more (or is in one of `states`)."""
    wanted = states or ("completed", "needs_review", "exists")

    def look() -> bool:
        due_orders.wake_due_orders(service.services)
        return service.state(REF) in wanted

    wait_for(look)
    return service.show(REF)


def the_customer(service: Service) -> Customer:
    """The one customer there is."""
    (customer,) = service.sandbox.powercode.customers.values()
    return customer


def everything_once(service: Service) -> bool:
    """Whether the account is whole, and nothing in it double."""
    customer = the_customer(service)
    return (
        [each.service_id for each in customer.services] == [163, SECOND_PLAN]
        and len(customer.tickets) == 1
        and customer.tags == [5, 9]
    )


def a_person_looks(service: Service, write: str) -> dict[str, bool]:
    """The honest answer to the question whether the write is there."""
    wait_for(lambda: all(call.ended for call in service.sandbox.powercode.calls if call.fault != "stall"))
    customer = the_customer(service)
    added = [each.service_id for each in customer.services]
    there = {
        "the first addCustomerService": 163 in added,
        "the second addCustomerService": SECOND_PLAN in added,
        "createTicket": bool(customer.tickets),
    }
    return {"it_is_there" if there[write] else "it_is_not_there": True}
