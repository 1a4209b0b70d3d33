"""Enter an order by hand, or correct one: see what UTOPIA says and what will happen, then take the order in.

Looking writes nothing. It is a POST once the form holds a customer's values, as these must not be in an address.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, current_app, render_template, request
from flask_wtf import FlaskForm
from itsdangerous import BadData, URLSafeSerializer
from markupsafe import Markup
from sqlalchemy import select
from werkzeug.wrappers import Response
from wtforms import HiddenField, IntegerField, StringField
from wtforms.validators import Optional
from wtforms.widgets import HiddenInput

from app.callbacks.contents import ORDERREF
from app.console.access import requires, viewer
from app.console.redirects import lead_to
from app.lookups.remote_requests import NotAnswered, a_turn
from app.models import Order, OrderState
from app.provisioning import corrections, review
from app.provisioning.actions import CORRECT, SUBMIT
from app.provisioning.applicants import CORRECTABLE, LONGEST, contract_of, fields_of
from app.provisioning.forecast import Forecast, NoContract, forecast, look_up
from app.services import services_of
from app.wording.invisible_characters import one_line
from utopia import Contract

new_order = Blueprint("new_order", __name__, url_prefix="/console/orders")

LABELS = {
    "first_name": "First name",
    "last_name": "Last name",
    "email": "Mail address",
    "phone": "Phone",
    "street": "Street address",
    "unit": "Unit (empty when there is none)",
    "city": "City",
    "state": "State",
    "zip": "ZIP code",
    "portal_username": "Portal user name (empty: the mail address)",
}
NO_REFERENCE = "An order reference is 1 to 64 letters, digits and . _ : -, with a digit among them"
RIGHT = {
    "portal_username": "Write it without blanks, quotes, < and >.",
    "email": "Write one address, such as ada@example.com.",
    "phone": "Write 7 to 15 digits, such as 406-555-0143.",
    "state": "Write it as UT or Utah.",
    "zip": "Write five digits, such as 59715.",
    "street": "Write number and street, such as 12 N Example Ave.",
}
"""The right form of a field's value, shown beside its error."""
HEADINGS = {f"<{slash}h{level}>": f"<{slash}p>" for slash in ("", "/") for level in range(1, 5)}


class ContractForm(FlaskForm):  # type: ignore[misc]
    """The fields that can be corrected. `seen` are the values of UTOPIA that staff were shown, signed."""

    seen = HiddenField()
    run = IntegerField(widget=HiddenInput(), validators=[Optional()])
    first_name, last_name, email, phone, street, unit, city, state, zip, portal_username = (
        StringField(LABELS[name], render_kw={"maxlength": LONGEST[name], "autocomplete": "off"}) for name in CORRECTABLE
    )

    def written(self) -> dict[str, str]:
        """The fields' values, without fields that weren't sent."""
        return {name: self[name].data for name in CORRECTABLE if self[name].raw_data}

    def tell(self, theirs: Mapping[str, str], wrong: Mapping[str, str]) -> None:
        """Add each fault to its field, and UTOPIA's value to each field that differs from it."""
        for name in CORRECTABLE:
            field = self[name]
            field.errors = [f"{wrong[name]} {RIGHT.get(name, '')}".strip()] if name in wrong else []
            if name in theirs and one_line(field.data or "") != theirs[name]:
                field.description = f"UTOPIA has “{theirs[name]}”." if theirs[name] else "UTOPIA has nothing here."


@dataclass(frozen=True)
class Look:
    """UTOPIA's answer: a contract, or why there is none. `theirs` are its values, also from an earlier answer."""

    contract: Contract | None
    theirs: Mapping[str, str]
    reason: str = ""
    not_ours: bool = False


@new_order.get("/new")
@requires(SUBMIT.role)
def page() -> tuple[str, int] | str:
    """Ask for the reference; with one, show what will happen."""
    if "orderref" not in request.args:
        return _reference_page("")
    return _look(request.args["orderref"].strip(), ContractForm(formdata=None))


@new_order.post("/new")
@requires(SUBMIT.role)
def enter() -> tuple[str, int] | str | Response:
    """Look again with what was corrected, or take the order in."""
    form, orderref = ContractForm(), request.form.get("orderref", "").strip()
    if request.form.get("act") != "submit" or not ORDERREF.fullmatch(orderref):
        return _look(orderref, form)
    services = services_of(current_app)
    try:
        with services.database.write() as session:
            theirs, wanted = _unsealed(form, orderref), form.written()
            corrections.submit(services, session, orderref, viewer().name, theirs=theirs, wanted=wanted)
    except corrections.NotUsable as fault:
        page = _look(orderref, form, fault.wrong)
        return (page, 422) if isinstance(page, str) else page
    except review.NotPossible as why:
        return lead_to("orders.show", f"{why}.", "failed", orderref=orderref)
    return lead_to("orders.show", f"{orderref} is taken in. This page follows it to its end.", orderref=orderref)


