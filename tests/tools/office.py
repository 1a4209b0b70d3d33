"""The office staff of a test: they look at orders, and answer what the service asks, after a look at PowerCode."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from app import create_app
from app.models import ACTIVE_STATES, Notice, NoticeState, Order, OrderStep
from app.provisioning import order_json, review
from app.services import Services
from config import Settings
from tests.tools.processes import until
from tests.tools.promises import broken, customers_of

Json = Mapping[str, Any]
AT_REST = ("completed", "needs_review", "exists", "not_ours", "dismissed")


def _unsent(order: Json) -> bool:
    return any(notice["state"] == NoticeState.PENDING for notice in order["notices"])


class Office:
    """Works on the service's database, and sees PowerCode through `look`, which returns `sandbox.state.state_of`."""

    def __init__(self, settings: Settings, look: Callable[[], Json]) -> None:
        self._services: Services = create_app(settings).extensions["services"]
        self._look = look

    def close(self) -> None:
        """Let go of the database."""
        self._services.database.dispose()

    def orders(self, orderrefs: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """All orders, or those of `orderrefs`, as `orders show --json` prints them."""
        query = select(Order).order_by(Order.id)
        if orderrefs is not None:
            query = query.where(Order.orderref.in_(orderrefs))
        with self._services.database.read() as session:
            return [order_json.whole(session, order) for order in session.scalars(query)]

    def rested(self, orderrefs: Sequence[str], seconds: float = 60.0) -> list[dict[str, Any]]:
        """The orders once none of them goes on by itself, and every notice about them is sent."""
        try:
            until(lambda: self._all_rest(orderrefs) and self._all_sent(), seconds)
        except AssertionError:
            going = [order for order in self.orders(orderrefs) if order["state"] not in AT_REST or _unsent(order)]
            raise AssertionError(f"still going on: {going}") from None
        return self.orders(orderrefs)

    def going(self) -> dict[str, tuple[Any, ...]]:
        """What goes on by itself, orders by their reference and notices by their key, and how far it has come."""
        steps = select(OrderStep.order_id, func.sum(OrderStep.attempts).label("tries"), func.count().label("steps"))
        by_order = steps.group_by(OrderStep.order_id).subquery()
        orders = select(
            Order.orderref,
            Order.state,
            Order.run,
            Order.waiting_for,
            Order.updated_at,
            by_order.c.tries,
            by_order.c.steps,
        )
        active = orders.outerjoin(by_order, by_order.c.order_id == Order.id).where(Order.state.in_(ACTIVE_STATES))
        notices = select(Notice.key, Notice.run, Notice.tries, Notice.claimed_by, Notice.next_try_at)
        pending = notices.where(Notice.state == NoticeState.PENDING)
        with self._services.database.read() as session:
            return {row[0]: tuple(row[1:]) for query in (active, pending) for row in session.execute(query)}

    def answer(self, orders: Sequence[Json]) -> list[Json]:
        """Answer whether each step in doubt had its effect, by what PowerCode holds; the orders where that is asked."""
        asked = [order for order in orders if order["problem"] == "outcome_unknown"]
        state = self._look() if asked else {}
        for order in asked:
            self._answer(order, state)
        return asked

    def _answer(self, order: Json, state: Json) -> None:
        (customer,) = customers_of(state, order["orderref"])
        (step,) = (step["name"] for step in order["steps"] if step["state"] in ("unknown", "running"))
        if step == "ticket":
            there = bool(customer["tickets"])
        else:
            there = step.removeprefix("plan:") in {str(service["service_id"]) for service in customer["services"]}
        answer: dict[str, Any] = {"it_is_there": True} if there else {"it_is_not_there": True}
        with self._services.database.write() as session:
            review.resume(self._services, session, order["orderref"], "office", **answer)

    def completed(self, orderrefs: Sequence[str], seconds: float = 60.0) -> list[dict[str, Any]]:
        """The orders once they rest and nothing is asked of the office any more."""
        while True:
            orders = self.rested(orderrefs, seconds)
            if not self.answer(orders):
                return orders

    def check_completed(self, orderrefs: Sequence[str]) -> None:
        """With the office's answers, each order is an account, once and whole, and everybody was told of it."""
        orders = self.completed(orderrefs)
        assert [order["state"] for order in orders] == ["completed"] * len(orderrefs)
        assert broken(self._look(), orders) == []

    def _all_rest(self, orderrefs: Sequence[str]) -> bool:
        with self._services.database.read() as session:
            states = session.scalars(select(Order.state).where(Order.orderref.in_(orderrefs))).all()
        return len(states) == len(orderrefs) and all(state in AT_REST for state in states)

    def _all_sent(self) -> bool:
        with self._services.database.read() as session:
            return session.scalar(select(Notice.id).where(Notice.state == NoticeState.PENDING).limit(1)) is None
