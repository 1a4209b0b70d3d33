"""All orders: those of a state, those that match some words, the newest first."""

from flask import Blueprint, current_app, render_template, request

from app.console.access import requires
from app.console.url_ids import id_in
from app.models import OrderState, Role
from app.provisioning import search
from app.services import services_of

orders = Blueprint("orders", __name__, url_prefix="/console/orders")


@orders.get("")
@requires(Role.READ_ONLY)
def page() -> str:
    """A page of orders."""
    text = request.args.get("q", "").strip()[: search.LONGEST_TEXT]
    state = next((each for each in OrderState if each == request.args.get("state")), None)
    with services_of(current_app).database.read() as session:
        found = search.find(session, text, state, before=_row("before"), after=_row("after"))
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


def _row(name: str) -> int | None:
    return id_in(request.args.get(name, ""))
