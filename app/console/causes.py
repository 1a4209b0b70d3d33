"""Joint decisions: read what one means and for how many orders, confirm, and see what becomes of each order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import HiddenField, IntegerField
from wtforms.validators import InputRequired

from app.console.access import requires, viewer
from app.console.order_forms import NoteForm, PlansForm, PutOffForm
from app.console.redirects import lead_to
from app.models import JointDecision, Role, now
from app.provisioning import people_on_orders, plan_decisions, review, teamwork
from app.provisioning.actions import BRING_BACK, DISMISS, MAP_PLANS, PUT_OFF, RESUME, Action
from app.provisioning.causes import joint_decisions, trial_orders
from app.provisioning.causes.open_causes import OpenCause, next_of, open_cause_of
from app.provisioning.people_on_orders import Hand
from app.provisioning.plans import plan_table
from app.services import services_of

causes = Blueprint("causes", __name__, url_prefix="/console/causes")

LISTED = 200
Page = str | tuple[str, int] | Response


class TogetherForm(FlaskForm):  # type: ignore[misc]
    """The cause, and its newest order that the person saw: the decision does not apply to orders that came later."""

    cause = HiddenField(validators=[InputRequired()])
    newest = IntegerField(validators=[InputRequired()])


class TogetherNoteForm(TogetherForm, NoteForm):
    """Why all of them are closed."""


class TogetherPutOffForm(TogetherForm, PutOffForm):
    """Until when all of them are put off."""


class TogetherPlansForm(TogetherForm, PlansForm):
    """What the plans of all of them are sold as."""


@causes.get("")
@requires(Role.READ_ONLY)
def page() -> Page:
    """One cause with all its orders."""
    found = _found(request.args.get("cause", ""))
    return page_of(found) if found else nobody()


@causes.post("/map-plans")
@requires(MAP_PLANS.role)
def map_plans() -> Page:
    """Map the plans: the person first reads what that bills; then one order goes on, and the others follow.

    Orders that are put off wait for the same plans, and follow as well.
    """
    found = _found(request.form.get("cause", ""), also_put_off=True)
    if found is None:
        return nobody()
    names = found.cause.plans
    form = TogetherPlansForm.of(names)
    if not form.validate():
        return page_of(found, {MAP_PLANS.code: form}), 422
    service_ids = {name: int(field.data) for name, field in zip(names, form.services, strict=True)}
    if not form.sure.data:
        return confirmation(found, service_ids, url_for("causes.map_plans"))
    services, by = services_of(current_app), viewer().name
    return _decide(lambda session: plan_decisions.sell_as(services, session, by, found.cause, service_ids))


@causes.get("/map-plans")
@causes.get("/dismiss")
@causes.get("/put-off")
@requires(Role.READ_ONLY)
def after_a_refused_form() -> Response:
    """The address in the browser after a form with a mistake; loading it again leads back to a page."""
    return redirect(url_for("today.page"), 303)


@causes.post("/try-again")
@requires(RESUME.role)
def try_again() -> Page:
    """Let all of them go on."""
    form = TogetherForm()
    return _together(form, RESUME) if form.validate() else abort(400)


@causes.post("/dismiss")
@requires(DISMISS.role)
def dismiss() -> Page:
    """Close all of them with one note."""
    found, form = _found(request.form.get("cause", "")), TogetherNoteForm()
    if found is None:
        return nobody()
    if not form.validate():
        return page_of(found, {DISMISS.code: form}), 422
    return _together(form, DISMISS, form.note.data)


@causes.get("/in-turn")
@requires(Role.READ_ONLY)
def in_turn() -> Response:
    """The next order of a cause whose orders are decided one by one."""
    cause, after = request.args.get("cause", ""), request.args.get("after", "")
    with services_of(current_app).database.read() as session:
        orderref = next_of(session, cause, after)
    if orderref is None:
        return lead_to("today.page", "You have been through all of them.")
    return redirect(url_for("orders.show", orderref=orderref, in_turn=cause), 303)


@causes.get("/decided/<int:joint_id>")
@requires(Role.READ_ONLY)
def decided(joint_id: int) -> str:
    """What becomes of the orders that a decision was made for."""
    return render_template("console/causes/decided.html", progress=_progress(joint_id))


@causes.get("/decided/<int:joint_id>/progress")
@requires(Role.READ_ONLY)
def progress(joint_id: int) -> str:
    """The part of the page that changes by itself."""
    return render_template("console/causes/_progress.html", progress=_progress(joint_id))


@dataclass(frozen=True)
class Attended:
    """Who is on it for `count` orders, and what the viewer can change about that."""

    hands: Sequence[Hand]
    count: int
    offered: Sequence[Action]


def attended(hands: Sequence[Hand], count: int) -> Attended:
    """Who is on it, as this viewer sees it."""
    offered = people_on_orders.offered(hands, count, viewer().name)
    return Attended(hands, count, [action for action in offered if viewer().may(action.role)])


def shown_on_cards(session: Session, found: Sequence[OpenCause]) -> dict[str, Any]:
    """What the cards of these causes need: forms, and who is on it, each by the cause's key."""
    hands = people_on_orders.hands_on(session)
    return {
        "forms": {one.cause.key: forms_for(one) for one in found},
        "may": may,
        "attended": {one.cause.key: attended(hands.get(one.cause.key, ()), one.count) for one in found},
        "teamwork_words": teamwork_words(),
    }


