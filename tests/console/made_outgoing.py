"""Events that went out, for the tests that look at pages."""

from collections.abc import Mapping

from app.models import EventKind, Order, OrderState, Outgoing, OutgoingState, now
from app.outgoing import events
from tests.conftest import Service

FAULT = "the receiver answered HTTP 500"


def events_that_went_out(service: Service) -> Mapping[str, str]:
    """One of each state."""
    with service.services.database.write() as session:
        order = Order(orderref="UIA202411-000690", state=OrderState.NOT_OURS, finished_at=now())
        session.add(order)
        session.flush()
        for number, state in enumerate(OutgoingState):
            row = {"channel": events.CHANNEL, "key": f"page-{number}", "message_id": f"msg_{number}", "state": state}
            kind, error = EventKind.ORDER_COMPLETED, FAULT if state != OutgoingState.SENT else None
            session.add(Outgoing(**row, kind=kind, order_id=order.id, tries=number + 1, error=error))
    return {}
