"""What callbacks say, and what is done with each text."""

from flask import Blueprint, current_app, render_template, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.aftercare import callback_messages as rules_of
from app.aftercare.switches import CASES
from app.console.access import requires, viewer
from app.console.redirects import lead_to
from app.models import Callback, CallbackOutcome, MessageRule, Role
from app.services import services_of

callback_messages = Blueprint("callback_messages", __name__, url_prefix="/console/aftercare/messages")

FIXED = (
    ("Project New Order", (CallbackOutcome.ORDER, CallbackOutcome.REPEAT), "Takes the order in"),
    ("Test", (CallbackOutcome.TEST,), "Tells the office that it arrived"),
)


@callback_messages.get("")
@requires(Role.READ_ONLY)
def page() -> str:
    """Every text that came, with its rule."""
    with services_of(current_app).database.read() as session:
        return render_template(
            "console/aftercare/messages.html",
            rows=rules_of.listed(session),
            rules=rules_of.rules(),
            opens_case=rules_of.opens_case,
            words=dict(rules_of.rules()),
            fixed=[(msg, _count(session, outcomes), does) for msg, outcomes, does in FIXED],
            tells_of_new=rules_of.tells_of_new(session),
            made_room=rules_of.made_room(session),
            most=rules_of.MOST_TEXTS,
            told_a_day=rules_of.TOLD_A_DAY,
        )


def _count(session: Session, outcomes: tuple[CallbackOutcome, ...]) -> int:
    return session.scalar(select(func.count()).select_from(Callback).where(Callback.outcome.in_(outcomes))) or 0


@callback_messages.post("/rule")
@requires(Role.STAFF)
def decide() -> Response:
    """Keep the rule of a text."""
    key, rule = request.form.get("key", ""), request.form.get("rule", "")
    if rules_of.opens_case(rule) and not CASES.is_on(services_of(current_app).settings):
        said = f"Cases are switched off here ({CASES.setting}=off): choose another rule. Nothing was changed."
        return lead_to("callback_messages.page", said, "failed")
    return _keep(key, rule)


@callback_messages.post("/new")
@requires(Role.STAFF)
def new() -> Response:
    """Whether the office is told of a text that never came before."""
    tells = request.form.get("tell") == "yes"
    return _keep(rules_of.NEW, MessageRule.TELL if tells else MessageRule.IGNORE)


def _keep(key: str, rule: str) -> Response:
    with services_of(current_app).database.write() as session:
        done = rules_of.decide(session, key, rule, viewer().name)
    if not done:
        said = "There is no such text, or no such rule. Nothing was changed."
        return lead_to("callback_messages.page", said, "failed")
    return lead_to("callback_messages.page", "It is done that way from now on.")
