"""The log, for administrators: its last lines, a search, and the files as they are."""

from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, render_template, request
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice

from app.console.access import requires
from app.models import Role
from app.observability import log_reading
from app.observability.log_reading import FoundLines, LogPart, LogUnreadable, Search
from app.services import services_of

log = Blueprint("log", __name__, url_prefix="/console/log")

LINES = 200
LEVELS = [
    SelectChoice("", "All"),
    *(SelectChoice(level, f"{level} and above") for level in log_reading.LEVELS[1:4]),
]
ORDERS = [SelectChoice("newest", "Newest first"), SelectChoice("oldest", "Newest last")]


class SearchForm(FlaskForm):  # type: ignore[misc]
    """What to look for; sent with GET, so that it can be bookmarked and loaded again."""

    class Meta:
        """A search changes nothing."""

        csrf = False

    orderref = StringField("Order reference", render_kw={"maxlength": 64, "autocomplete": "off"})
    text = StringField("Text", render_kw={"maxlength": 100, "autocomplete": "off"})
    level = SelectField("Level", choices=LEVELS)
    sort = SelectField("Order of lines", choices=ORDERS)


@log.get("")
@requires(Role.ADMINISTRATOR)
def page() -> str:
    """The lines that match, from the log's end."""
    form = SearchForm(request.args)
    wanted = Search(_given("orderref", 64), _given("text", 100), _given("level", 8))
    settings = services_of(current_app).settings
    found: FoundLines | None = None
    fault: str | None = None
    parts: tuple[LogPart, ...] = ()
    try:
        parts = log_reading.parts(settings.log_file)
        found = log_reading.search(settings.log_file, wanted, limit=LINES, further=request.args.get("further", ""))
    except LogUnreadable as why:
        fault = str(why)
    lines = found.lines if found else ()
    return render_template(
        "console/log/page.html",
        form=form,
        fault=fault,
        lines=lines if request.args.get("sort") != "oldest" else tuple(reversed(lines)),
        older=_older(found.further) if found and found.further else None,
        parts=parts,
        is_search=any((wanted.orderref, wanted.text, wanted.level)),
        level=settings.log_level,
    )


@log.get("/download")
@requires(Role.ADMINISTRATOR)
def download() -> Response | tuple[str, int]:
    """The log's file as it is, in blocks; with `all`, also those that were rotated away, the oldest first."""
    log_file = services_of(current_app).settings.log_file
    try:
        parts = log_reading.parts(log_file)
        chosen = parts if "all" in request.args else parts[:1]
        blocks = log_reading.content(chosen)
    except LogUnreadable as why:
        return render_template("console/fault.html", title="The log can't be read", advice=str(why)), 404
    disposition = {"Content-Disposition": f'attachment; filename="{"whole-" if len(chosen) > 1 else ""}log.txt"'}
    return Response(blocks, mimetype="text/plain", headers=disposition)


def _given(name: str, longest: int) -> str:
    return request.args.get(name, "").strip()[:longest]


def _older(further: str) -> str:
    kept = {name: value for name, value in request.args.items() if name != "further"}
    return f"{request.path}?{urlencode({**kept, 'further': further})}"