def today() -> date:
    """Today's date in the office's time zone."""
    return now().astimezone(services_of(current_app).settings.zone).date()


def teamwork_words() -> dict[str, Any]:
    """What templates need to offer putting orders off and bringing them back."""
    return {"putting": PUT_OFF, "bringing": BRING_BACK, "near": teamwork.near_days(today())}


def forms_for(found: OpenCause) -> dict[str, Any]:
    """The cause's forms by the action's code; numbers are never filled in, so that a person types them."""
    seen = {"cause": found.cause.key, "newest": found.newest}
    forms = {
        MAP_PLANS.code: TogetherPlansForm.of(found.cause.plans, formdata=None, data=seen),
        RESUME.code: TogetherForm(formdata=None, data=seen),
        DISMISS.code: TogetherNoteForm(formdata=None, data=seen),
        PUT_OFF.code: TogetherPutOffForm.suggesting(today(), **seen),
    }
    for form in forms.values():
        _tell_apart(form, found.slug)
    return forms


def _tell_apart(form: Any, slug: str) -> None:
    """Give each field an id of its own, as a page has the same form for several causes."""
    for field in (*form, *getattr(form, "services", ())):
        field.id = f"{slug}-{field.id}"


def confirmation(found: OpenCause, service_ids: Mapping[str, int], path: str, run: int | None = None) -> str:
    """The names of the services that will be billed, and for how many orders: a service's number alone says nothing."""
    with services_of(current_app).database.read() as session:
        table = plan_table.plan_table(session)
        followers = trial_orders.followers_of(session, found.cause.plan_keys)
    sold = [(name, number, table.names_of(number, apart_from=name)) for name, number in service_ids.items()]
    seen = {"cause": found.cause.key, "newest": found.newest, "run": run, "sure": "yes"}
    form = TogetherPlansForm.of(list(service_ids), list(service_ids.values()), formdata=None, data=seen)
    shown = {"standing": found, "followers": followers, "sold": sold, "form": form, "path": path}
    return render_template("console/causes/confirm.html", **shown)


def _found(cause: str, *, also_put_off: bool = False) -> OpenCause | None:
    with services_of(current_app).database.read() as session:
        return open_cause_of(session, cause, listed=LISTED, also_put_off=also_put_off)


def page_of(found: OpenCause, filled: Mapping[str, Any] | None = None) -> str:
    """The page of a cause; `filled` are forms as a person sent them."""
    with services_of(current_app).database.read() as session:
        shown = shown_on_cards(session, [found])
    shown["forms"][found.cause.key].update(filled or {})
    return render_template("console/causes/page.html", standing=found, **shown)


def may(found: OpenCause) -> Sequence[Action]:
    """What the viewer may decide for all orders of the cause."""
    return [action for action in joint_decisions.fitting(found.cause) if viewer().may(action.role)]


def nobody() -> Response:
    """Redirect to the first page: no order of this cause needs a decision any more."""
    said = "No order stands for this any more: somebody else decided, put them off, or they went on."
    return lead_to("today.page", said)


def _together(form: TogetherForm, action: Action, note: str | None = None) -> Response:
    cause, newest, by = form.cause.data, form.newest.data, viewer().name
    return _decide(lambda session: joint_decisions.decide(session, by, action, cause, newest=newest, note=note))


def _decide(decide: Callable[[Session], JointDecision]) -> Response:
    try:
        with services_of(current_app).database.write() as session:
            joint = decide(session)
    except review.NotPossible as why:
        return lead_to("today.page", f"Nothing was changed: {why}.", "failed")
    return redirect(url_for("causes.decided", joint_id=joint.id), 303)


def _progress(joint_id: int) -> joint_decisions.Progress:
    with services_of(current_app).database.read() as session:
        found: joint_decisions.Progress = joint_decisions.progress(session, joint_id) or abort(404)
        return found
