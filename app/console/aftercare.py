"""Aftercare: an overview that links to the page of each part, and the writes whose outcome is unknown."""

from flask import Blueprint, abort, current_app, render_template, request
from werkzeug.wrappers import Response

from app.aftercare import cases, writes
from app.aftercare.open_counts import open_counts
from app.aftercare.write_kinds import KINDS
from app.console.access import requires, viewer
from app.console.redirects import lead_to
from app.models import Role, now
from app.services import services_of

aftercare = Blueprint("aftercare", __name__, url_prefix="/console/aftercare")


@aftercare.get("")
@requires(Role.READ_ONLY)
def page() -> str:
    """Each part, with the number of things in it that wait for a person."""
    services = services_of(current_app)
    with services.database.read() as session:
        return render_template(
            "console/aftercare/page.html",
            overview=open_counts(session, services.settings, now()),
            settings=services.settings,
            doubtful=writes.in_doubt(session),
            kinds=KINDS,
            put_away=cases.put_away(session, services.settings),
        )


@aftercare.post("/writes/<int:write_id>/answer")
@requires(Role.STAFF)
def answer(write_id: int) -> Response:
    """Keep a person's answer about a write that could not be looked up."""
    there = request.form.get("there")
    if there not in ("yes", "no"):
        abort(400)
    with services_of(current_app).database.write() as session:
        write = writes.answer(session, KINDS, write_id, viewer().name, is_there=there == "yes")
    if write is None:
        said = "Somebody said so already, or it was found out meanwhile. Nothing was changed."
        return lead_to("aftercare.page", said, "failed")
    said = "It is taken as done." if there == "yes" else "It is taken as not done; it can be sent again."
    return lead_to("aftercare.page", said)
