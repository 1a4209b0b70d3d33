"""Orders whose system is down: several at a time, and how a test sends and watches them."""

from sqlalchemy import update

from app.models import Order, OrderState, RemoteSystem, now
from app.provisioning import due_orders
from tests.conftest import Service

REF = "UIA202411-001186"
ONE_DAY = (24 * 60,)
"""As the minutes until the next try: within a test nobody tries again by themselves."""


def several_orders(service: Service, number: int) -> list[str]:
    """Orders of different people at different sites, put into UTOPIA."""
    return [
        service.order(f"{REF}{letter}", siteid=f"7148{letter}", firstname=f"Ada{letter}", address=f"{letter} LAKE ROAD")
        for letter in [str(each) for each in range(1, number + 1)]
    ]


def send(service: Service, orderrefs: list[str]) -> None:
    """The callbacks of these orders."""
    for orderref in orderrefs:
        assert service.callback(orderref).status_code == 200


def all_are(service: Service, orderrefs: list[str], state: str) -> None:
    """Wait until each of the orders is in the state."""
    for orderref in orderrefs:
        service.rested(orderref, state)


def the_time_has_come(service: Service) -> None:
    """Make everybody's next try due."""
    service.execute(update(RemoteSystem).values(next_probe_at=now()))
    service.execute(update(Order).where(Order.state == OrderState.WAITING).values(next_try_at=now()))
    due_orders.wake_due_orders(service.services)
