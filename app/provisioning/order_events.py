"""The events that tell other programs how an order ended. They hold its reference and customer number, and no names."""

from sqlalchemy.orm import Session

from app.models import EventKind, Order
from app.outgoing import events
from app.provisioning.order_facts import customer_page_of, order_page_of
from app.services import Services
from app.wording.json_fields import json_fields


def tell(services: Services, session: Session, kind: EventKind, order: Order) -> None:
    """Record the event in the caller's transaction: one for each time that it happens."""
    settings, customer_id = services.settings, order.customer_id
    links = {"order": order_page_of(settings, order.orderref)}
    if customer_id:
        links["customer"] = customer_page_of(settings, customer_id)
    events.record(
        services,
        session,
        kind,
        f"{order.orderref}:{order.run}",
        order,
        **json_fields(order, "orderref", "state", "problem", "customer_id", "ticket_id"),
        links=links,
    )
