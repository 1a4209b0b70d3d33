"""Missing orders: what UTOPIA says about each, and taking them in."""

from functools import partial

from flask import Blueprint, current_app, render_template, request
from werkzeug.wrappers import Response

from app.aftercare import missing_orders as missing
from app.aftercare import reconciliation
from app.console.access import requires, viewer
from app.console.redirects import lead_to
from app.models import Role
from app.provisioning import review
from app.services import services_of

missing_orders = Blueprint("missing_orders", __name__, url_prefix="/console/aftercare/missing")

_back = partial(lead_to, "missing_orders.page")
MOST_OLDER = 200
"""So many of those that are older than the first comparison are shown: there can be thousands."""


@missing_orders.get("")
@requires(Role.READ_ONLY)
def page() -> str:
    """What the last comparison found."""
    services = services_of(current_app)
    with services.database.read() as session:
        return render_template(
            "console/aftercare/missing.html",
            listed=missing.listed(session, most_older=MOST_OLDER),
            last=reconciliation.last(session),
            told=reconciliation.last_that_told(session),
            schedule=services.settings.reconcile_schedule,
        )


@missing_orders.post("/compare")
@requires(Role.STAFF)
def compare() -> Response:
    """Have the service compare with UTOPIA now, in the background."""
    with services_of(current_app).database.write() as session:
        reconciliation.ask(session, viewer().name)
    return _back("UTOPIA is asked for its orders. Load this page again in a moment.")


@missing_orders.post("/take-in")
@requires(Role.STAFF)
def take_in() -> Response:
    """Take in the orders that were chosen, or all that the page shows."""
    services, named = services_of(current_app), request.form.getlist("orderref")
    try:
        with services.database.write() as session:
            taken = missing.take_in(services, session, named, viewer().name)
    except review.NotPossible as why:
        return _back(f"Nothing was changed: {why}.", "failed")
    if len(taken) == 1:
        return lead_to("orders.show", f"{taken[0]} is taken in.", orderref=taken[0])
    return _back(f"{len(taken)} orders are taken in; each has its page." if taken else "They were known already.")


@missing_orders.post("/put-aside")
@requires(Role.STAFF)
def put_aside() -> Response:
    """Nobody here needs this order."""
    orderref = request.form.get("orderref", "")
    with services_of(current_app).database.write() as session:
        done = missing.put_aside(session, orderref, viewer().name)
    if not done:
        return _back("It is not in the list any more.", "failed")
    return _back(f"{orderref} is put aside. It can still be taken in.")
