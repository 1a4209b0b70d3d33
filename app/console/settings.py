"""The settings in use, where each comes from, what a restart would change, and whether each system can be used."""

from flask import Blueprint, abort, current_app, render_template, request
from werkzeug.wrappers import Response

from app.channels import delivery
from app.console.access import requires, viewer
from app.console.redirects import lead_to
from app.lookups.remote_requests import NotAnswered, a_turn
from app.models import Role, StepState
from app.people import audit
from app.services import services_of
from app.setup import settings_checks
from app.setup.settings_overview import overview

settings = Blueprint("settings", __name__, url_prefix="/console/settings")

CHECKS = {check.name: check for check in settings_checks.BUTTONS}
LONGEST_FLASH = 600
"""Characters: flashed messages are stored in a cookie, which is small."""


@settings.get("")
@requires(Role.ADMINISTRATOR)
def page() -> str:
    """Every setting. Settings are changed in `.env`, not here."""
    services = services_of(current_app)
    notes = settings_checks.notes(services)
    with services.database.read() as session:
        return render_template(
            "console/settings/page.html",
            overview=overview(services.settings),
            notes=notes,
            checks=settings_checks.BUTTONS,
            recipients=services.settings.email_recipients,
            channels=delivery.standing(session, services),
            given_up=delivery.given_up(session, services),
            tells_events=services.settings.events_url is not None,
            has_report=services.settings.report_source is not None,
        )


@settings.post("/channels/<name>/test")
@requires(Role.ADMINISTRATOR)
def test_channel(name: str) -> Response:
    """Send a test message to a channel, and show the outcome."""
    services = services_of(current_app)
    try:
        with a_turn():
            channel, fault = delivery.test(services, name) or abort(404)
    except NotAnswered as busy:
        return lead_to("settings.page", str(busy), "failed")
    words = "the message was taken" if fault is None else fault
    with services.database.write() as session:
        audit.record(session, viewer().name, "channel tested", channel.label, words)
    return lead_to("settings.page", f"{channel.label}: {words}.", "done" if fault is None else "failed")


@settings.post("/check/<name>")
@requires(Role.ADMINISTRATOR)
def check(name: str) -> Response:
    """Check one system, and show the outcome."""
    services, chosen = services_of(current_app), CHECKS.get(name) or abort(404)
    back = "today.page" if request.form.get("from") == "today" else "settings.page"
    try:
        with a_turn():
            finding = chosen.run(services)
    except NotAnswered as busy:
        return lead_to(back, str(busy), "failed")
    with services.database.write() as session:
        outcome = StepState.DONE if finding.works else StepState.REFUSED
        audit.record(session, viewer().name, audit.CONNECTION_TESTED, chosen.title, finding.words, outcome=outcome)
    return lead_to(back, f"{chosen.title}: {finding.words}"[:LONGEST_FLASH], "done" if finding.works else "failed")
