"""Customers whom orders made, and what is known of them here and in PowerCode."""

from datetime import timedelta

from sqlalchemy import update

from app.aftercare import customer_statuses
from app.models import Order, OrderState, now
from tests.conftest import Service

REF = "UIA202411-001186"


def made(service: Service, status: str = "Not Active", orderref: str = REF) -> str:
    """A customer whom an order made an hour ago, read once; their number."""
    service.sandbox.powercode.status_when_made = status
    order = service.take(orderref)
    service.execute(update(Order).values(finished_at=now() - timedelta(hours=2)))
    read(service)
    return str(order["customer_id"])


def read(service: Service) -> int:
    """Everybody whose time has come is read."""
    customer_statuses.take_up(service.services)
    return customer_statuses.read_due(service.services)


def listed(service: Service) -> list[tuple[str, str, str]]:
    """Who is not active yet: order, status and router."""
    return [
        (one.order.orderref, one.status.status, one.status.router) for one in service.read(customer_statuses.inactive)
    ]


def people(service: Service, count: int) -> None:
    """So many customers of completed orders who are not active."""
    long_ago = now() - timedelta(days=2)
    with service.services.database.write() as session:
        for number in range(count):
            made_by = {"state": OrderState.COMPLETED, "customer_id": str(1001 + number), "finished_at": long_ago}
            session.add(Order(orderref=f"UIA-{number}", site_id="1", **made_by))
    for _ in range(count):
        service.sandbox.powercode.add_customer(status="Not Active")
