"""Plans: what UTOPIA's contracts name, which PowerCode service each is sold as, and what every new account gets."""

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired, Regexp, ValidationError

from app.console.access import requires, viewer
from app.console.order_forms import A_SERVICE
from app.console.redirects import lead_to
from app.console.url_ids import id_in
from app.models import JointDecision, Role
from app.provisioning.causes import joint_decisions
from app.provisioning.plans import plan_changes, plan_overview, plan_table
from app.provisioning.plans.mapping import plan_key
from app.provisioning.plans.plan_changes import Plan
from app.services import services_of
from app.wording.invisible_characters import one_line

plans = Blueprint("plans", __name__, url_prefix="/console/plans")


class MapForm(FlaskForm):  # type: ignore[misc]
    """What a plan is sold as. `seen` is the service that the page showed: a change made since isn't overwritten."""

    description = StringField("Plan, as UTOPIA writes it", [InputRequired("Write the plan's name")])
    service_id = StringField(
        "PowerCode service",
        [InputRequired("Write the service's number, such as 201"), A_SERVICE],
        description="The number that the service has in PowerCode, such as 201.",
    )
    seen = HiddenField(validators=[Regexp(r"[0-9]{0,10}\Z")])

    def validate_description(self, field: StringField) -> None:
        """Neither blank nor longer than the table holds."""
        if not plan_table.can_be_mapped(one_line(field.data)):
            raise ValidationError(f"Write 1 to {plan_table.LONGEST_DESCRIPTION} characters")


@plans.get("")
@requires(Role.READ_ONLY)
def page() -> str:
    """All plans, unmapped ones first."""
    services = services_of(current_app)
    with services.database.read() as session:
        overview = plan_overview.overview(session)
        # A plan that is only in this table is no difference.
        differing = [one for one in plan_table.differing(session, services.settings) if one.wanted]
    return render_template("console/plans/page.html", overview=overview, differing=differing)


@plans.get("/map")
@requires(Role.STAFF)
def map_plan() -> str:
    """Ask what the plan is sold as. The field is empty: a default might bill the wrong service."""
    shown = _shown()
    return _map_page(MapForm(formdata=None, description=shown.description, seen=shown.service_id or ""), shown)


@plans.post("/map")
@requires(Role.STAFF)
def save() -> tuple[str, int] | Response:
    """Sell the plan as the service from now on."""
    form, services = MapForm(), services_of(current_app)
    if form.validate_on_submit():
        plan = Plan(one_line(form.description.data), _additional(), int(form.seen.data or 0) or None)
        try:
            with services.database.write() as session:
                joint = plan_changes.map_plan(services, session, viewer().name, plan, int(form.service_id.data))
        except plan_changes.NotChanged as why:
            form.service_id.errors = [str(why)]
        else:
            flash(_saved(plan, int(form.service_id.data)), "done")
            return _to(joint)
    return _map_page(form, _shown(one_line(form.description.data or ""))), 422


@plans.get("/unmap")
@requires(Role.STAFF)
def unmap_plan() -> tuple[str, int] | str:
    """Say what unmapping means, and ask for confirmation."""
    return _unmap_page(_shown())


@plans.post("/unmap")
@requires(Role.STAFF)
def remove() -> tuple[str, int] | Response:
    """Stop selling the plan."""
    shown, seen = _shown(), id_in(request.form.get("seen", ""))
    if seen is None:
        return _unmap_page(shown), 422
    plan = Plan(shown.description, shown.additional, seen)
    try:
        with services_of(current_app).database.write() as session:
            plan_changes.unmap_plan(session, viewer().name, plan)
    except plan_changes.ChangedMeanwhile as why:
        return lead_to("plans.page", str(why), "failed")
    return lead_to("plans.page", f"“{plan.description}” is sold no more.")


@plans.post("/go-on")
@requires(Role.STAFF)
def go_on() -> Response:
    """Let orders go on whose missing plans are mapped by now."""
    services = services_of(current_app)
    with services.database.write() as session:
        joint = plan_changes.resume_all(services, session, viewer().name)
    if joint is None:
        flash("No order waits for a plan that is mapped.", "done")
    return _to(joint)


def _to(joint: JointDecision | None) -> Response:
    """Redirect to the orders that were let go on, or to the plans where there were none."""
    return redirect(url_for("causes.decided", joint_id=joint.id) if joint else url_for("plans.page"), 303)


def _additional() -> bool:
    return request.args.get("additional") == "1"


def _shown(description: str | None = None) -> Plan:
    """The plan that the address names, or `description`, with the service that it is sold as now."""
    named = one_line(request.args.get("description") or description or "")
    with services_of(current_app).database.read() as session:
        service_id = plan_table.service_of(session, named, additional=_additional())
    return Plan(named, _additional(), service_id)


def _map_page(form: MapForm, shown: Plan) -> str:
    """The form with the plan as it is now: the person has seen that before they send it again."""
    form.seen.data = form.seen.raw_data = str(shown.service_id or "")
    with services_of(current_app).database.read() as session:
        waiting = joint_decisions.held_up_by(session, {plan_key(shown.description)})
    named = bool(request.args.get("description"))
    return render_template("console/plans/map.html", form=form, plan=shown, waiting=waiting, named=named)


def _unmap_page(shown: Plan) -> str:
    settings = services_of(current_app).settings
    wanted = settings.additional_service_plan_mapping if shown.additional else settings.service_plan_mapping
    in_settings = plan_key(shown.description) in map(plan_key, wanted)
    return render_template("console/plans/unmap.html", plan=shown, in_settings=in_settings)


def _saved(plan: Plan, service_id: int) -> str:
    what = "Every new account gets" if plan.additional else "From now on,"
    return f"{what} “{plan.description}” {'as' if plan.additional else 'is sold as'} PowerCode service {service_id}."
