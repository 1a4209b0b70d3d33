"""What people tell each other about orders, on an order's page and on a cause's card.

Nothing of it needs the order to be as they saw it: it changes nothing that the system does.
"""

from collections.abc import Callable, Mapping
from functools import partial

from flask import abort, current_app, flash, redirect, url_for
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.console.access import requires, viewer
from app.console.causes import TogetherForm, causes
from app.console.decisions import Page, button
from app.console.order import page_of
from app.console.order_forms import ColleaguesNoteForm
from app.console.orders import orders
from app.models import Order
from app.provisioning import actions, desk, review
from app.provisioning.actions import Action
from app.provisioning.causes.naming import digest
from app.services import services_of

__all__ = ["causes", "orders"]

HANDS: Mapping[Action, tuple[Callable[..., None], str]] = {
    actions.ON_IT: (desk.take, "Your colleagues see that you are on it."),
    actions.TAKE_OVER: (partial(desk.take, over=True), "Your colleagues see that you took it over."),
    actions.LET_GO: (desk.let_go, "Your colleagues see that you are not on it any more."),
}
"""What each does, and what is said then."""


@button(actions.NOTE)
def note(orderref: str) -> Page:
    """Keep a note on the order."""
    form = ColleaguesNoteForm()
    if not form.validate():
        return page_of(orderref, {actions.NOTE.code: form}), 422
    by, said = viewer().name, "Your note is in the order's story."
    _tell(lambda session: desk.note(session, orderref, by, form.text.data), said)
    return _to_order(orderref)


def _hand(action: Action, *those: ColumnElement[bool]) -> None:
    does, said = HANDS[action]
    _tell(lambda session: does(session, viewer().name, *those), said)


def _hand_on_order(action: Action, orderref: str) -> Response:
    _hand(action, Order.orderref == orderref)
    return _to_order(orderref)


def _hand_on_cause(action: Action) -> Response:
    """For the orders that the person saw on the card."""
    form = TogetherForm()
    if not form.validate():
        abort(400)
    _hand(action, Order.cause == form.cause.data, Order.id <= form.newest.data)
    return _to_card(form.cause.data)


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


def _to_card(cause: str) -> Response:
    return redirect(url_for("today.page", _anchor=f"cause-{digest(cause)}"), 303)
