"""Orders ticked in the list: see which decisions fit all of them and what these do, then decide once."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.console.access import requires, viewer
from app.console.causes import forms_for
from app.console.order_filter import Filter
from app.console.order_forms import NoteForm, WorkNoteForm
from app.models import Role
from app.provisioning import review
from app.provisioning.actions import DISMISS, Action, Needs
from app.provisioning.causes import joint_decisions
from app.provisioning.causes import ticked_orders as ticked
from app.provisioning.causes.ticked_orders import MANY, MOST, Tick
from app.services import services_of

ticked_orders = Blueprint("ticked_orders", __name__, url_prefix="/console/causes/ticked")

TICKS = "tick"
Page = str | tuple[str, int] | Response


@ticked_orders.post("")
@requires(Role.STAFF)
def page() -> Page:
    """The decisions that fit all ticked orders, with what each will do and for how many."""
    ticks = _ticks()
    return _page(ticks) if ticks else _back("Tick the orders first, then decide.")


@ticked_orders.get("")
@ticked_orders.get("/<_path>")
@requires(Role.READ_ONLY)
def after_a_form(_path: str = "") -> Response:
    """The address in the browser after a form; loading it again leads back to the list."""
    return redirect(_list(), 303)


@ticked_orders.post("/<path>")
@requires(Role.STAFF)
def decide(path: str) -> Page:
    """Apply the decision to each ticked order."""
    action, ticks = _action(path), _ticks()
    form = _form(action)
    if form and not form.validate():
        return _page(ticks, {action.code: form}), 422
    services, by, note = services_of(current_app), viewer().name, form.note.data if form else None
    try:
        with services.database.write() as session:
            joint = ticked.decide(services, session, by, action, ticks, note=note)
    except review.NotPossible as why:
        return _back(f"Nothing was changed: {why}.")
    return redirect(url_for("causes.decided", joint_id=joint.id), 303)


def _ticks() -> Sequence[Tick]:
    """The ticked orders; more than a page lists are refused."""
    sent = request.form.getlist(TICKS)
    ticks = [tick for tick in map(Tick.of, dict.fromkeys(sent)) if tick]
    return ticks if len(ticks) == len(set(sent)) and len(ticks) <= MOST else abort(400)


def _page(ticks: Sequence[Tick], filled: dict[str, Any] | None = None) -> str:
    with services_of(current_app).database.read() as session:
        chosen = ticked.chosen(session, ticks)
    found = chosen.cause
    cause = {found.cause.key: forms_for(found)} if found else {}
    forms = {shared.action.code: _form(shared.action, formdata=None) for shared in chosen.shared}
    return render_template(
        "console/causes/ticked.html",
        chosen=chosen,
        forms={**cause, **forms, **(filled or {})},
        by_number=joint_decisions.fitting(found.cause)[0] if found else None,
        back=_list(),
        asked=_asked(),
    )


def _form(action: Action, **options: Any) -> Any:
    if action.needs is not Needs.NOTE:
        return None
    return NoteForm(**options) if action is DISMISS else WorkNoteForm.of(action.path, **options)


def _action(path: str) -> Action:
    return next((action for action in MANY if action.path == path), None) or abort(404)


def _back(why: str) -> Response:
    flash(why, "failed")
    return redirect(_list(), 303)


def _list() -> str:
    """The address of the list with the same filter and page."""
    return url_for("orders.page", **_asked())


def _asked() -> dict[str, Any]:
    asked = Filter.of(request.args)
    return asked.address(page=asked.page)
