"""Orders in every situation in which a person looks at one, with hostile values where they come from outside."""

from collections.abc import Mapping

from sqlalchemy import func, select

from app.models import Order, OrderExchange, OrderState
from tests.conftest import Service

HOSTILE = "<script>alert(1)</script>"


def apart(number: int, **other: str) -> dict[str, str]:
    """A household of its own, so that orders made side by side don't meet; `number` has three digits."""
    place = {"siteid": f"910{number}", "address": f"{number} APART STREET"}
    return {**place, "email": f"c{number}@example.com", "phone": f"4065550{number}", **other}


def settled_as(service: Service, orderref: str, state: str, **contract: str) -> str:
    """Take the order, and see that it stands where the page needs it."""
    service.order(orderref, **contract)
    assert service.callback(orderref).status_code == 200
    service.rested(orderref, state)
    return orderref


def in_doubt(service: Service) -> Mapping[str, str]:
    """An order of which nobody knows whether its ticket was created."""
    service.sandbox.powercode.fault("createTicket", "garbage")
    orderref = settled_as(service, "UIA202412-000101", OrderState.NEEDS_REVIEW, **apart(101, firstname=HOSTILE))
    return {"doubtful": orderref}


def of_somebody_known(service: Service) -> Mapping[str, str]:
    """An order of a customer who has an account at the address."""
    home = apart(102, firstname=HOSTILE)
    known = service.sandbox.powercode.add_customer(
        firstName=HOSTILE, lastName="Lind", physicalStreet=home["address"], emailAddress=f"{HOSTILE}@example.com"
    )
    orderref = settled_as(service, "UIA202412-000102", OrderState.EXISTS, **home)
    return {"known": orderref, "customer": str(known.customer_id)}


def of_somebody_alike(service: Service) -> Mapping[str, str]:
    """An order of somebody whose name differs by a letter from a customer's."""
    home = apart(103)
    service.sandbox.powercode.add_customer(firstName="Ada", lastName="Lindt", physicalStreet=home["address"])
    return {"alike": settled_as(service, "UIA202412-000103", OrderState.NEEDS_REVIEW, **home)}


def waiting(service: Service) -> Mapping[str, str]:
    """An order that waits for PowerCode, for a long time."""
    with service.changed(retry_minutes=(600,)):
        service.sandbox.powercode.fault("searchCustomers", "http", times=None, status=429, retry_after="36000")
        orderref = settled_as(service, "UIA202412-000104", OrderState.WAITING, **apart(104))
        service.sandbox.powercode.clear_faults()
    return {"waiting": orderref}


def with_exchanges(service: Service) -> Mapping[str, str]:
    """A finished order, and the number of the exchange that created its customer."""
    orderref = settled_as(service, "UIA202412-000105", OrderState.COMPLETED, **apart(105, firstname=HOSTILE))
    ours = (Order.orderref == orderref, OrderExchange.order_id == Order.id, OrderExchange.action == "createCustomer")
    return {"finished": orderref, "exchange": str(service.scalar(select(func.max(OrderExchange.id)).where(*ours)))}
