"""More for an existing customer: who it is, what they got from here, and a form for each thing to add."""

from functools import partial
from typing import Any

from flask import Blueprint, abort, current_app, flash, render_template
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import BooleanField, HiddenField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Regexp

import powercode
from app.aftercare import customer_extras, writes
from app.aftercare.switches import CUSTOMER_CHANGES
from app.aftercare.write_kinds import KINDS
from app.console.access import requires, viewer
from app.console.order_forms import A_SERVICE, A_TAG, number_field, stripped
from app.console.redirects import lead_to
from app.console.switches import only_while_on
from app.lookups.remote_requests import NotAnswered, answer
from app.models import CustomerWrite, Order, OrderState, Role, StepState, System
from app.provisioning.applicants import PORTAL_NAME
from app.provisioning.plans import plan_table
from app.provisioning.written_parts import newest_write
from app.services import Services, services_of

customers = Blueprint("customers", __name__, url_prefix="/console/aftercare/customers")
only_while_on(CUSTOMER_CHANGES, customers)

Page = str | tuple[str, int] | Response


class MoreForm(FlaskForm):  # type: ignore[misc]
    """The base of these forms. `seen` is the newest write that the person saw."""

    seen = HiddenField()
    again = BooleanField("They have it already, and get it once more")


class PlanForm(MoreForm):
    """A plan."""

    service_id = number_field(
        "PowerCode service", "Write the number of a PowerCode service", A_SERVICE, list="services-sold"
    )


class TicketForm(MoreForm):
    """A ticket."""

    summary = StringField("Summary", [DataRequired("Write a summary"), Length(max=200)], filters=[stripped])
    text = TextAreaField(
        "Text", [DataRequired("Write the text"), Length(max=5000)], filters=[stripped], render_kw={"rows": 4}
    )


class TagForm(MoreForm):
    """A tag."""

    tag_id = number_field("Number of the tag", "Write the tag's number", A_TAG)


class PortalNameForm(MoreForm):
    """The name with which the customer signs in to the portal."""

    name = StringField(
        "User name",
        [
            DataRequired("Write the user name"),
            Length(max=254, message="Write at most 254 characters"),
            Regexp(rf"{PORTAL_NAME.pattern}\Z", message="Write it without blanks, quotes, < and >"),
        ],
        filters=[stripped],
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )


FORMS: dict[str, type[MoreForm]] = {
    customer_extras.PLAN.code: PlanForm,
    customer_extras.TICKET.code: TicketForm,
    customer_extras.TAG.code: TagForm,
    customer_extras.PORTAL_NAME.code: PortalNameForm,
}
ENTRIES = {"plan": ("service_id",), "ticket": ("summary", "text"), "tag": ("tag_id",), "portal_name": ("name",)}


@customers.get("/<customer_id>")
@requires(Role.STAFF)
def show(customer_id: str) -> Page:
    """The customer as PowerCode has them now, and the forms."""
    return _page(customer_id)


@customers.post("/<customer_id>/<code>")
@requires(Role.STAFF)
def give(customer_id: str, code: str) -> Page:
    """Add one thing to the customer, once."""
    kind, form = customer_extras.EXTRAS.get(code) or abort(404), (FORMS.get(code) or abort(404))()
    seen = str(form.seen.data or "")
    if not _is_number(customer_id) or not seen.isdecimal() or len(seen) > 9:
        abort(400)
    if not form.validate():
        return _page(customer_id, {code: form}, 422)
    services, content = services_of(current_app), {name: str(form[name].data) for name in ENTRIES[code]}
    with services.database.read() as session:
        order_id = _order_of(session, customer_id)
    try:
        write = customer_extras.give(
            services, kind, customer_id, content, viewer().name,
            seen=int(seen), order_id=order_id, again=bool(form.again.data),
        )  # fmt: skip
    except (customer_extras.AlreadyThere, NotAnswered) as why:
        flash(f"Nothing was sent. {why}", "failed")
        return _page(customer_id, {code: form}, 422)
    return _after(customer_id, write)


def _after(customer_id: str, write: CustomerWrite | None) -> Response:
    lead = partial(lead_to, "customers.show", customer_id=customer_id)
    if write is None:
        said = "Something was written for this customer since you loaded the page. Nothing was sent; look again."
        return lead(said, "failed")
    title = KINDS[write.kind].title(write)
    if write.state == StepState.DONE:
        return lead(f"{title}: PowerCode says that it is done.")
    said = f" It said: {write.said}." if write.said else ""
    return lead(f"{title}: {writes.in_words(write, System.POWERCODE)}{said}", "failed")


def _page(customer_id: str, filled: dict[str, MoreForm] | None = None, status: int = 200) -> Page:
    services = services_of(current_app)
    if not _is_number(customer_id):
        abort(404)
    try:
        customer = answer(lambda: services.powercode.read_customer(customer_id=customer_id))
        fault = None if customer else f"PowerCode has no customer {customer_id}."
    except NotAnswered as why:
        customer, fault = None, str(why)
    with services.database.read() as session:
        content = _content(services, session, customer_id, customer)
    forms = {**content.pop("forms"), **(filled or {})}
    page = render_template("console/aftercare/customer.html", **content, forms=forms, fault=fault)
    return (page, status) if status != 200 else page


def _content(
    services: Services, session: Session, customer_id: str, customer: powercode.Customer | None
) -> dict[str, Any]:
    seen = str(newest_write(session, customer_id))
    first = {"ticket": {"summary": services.settings.pc_ticket_summary}}
    forms = {code: form(formdata=None, data={"seen": seen, **first.get(code, {})}) for code, form in FORMS.items()}
    table = plan_table.plan_table(session)
    return {
        "customer_id": customer_id,
        "customer": customer,
        "written": [(write, KINDS[write.kind].title(write)) for write in writes.of_customer(session, customer_id)],
        "orders": session.scalars(select(Order.orderref).filter_by(customer_id=customer_id)).all(),
        "sold": sorted({**table.plans, **table.additional}.items()),
        "forms": forms,
        "seen": seen,
    }


def _order_of(session: Session, customer_id: str) -> int | None:
    mine = select(Order.id).filter_by(customer_id=customer_id, state=OrderState.COMPLETED).order_by(Order.id.desc())
    return session.scalar(mine.limit(1))


def _is_number(customer_id: str) -> bool:
    return customer_id.isascii() and customer_id.isdecimal() and len(customer_id) <= 18