def _look(orderref: str, form: ContractForm, wrong: Mapping[str, str] | None = None) -> tuple[str, int] | str:
    """The page of an order to be entered, or why it can't be entered."""
    if not ORDERREF.fullmatch(orderref):
        return _reference_page(orderref, NO_REFERENCE), 422
    state = _state(orderref)
    if state is not None and state != OrderState.NOT_OURS:
        return _reference_page(orderref, known=state)
    look = _ask_utopia(orderref, form)
    if look.not_ours:
        return _reference_page(orderref, f"{look.reason}. Check the reference"), 422
    seen = None
    if look.contract is not None:
        written = corrections.corrections_of(look.theirs, form.written())
        seen = _forecast(orderref, look.contract, written)
    _fill(form, look.theirs)
    form.tell(look.theirs, {**(seen.wrong if seen else {}), **(wrong or {})})
    form.seen.data = _sealed(orderref, look.theirs)
    return _page("order", form, seen, orderref=orderref, look=look)


def _ask_utopia(orderref: str, form: ContractForm) -> Look:
    try:
        with a_turn():
            contract = look_up(services_of(current_app), orderref)
    except NoContract as none:
        return Look(None, _unsealed(form, orderref), str(none), none.not_ours)
    return Look(contract, fields_of(contract))


@new_order.get("/<path:orderref>/correct")
@requires(CORRECT.role)
def correct(orderref: str) -> str | Response:
    """The fields of an order that needs a person, and what will happen."""
    order = _correctable(orderref)
    if isinstance(order, Response):
        return order
    return _correct_page(order, ContractForm(formdata=None, run=order.run, **fields_of(contract_of(order))))


@new_order.post("/<path:orderref>/correct")
@requires(CORRECT.role)
def save(orderref: str) -> tuple[str, int] | str | Response:
    """Look again with what was corrected, or keep it and go on."""
    form, services = ContractForm(), services_of(current_app)
    order = _correctable(orderref)
    if isinstance(order, Response):
        return order
    if request.form.get("act") != "save":
        return _correct_page(order, form)
    try:
        with services.database.write() as session:
            run, wanted = form.run.data or 0, form.written()
            corrections.correct(services, session, orderref, viewer().name, run=run, wanted=wanted)
    except corrections.NotUsable:
        return _correct_page(order, form), 422
    except review.NotPossible as why:
        return lead_to("orders.show", f"{why}.", "failed", orderref=orderref)
    return lead_to("orders.show", f"{orderref} is corrected and goes on.", orderref=orderref)


def _correctable(orderref: str) -> Order | Response:
    """The order; or the way back to its page, which then says why it can't be corrected."""
    with services_of(current_app).database.read() as session:
        order = session.scalar(select(Order).filter_by(orderref=orderref)) or abort(404)
        if corrections.may_correct(session, order):
            return order
    said = "An order can be corrected while it needs you and nothing of it is in PowerCode."
    return lead_to("orders.show", said, "failed", orderref=orderref)


def _correct_page(order: Order, form: ContractForm) -> str:
    contract = Contract.from_dict(order.contract or {})
    theirs = fields_of(contract)
    written = corrections.corrections_of(theirs, form.written() or fields_of(contract_of(order)))
    seen = _forecast(order.orderref, contract, written)
    form.tell(theirs, seen.wrong)
    return _page("correct", form, seen, order=order, orderref=order.orderref)


def _forecast(orderref: str, contract: Contract, written: Mapping[str, str]) -> Forecast:
    with a_turn():
        return forecast(services_of(current_app), orderref, contract, written)


@new_order.errorhandler(NotAnswered)
def busy(why: NotAnswered) -> tuple[str, int]:
    """The page for a look-up that was not made, because too many are under way."""
    return render_template("console/fault.html", title="Not at this moment", advice=str(why)), 503


def _page(name: str, form: ContractForm, seen: Forecast | None, **values: Any) -> str:
    return render_template(
        f"console/new_order/{name}.html",
        form=form,
        fields=[form[name] for name in CORRECTABLE],
        seen=seen,
        ticket=_beside_headings(seen.ticket) if seen else "",
        **values,
    )


def _beside_headings(ticket: str) -> Markup:
    """The ticket's text (safe HTML) with paragraphs for headings, which would be read as headings of this page."""
    for heading, paragraph in HEADINGS.items():
        ticket = ticket.replace(heading, paragraph)
    return Markup(ticket)  # noqa: S704 - cleaned by nh3 when it was rendered


def _reference_page(orderref: str, fault: str = "", known: str | None = None) -> str:
    return render_template("console/new_order/reference.html", orderref=orderref[:200], fault=fault, known=known)


def _state(orderref: str) -> str | None:
    with services_of(current_app).database.read() as session:
        return session.scalar(select(Order.state).filter_by(orderref=orderref))


def _fill(form: ContractForm, theirs: Mapping[str, str]) -> None:
    """Fill UTOPIA's values into the fields that nobody has written in yet."""
    for name, value in theirs.items():
        if not form[name].raw_data:
            form[name].data = value


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="new-order")


def _sealed(orderref: str, theirs: Mapping[str, str]) -> str:
    return str(_serializer().dumps([orderref, dict(theirs)])) if theirs else ""


def _unsealed(form: ContractForm, orderref: str) -> dict[str, str]:
    """UTOPIA's values that this page showed before, read from the signed field; empty when it showed none."""
    try:
        sealed_for, theirs = _serializer().loads(form.seen.data or "")
    except BadData:
        return {}
    return dict(theirs) if sealed_for == orderref else {}
