"""The list of all orders, filtered by words and more, page by page or as a file."""

from collections.abc import Iterator, Sequence

from flask import Blueprint, Response, current_app, redirect, render_template, request, stream_with_context, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from app.console.access import is_fragment, requires, viewer
from app.console.order_filter import Filter
from app.console.rendering import exact
from app.models import STANDING, OrderState, PlanSeen, Role, ServicePlanMapping, now
from app.provisioning import order_search
from app.provisioning.order_search import FoundOrder
from app.provisioning.problems import PROBLEMS
from app.services import services_of
from app.wording.csv_lines import BYTE_ORDER_MARK, csv_line
from app.wording.state_words import in_words

orders = Blueprint("orders", __name__, url_prefix="/console/orders")

COLUMNS = (
    "Order",
    "Person",
    "Address",
    "Plan",
    "PowerCode customer",
    "Ticket",
    "State",
    "Cause",
    "Reason",
    "Received",
    "Finished",
)


@orders.get("")
@requires(Role.READ_ONLY)
def page() -> str | Answer:
    """A page of orders. A search for an order's reference leads to its own page."""
    asked = Filter.of(request.args)
    services = services_of(current_app)
    with services.database.read() as session:
        called = order_search.order_called(session, asked.q) if _is_search(asked) else None
        found = order_search.find(session, asked.wanted(services.settings.zone), asked.page) if not called else None
        called = called or (order_search.called_among(found.orders, asked.q) if found and _is_search(asked) else None)
        if called or found is None:
            return redirect(url_for("orders.show", orderref=called), 303)
        counts = order_search.counts(session)
        return render_template(
            "console/orders/list.html",
            asked=asked,
            found=found,
            counts=counts,
            total=sum(counts.values()),
            states=[each for each in OrderState if counts.get(each) or each == asked.state],
            causes=_causes(session, asked),
            plans=_plans(session, asked),
            tickable=_tickable(found.orders),
        )


def _is_search(asked: Filter) -> bool:
    return asked.is_text_alone and not is_fragment()


def _tickable(orders: Sequence[FoundOrder]) -> Sequence[int]:
    """The ids of the orders that need somebody; empty for viewers who may not decide."""
    return [order.id for order in orders if order.state in STANDING] if viewer().may(Role.STAFF) else []


def _causes(session: Session, asked: Filter) -> Sequence[tuple[str, str]]:
    """The problems that orders stopped for: code, words, and the number of orders."""
    stopped = {**({asked.problem: 0} if asked.problem else {}), **order_search.problems(session)}
    named = [(code, f"{PROBLEMS[code].words} ({number:,})") for code, number in stopped.items() if code in PROBLEMS]
    return sorted(named, key=lambda each: each[1].casefold())


def _plans(session: Session, asked: Filter) -> Sequence[str]:
    """The plans that contracts name or that are mapped, each once."""
    seen = session.scalars(select(PlanSeen.description))
    mapped = session.scalars(select(ServicePlanMapping.description).filter_by(additional=False))
    named = {name.casefold(): name for name in [*mapped, *seen, asked.plan] if name}
    return sorted(named.values(), key=str.casefold)


@orders.get("/csv")
@requires(Role.READ_ONLY)
def as_csv() -> Response:
    """The orders of the list, all of its pages, as a file for a spreadsheet."""
    wanted = Filter.of(request.args).wanted(services_of(current_app).settings.zone)
    with services_of(current_app).database.read() as session:
        ids = order_search.all_of(session, wanted)
    answer = Response(stream_with_context(_lines(ids)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f"attachment; filename=orders-{exact(now())[:10]}.csv"
    return answer


def _lines(ids: Sequence[int]) -> Iterator[str]:
    """The file in pieces: a long one takes no memory, and no transaction is open while it is downloaded."""
    yield BYTE_ORDER_MARK + csv_line(COLUMNS)
    for first in range(0, len(ids), order_search.BATCH):
        with services_of(current_app).database.read() as session:
            batch = order_search.orders_of(session, ids[first : first + order_search.BATCH])
        yield "".join(csv_line(_cells(order)) for order in batch)


def _cells(order: FoundOrder) -> Sequence[object]:
    problem = PROBLEMS.get(order.problem or "")
    when = [exact(moment) if moment else "" for moment in (order.received_at, order.finished_at)]
    place = (order.orderref, order.person, order.address, order.plan, order.customer_id, order.ticket_id)
    return (*place, in_words(order.state), problem.words if problem else "", order.reason, *when)
