"""Orders that grew old: pruned as they will be, and what is left of them."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.models import Callback, Notice, NoticeDelivery, Order, OrderExchange, OrderStep, now
from app.provisioning import review
from app.safekeeping import pruning
from tests.conftest import Service
from tests.safekeeping.erased_orders import settled
from tests.tools.callback_requests import count
from tests.tools.command_runs import ORDER

DETAILS = (OrderExchange, OrderStep, Callback, Notice, NoticeDelivery)
KEPT = 400
NEIGHBOUR = {"siteid": "7", "firstname": "Ole", "email": "ole@example.com", "phone": "4065550127"}


def in_days(days: float) -> datetime:
    return now() + timedelta(days=days)


def prune(service: Service, days: float = KEPT + 1) -> None:
    """As it will be done in so many days, once nothing is on its way any more."""
    settled(service)
    pruning.prune(service.services, in_days(days), pause=0)


def left(service: Service) -> dict[str, int]:
    return {model.__name__: count(service, model) for model in DETAILS}


def row(service: Service, orderref: str = ORDER) -> Order:
    return service.one(select(Order).filter_by(orderref=orderref))


def resume(service: Service, orderref: str = ORDER, **decision: Any) -> dict[str, Any]:
    service.act(review.resume, orderref, "alice", **decision)
    return service.rested(orderref)


def exists(service: Service) -> str:
    """An order of somebody who has an account at the address; that account's number."""
    known = service.knows_ada(extAccountID="714780")
    assert service.take()["state"] == "exists"
    return str(known.customer_id)


def plans_in_powercode(service: Service) -> list[list[str]]:
    customers = service.sandbox.powercode.customers.values()
    return [sorted(str(one.service_id) for one in customer.services) for customer in customers]
