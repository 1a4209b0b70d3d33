"""Customers whose account was made and who are not active yet, and making them active where that is allowed."""

from functools import partial
from typing import Any

from flask import Blueprint, abort, current_app, render_template, request
from werkzeug.wrappers import Response

import powercode
from app.aftercare import activation, customer_statuses, writes
from app.aftercare.switches import ACTIVATION
from app.console.access import requires, viewer
from app.console.redirects import lead_to
from app.console.switches import only_while_on
from app.lookups.remote_requests import NotAnswered, answer
from app.models import CustomerWrite, Role, StepState, System
from app.services import Services, services_of

inactive_customers = Blueprint("inactive_customers", __name__, url_prefix="/console/aftercare/inactive")
only_while_on(ACTIVATION, inactive_customers)

BUTTON = "button"
_back = partial(lead_to, "inactive_customers.page")


@inactive_customers.get("")
@requires(Role.READ_ONLY)
def page() -> str:
    """Everybody who is not active, with the status that was last read from PowerCode."""
    services = services_of(current_app)
    with services.database.read() as session:
        listed = customer_statuses.inactive(session)
        return render_template(
            "console/aftercare/inactive.html",
            listed=listed,
            count=customer_statuses.count(session),
            unread=customer_statuses.unread(session),
            under_way={one.order.id: activation.under_way(session, one.status.customer_id) for one in listed},
            activation=services.settings.activation,
        )


@inactive_customers.post("/read")
@requires(Role.STAFF)
def read() -> Response:
    """Have the service read everybody's status again, in the background."""
    with services_of(current_app).database.write() as session:
        customer_statuses.ask(session)
    return _back("Their status is read again, a few at a time. Load this page again in a moment.")


@inactive_customers.post("/put-aside")
@requires(Role.STAFF)
def put_aside() -> Response:
    """This customer is not to be active."""
    customer_id = request.form.get("customer_id", "")
    with services_of(current_app).database.write() as session:
        done = customer_statuses.put_aside(session, customer_id, viewer().name)
    if not done:
        return _back("They are not in the list any more.", "failed")
    return _back(f"Customer {customer_id} is left as they are, and not listed any more.")


@inactive_customers.get("/<path:orderref>/activate")
@requires(Role.STAFF)
def confirm(orderref: str) -> str | Response:
    """Who would become active, with the status that PowerCode shows now, and what it does to billing."""
    services, one = _found(orderref)
    customer_id = one.status.customer_id
    try:
        customer = answer(lambda: services.powercode.read_customer(customer_id=customer_id))
    except NotAnswered as why:
        return _back(f"{why} Nothing was changed.", "failed")
    with services.database.read() as session:
        return render_template("console/aftercare/activate.html", **_confirmation(session, one, customer))


def _confirmation(session: Any, one: customer_statuses.Inactive, customer: powercode.Customer | None) -> dict[str, Any]:
    customer_id = one.status.customer_id
    return {
        "one": one,
        "customer": customer,
        "is_active": customer_statuses.billing_of(customer, customer_id) == "active",
        "seen": activation.last_try(session, customer_id),
        "under_way": activation.under_way(session, customer_id),
        "does": activation.WHAT_IT_DOES,
    }


@inactive_customers.post("/<path:orderref>/activate")
@requires(Role.STAFF)
def activate(orderref: str) -> Response:
    """Make the customer active, once."""
    services, one = _found(orderref)
    seen = request.form.get("seen", "")
    if not seen.isdecimal() or len(seen) > 9:
        abort(400)
    try:
        write = activation.activate(services, one, viewer().name, int(seen))
    except NotAnswered as why:
        return _back(str(why), "failed")
    if write is None:
        return _back("Somebody had this customer made active meanwhile. Nothing was sent again.", "failed")
    said = f" PowerCode: {write.said}." if write.said and write.state == StepState.REFUSED else ""
    if contradicted := _contradicted(services, orderref, write):
        return _back(f"Customer {write.customer_id}: {contradicted}", "failed")
    category = "done" if write.state == StepState.DONE else "failed"
    return _back(f"Customer {write.customer_id}: {_became(write)}{said}", category)


def _contradicted(services: Services, orderref: str, write: CustomerWrite) -> str | None:
    """What the status that was read back says against PowerCode's yes."""
    with services.database.read() as session:
        still = customer_statuses.of_order(session, orderref)
    if still is None or write.state != StepState.DONE:
        return None
    status = f"is {still.status.status or 'not shown'} all the same"
    read = "could not be read back" if still.status.error else status
    return f"PowerCode says that it is done, and their status {read}. Look at their page there."


def _became(write: CustomerWrite) -> str:
    if write.state == StepState.UNKNOWN:
        return (
            "PowerCode did not say whether it made them active. Their status is read back in a few minutes, and tells; "
            "nothing is sent again."
        )
    return writes.in_words(write, System.POWERCODE)


def _found(orderref: str) -> tuple[Services, customer_statuses.Inactive]:
    services = services_of(current_app)
    if services.settings.activation != BUTTON:
        abort(404)
    with services.database.read() as session:
        one = customer_statuses.of_order(session, orderref)
    return services, one or abort(404)
