"""All orders: those of a state, those that match some words, the newest first."""

from flask import Blueprint, current_app, render_template, request

from app.console.access import requires
from app.models import OrderState, Role
from app.provisioning import search
from app.services import services_of

orders = Blueprint("orders", __name__, url_prefix="/console/orders")

LONGEST_NUMBER = 15


@orders.get("")
@requires(Role.READ_ONLY)
def page() -> str:
    """A page of orders."""
    text = request.args.get("q", "").strip()[: search.LONGEST_TEXT]
    state = next((each for each in OrderState if each == request.args.get("state")), None)
    with services_of(current_app).database.read() as session:
        found = search.find(session, text, state, before=_number("before"), after=_number("after"))
        counts = search.counts(session)
    return render_template(
        "console/orders/list.html",
        found=found,
        counts=counts,
        total=sum(counts.values()),
        states=[each for each in OrderState if counts.get(each) or each == state],
        text=text,
        state=state,
    )


def _number(name: str) -> int | None:
    given = request.args.get(name, "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= LONGEST_NUMBER else None
