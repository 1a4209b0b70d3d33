"""The log, for administrators: its last lines, filtered by an order or a text, and the files to download."""

from typing import Any

from flask import Blueprint, Response, current_app, render_template, request
from flask_wtf import FlaskForm
from wtforms import StringField

from app.console.access import requires
from app.models import Role
from app.observability import log_reader
from app.observability.log_reader import LogUnreadable
from app.services import services_of

log = Blueprint("log", __name__, url_prefix="/console/log")

LINES = 200
LONGEST = {"orderref": 64, "text": 100}


class SearchForm(FlaskForm):  # type: ignore[misc]
    """What to look for; sent with GET, so that it can be bookmarked and loaded again."""

    class Meta:
        """A search changes nothing."""

        csrf = False

    orderref = StringField("Order reference", render_kw={"maxlength": LONGEST["orderref"], "autocomplete": "off"})
    text = StringField("Text", render_kw={"maxlength": LONGEST["text"], "autocomplete": "off"})


@log.get("")
@requires(Role.ADMINISTRATOR)
def page() -> str:
    """The newest lines that match."""
    wanted = [request.args.get(name, "").strip()[:longest] for name, longest in LONGEST.items()]
    settings = services_of(current_app).settings
    shown: dict[str, Any] = {"form": SearchForm(request.args), "is_search": any(wanted), "level": settings.log_level}
    try:
        shown["parts"] = log_reader.parts(settings.log_file)
        shown["found"] = log_reader.search(settings.log_file, *wanted, limit=LINES)
    except LogUnreadable as why:
        shown["fault"] = str(why)
    return render_template("console/log/page.html", **shown)


@log.get("/download")
@requires(Role.ADMINISTRATOR)
def download() -> Response | tuple[str, int]:
    """The log file, sent in blocks; with `all`, the rotated files come first, the oldest at the top."""
    log_file = services_of(current_app).settings.log_file
    try:
        parts = log_reader.parts(log_file)
        chosen = parts if "all" in request.args else parts[:1]
        blocks = log_reader.content(chosen)
    except LogUnreadable as why:
        return render_template("console/fault.html", title="The log can't be read", advice=str(why)), 404
    disposition = {"Content-Disposition": f'attachment; filename="{"whole-" if len(chosen) > 1 else ""}log.txt"'}
    return Response(blocks, mimetype="text/plain", headers=disposition)
