"""Orders in a database, and which of them a search finds."""

from typing import Any

from sqlalchemy import delete

from app.models import Order, OrderSearch
from app.provisioning import order_search, order_search_rows
from app.storage.database import Database
from utopia import Address, Contract, OrderItem, Person


def empty(database: Database) -> None:
    with database.write() as session:
        session.execute(delete(Order))
        session.execute(delete(OrderSearch))


def an_order(database: Database, orderref: str, *, kept: bool = True, state: str = "completed", **values: Any) -> int:
    person = {name: values.pop(name) for name in ("first_name", "last_name", "email", "phone") if name in values}
    place = {
        name.removesuffix("_code"): values.pop(name)
        for name in ("street", "unit", "city", "state_code", "zip")
        if name in values
    }
    item = OrderItem(charge_type="mrc", description=values.pop("plan", "250 Mbps"))
    contract = Contract(customer=Person(**person), address=Address(**place), items=(item,))
    with database.write() as session:
        order = Order(orderref=orderref, state=state, contract=contract.to_dict(), **values)
        session.add(order)
        session.flush()
        if kept:
            order_search_rows.keep(session, order)
        elif state == "received":
            order_search_rows.keep_references(session.connection(), {orderref: order.id})
        return order.id


def found(database: Database, text: str = "", state: str | None = None, **wanted: Any) -> list[str]:
    with database.read() as session:
        page = order_search.find(session, order_search.Wanted(text, state, **wanted))
        return [each.orderref for each in page.orders]
