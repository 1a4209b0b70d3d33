"""An order's page and the list of orders, as tests look at them."""

from sqlalchemy import insert

from app.models import Order
from app.provisioning import order_search_rows
from tests.conftest import Service

REF = "UIA202411-001186"
PAGE = f"/console/orders/{REF}"


def many(service: Service, count: int, state: str = "completed") -> None:
    rows = [{"orderref": f"UIA-{number:04}", "state": state} for number in range(count)]
    service.execute(insert(Order), rows)
    order_search_rows.backfill(service.services.database)
