"""What people tell each other about orders, on an order's page and on a cause's card.

These forms don't check that the order is still as the person saw it: they change nothing that the service does.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial

from flask import abort, current_app, flash, redirect, request, url_for
from sqlalchemy import ColumnElement, exists
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.console.access import requires, viewer
from app.console.causes import TogetherForm, TogetherPutOffForm, causes, nobody, today
from app.console.causes import page_of as cause_page
from app.console.decisions import Page, button
from app.console.order import page_of
from app.console.order_forms import ColleaguesNoteForm, PutOffForm
from app.console.orders import orders
from app.models import Order, PutOff
from app.provisioning import actions, review, teamwork
from app.provisioning.actions import Action
from app.provisioning.causes.cause import fingerprint
from app.provisioning.causes.open_causes import open_cause_of
from app.services import services_of

__all__ = ["causes", "orders"]

HANDS: Mapping[Action, tuple[Callable[..., None], str]] = {
    actions.ON_IT: (teamwork.take, "Your colleagues see that you are on it."),
    actions.TAKE_OVER: (partial(teamwork.take, over=True), "Your colleagues see that you took it over."),
    actions.LET_GO: (teamwork.let_go, "Your colleagues see that you are not on it any more."),
    actions.BRING_BACK: (teamwork.bring_back, "It needs somebody again."),
}
"""For each action: the function that does it, and the message shown then."""


@button(actions.NOTE)
def note(orderref: str) -> Page:
    """Keep a note on the order."""
    form = ColleaguesNoteForm()
    if not form.validate():
        return page_of(orderref, {actions.NOTE.code: form}), 422
    by, said = viewer().name, "Your note is in the order's story."
    _tell(lambda session: teamwork.note(session, orderref, by, form.text.data), said)
    return _to_order(orderref)


@button(actions.PUT_OFF)
def put_off(orderref: str) -> Page:
    """Put the order off until a day: it is not listed as needing somebody until then."""
    form = PutOffForm()
    day = form.until(today())
    if day is None:
        return page_of(orderref, {actions.PUT_OFF.code: form}), 422
    _put_off(form, day, Order.orderref == orderref)
    return _to_order(orderref)


@causes.post("/put-off")
@requires(actions.PUT_OFF.role)
def put_cause_off() -> Page:
    """Put the orders that the person saw on the card off until a day."""
    form = TogetherPutOffForm()
    day = form.until(today())
    if day is None:
        with services_of(current_app).database.read() as session:
            found = open_cause_of(session, form.cause.data or "")
        return (cause_page(found, {actions.PUT_OFF.code: form}), 422) if found else nobody()
    _put_off(form, day, *_on_card(form))
    return redirect(url_for("today.page"), 303)


def _put_off(form: PutOffForm, day: date, *those: ColumnElement[bool]) -> None:
    zone, by, reason = services_of(current_app).settings.zone, viewer().name, form.reason.data or None
    said = f"Put off until {day:%A} {day.day} {day:%B}. It comes back by itself."
    _tell(lambda session: teamwork.put_off(session, by, day, zone, *those, reason=reason), said)


def _on_card(form: TogetherForm) -> Sequence[ColumnElement[bool]]:
    """The orders that the person saw on the card."""
    return (Order.cause == form.cause.data, Order.id <= form.newest.data)


def _put_off_together() -> Sequence[ColumnElement[bool]]:
    """Conditions for the orders of one line: a cause's put-off orders have one line for each day."""
    named = request.form.get("until")
    if not named:
        return ()
    try:
        until = datetime.fromisoformat(named).astimezone(UTC)
    except (ValueError, OverflowError):
        abort(400)
    return (exists().where(PutOff.order_id == Order.id, PutOff.until == until),)


def _hand(action: Action, *those: ColumnElement[bool]) -> None:
    does, said = HANDS[action]
    _tell(lambda session: does(session, viewer().name, *those), said)


def _hand_on_order(action: Action, orderref: str) -> Response:
    _hand(action, Order.orderref == orderref)
    return _to_order(orderref)


def _hand_on_cause(action: Action) -> Response:
    """Do the action for the orders that the person saw on the card."""
    form = TogetherForm()
    if not form.validate():
        abort(400)
    _hand(action, *_on_card(form), *_put_off_together())
    return redirect(url_for("today.page", _anchor=f"cause-{fingerprint(form.cause.data)}"), 303)


for each in HANDS:
    button(each)(partial(_hand_on_order, each))
    on_cause = requires(each.role)(partial(_hand_on_cause, each))
    causes.add_url_rule(f"/{each.path}", each.code, on_cause, methods=["POST"])


def _tell(does: Callable[[Session], None], said: str) -> None:
    try:
        with services_of(current_app).database.write() as session:
            does(session)
    except review.NotPossible as why:
        flash(f"Nothing was changed: {why}.", "failed")
    else:
        flash(said, "done")


def _to_order(orderref: str) -> Response:
    return redirect(url_for("orders.show", orderref=orderref), 303)
