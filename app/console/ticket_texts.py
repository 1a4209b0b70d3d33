"""Ticket texts, which customers read: editing with a preview, and all former versions."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from flask import Blueprint, abort, current_app, render_template, request
from flask_wtf import FlaskForm
from markupsafe import Markup
from werkzeug.wrappers import Response
from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.console.access import requires, viewer
from app.console.redirects import lead_to
from app.models import Role, TicketTextVersion
from app.provisioning import ticket_text
from app.services import services_of
from app.storage.database import Database
from app.texts import edits, preview, text_files, versions
from app.texts.text_files import ABSENT, ChangedMeanwhile, TextFile, TextNotSaved, TextUnreadable
from app.texts.text_kinds import FaultAt, TextKind, faults_of, kind_of, placeholders_of
from app.wording.placeholders import TemplateFault
from config import PROJECT, Settings

ticket_texts = Blueprint("ticket_texts", __name__, url_prefix="/console/ticket-texts")

VERSIONS_SHOWN = 30


class EditForm(FlaskForm):  # type: ignore[misc]
    """A text, with the fingerprint of the file as it was when editing began."""

    text = TextAreaField("Text")
    fingerprint = HiddenField()


class NewForm(FlaskForm):  # type: ignore[misc]
    """A name for a copy."""

    name = StringField(
        "Name of the new text",
        [InputRequired("Write a name"), Length(max=100, message="Write at most 100 characters")],
        description="Letters, digits, blanks, - and _; it ends in .txt",
    )
    copy_of = HiddenField()


@dataclass(frozen=True)
class ListedText:
    """A text in the list; `unreadable` says why the text can't be shown."""

    name: str
    title: str
    kind: TextKind
    in_use: str
    faults: Sequence[FaultAt] = ()
    unreadable: str = ""
    newest: TicketTextVersion | None = None


@dataclass(frozen=True)
class Shown:
    """A text filled in with somebody's data, or its faults."""

    faults: Sequence[FaultAt]
    whose: str
    subject: str | None = None
    plain: str | None = None
    html: Markup | None = None


@ticket_texts.get("")
@requires(Role.READ_ONLY)
def page() -> str:
    """All texts in the folder, and which are in use."""
    settings = _settings()
    try:
        found, unreadable = text_files.names(settings.ticket_template_dir), ""
    except TextUnreadable as why:
        found, unreadable = [], str(why)
    rows = _listed(settings, found)
    with _database().read() as session:
        gone = sorted(versions.known_names(session) - set(found))
    return render_template(
        "console/ticket_texts/list.html",
        rows=rows,
        gone=gone,
        unreadable=unreadable,
        settings=settings,
        folder=_shown_folder(),
        active_is_elsewhere=settings.ticket_template.parent != settings.ticket_template_dir,
        active_is_missing=not unreadable and settings.ticket_template_file not in found,
    )


def _listed(settings: Settings, found: Sequence[str]) -> list[ListedText]:
    read: dict[str, TextFile | str] = {name: _read(name) or "It was deleted just now." for name in found}
    present = [text for text in read.values() if isinstance(text, TextFile)]
    versions.see(_database(), present)
    with _database().read() as session:
        kept = versions.newest_of(session, found)
    return [_row(settings, name, text, kept.get(name)) for name, text in read.items()]


def _row(settings: Settings, name: str, text: TextFile | str, newest: TicketTextVersion | None) -> ListedText:
    use, title = _in_use(settings, name), text_files.title(_folder(), name)
    if isinstance(text, str):
        return ListedText(name, title, kind_of(name), use, unreadable=text)
    return ListedText(name, title, kind_of(name), use, faults_of(name, text.text), newest=newest)


def _read(name: str) -> TextFile | str | None:
    """The text, or why it can't be shown; None when there is no such file."""
    try:
        return text_files.read(_folder(), name)
    except TextUnreadable as why:
        return str(why)


def _in_use(settings: Settings, name: str) -> str:
    """Whether customers get this text, in words."""
    if kind_of(name) is TextKind.TICKET:
        return "active" if settings.ticket_template == settings.ticket_template_dir / name else "not in use"
    return "active" if settings.digest_delivery == "mail" else "not in use (digests go to the webhook)"


@ticket_texts.get("/new")
@requires(Role.STAFF)
def copy() -> str:
    """A form for a new text, which begins as a copy."""
    source = request.args.get("copy", _settings().ticket_template_file)
    if not isinstance(_read(source), TextFile):
        abort(404)
    return render_template("console/ticket_texts/new.html", form=NewForm(copy_of=source), source=source)


@ticket_texts.post("/new")
@requires(Role.STAFF)
def create() -> tuple[str, int] | Response:
    """Make the copy, and go on to edit it."""
    form = NewForm()
    name, source = (form.name.data or "").strip(), form.copy_of.data or ""
    if form.validate_on_submit():
        try:
            if not text_files.is_name(name):
                raise TextNotSaved("This name can't be used: take letters, digits, blanks, - and _, and end in .txt")
            edits.create(_database(), _folder(), name, copy_of=source, by=viewer().name)
        except TextNotSaved as why:
            form.name.errors = [*form.name.errors, str(why)]
        else:
            said = f"{name} is made, as a copy of {source}. Customers get it once an administrator has it used."
            return lead_to("ticket_texts.edit", said, name=name)
    return render_template("console/ticket_texts/new.html", form=form, source=source), 422


@ticket_texts.get("/<name>")
@requires(Role.READ_ONLY)
def edit(name: str) -> str:
    """A text with its preview and versions; with a form for viewers who may edit."""
    there = _there(name)
    if isinstance(there, TextFile):
        versions.see(_database(), [there])
        return _editor(name, EditForm(text=there.text, fingerprint=there.fingerprint), there)
    return _editor(name, EditForm(text="", fingerprint=ABSENT), there)


@ticket_texts.post("/<name>")
@requires(Role.STAFF)
def save(name: str) -> str | tuple[str, int] | Response:
    """Save the text; or only preview it, for browsers without JavaScript."""
    there, form = _there(name), EditForm()
    if not form.validate_on_submit():
        abort(400)
    if "preview" in request.form:
        return _editor(name, form, there)
    if isinstance(there, TextFile) and _lines(form) == there.text:
        return lead_to("ticket_texts.edit", "Nothing was changed, so nothing was saved.", name=name)
    try:
        _save(name, _lines(form), form.fingerprint.data or ABSENT, edits.SAVED)
    except ChangedMeanwhile as changed:
        form.fingerprint.data = changed.now.fingerprint if changed.now else ABSENT
        return _editor(name, form, changed.now, failed=f"{changed}.", theirs=changed.now), 422
    except TextNotSaved as why:
        return _editor(name, form, there, failed=str(why)), 422
    return lead_to("ticket_texts.edit", f"{name} is saved. It can be undone below, under Versions.", name=name)


@ticket_texts.post("/<name>/preview")
@requires(Role.STAFF)
def show(name: str) -> str:
    """The preview while the text is being written: a part of the page."""
    if not text_files.is_name(name):
        abort(404)
    return render_template("console/ticket_texts/_preview.html", shown=_shown(name, _lines(EditForm())))


@ticket_texts.get("/<name>/versions/<int:version_id>")
@requires(Role.READ_ONLY)
def version(name: str, version_id: int) -> str:
    """A version: what it changed, and what bringing it back would change now."""
    there = _there(name)
    with _database().read() as session:
        found = versions.find(session, name, version_id) or abort(404)
        earlier = versions.before(session, found)
    current = there if isinstance(there, TextFile) else None
    return render_template(
        "console/ticket_texts/version.html",
        name=name,
        kept=found,
        then=versions.compare(earlier.text, found.text) if earlier else None,
        now=versions.compare(current.text if current else "", found.text),
        is_current=current is not None and current.text == found.text,
        faults=faults_of(name, found.text),
        fingerprint=current.fingerprint if current else ABSENT,
        unreadable=there if isinstance(there, str) else "",
    )


@ticket_texts.post("/<name>/versions/<int:version_id>")
@requires(Role.STAFF)
def restore(name: str, version_id: int) -> Response:
    """Bring a version back: a save like any other."""
    with _database().read() as session:
        found = versions.find(session, name, version_id) or abort(404)
    try:
        _save(name, found.text, request.form.get("fingerprint", ABSENT), edits.RESTORED)
    except TextNotSaved as why:
        return lead_to("ticket_texts.version", f"{why}.", "failed", name=name, version_id=version_id)
    return lead_to("ticket_texts.edit", f"{name} is again as it was in the version that you chose.", name=name)


def _save(name: str, text: str, expected: str, action: str) -> None:
    by = viewer().name
    edits.save(_database(), _folder(), name, text, expected=expected, by=by, action=action)


def _there(name: str) -> TextFile | str | None:
    """The file, why it can't be shown, or None for a file that is gone. HTTP 404 for a name that never had a file."""
    if not text_files.is_name(name):
        abort(404)
    there = _read(name)
    if there is None:
        with _database().read() as session:
            if not versions.history(session, name, 1):
                abort(404)
    return there


def _editor(
    name: str, form: EditForm, there: TextFile | str | None, *, failed: str = "", theirs: TextFile | None = None
) -> str:
    settings, text = _settings(), _lines(form)
    with _database().read() as session:
        history = versions.history(session, name, VERSIONS_SHOWN + 1)
    current = there.text if isinstance(there, TextFile) else None
    return render_template(
        "console/ticket_texts/edit.html",
        name=name,
        title=text_files.title(_folder(), name),
        form=form,
        kind=kind_of(name),
        in_use=_in_use(settings, name),
        settings=settings,
        shown=_shown(name, text),
        placeholders=placeholders_of(kind_of(name)),
        old_names=ticket_text.OLD_NAMES,
        history=_with_changes(history)[:VERSIONS_SHOWN],
        undo=_undo(history, current),
        unreadable=there if isinstance(there, str) else "",
        is_gone=there is None,
        failed=failed,
        theirs=theirs,
        compared=versions.compare(theirs.text, text) if theirs else None,
    )


def _with_changes(history: Sequence[TicketTextVersion]) -> list[tuple[TicketTextVersion, str]]:
    """Each version with what it changed since the version before it."""
    changes = [versions.change_in_words(old.text, new.text) for new, old in pairwise(history)]
    return list(zip(history, [*changes, "The first that is known."], strict=False))


def _undo(history: Sequence[TicketTextVersion], current: str | None) -> TicketTextVersion | None:
    """The version before the present one, if the file still holds the present version."""
    if len(history) > 1 and current == history[0].text:
        return history[1]
    return None


def _shown(name: str, text: str) -> Shown:
    kind = kind_of(name)
    with _database().read() as session:
        of = preview.example(session, kind)
    faults = faults_of(name, text)
    if faults:
        return Shown(faults, of.whose)
    try:
        made = preview.preview(kind, text, of)
    except TemplateFault as fault:
        return Shown([FaultAt(one, "") for one in fault.faults], of.whose)
    html = Markup(made.html) if made.html is not None else None  # noqa: S704 - cleaned by nh3, from an allow-list
    return Shown((), of.whose, made.subject, made.plain, html)


def _lines(form: EditForm) -> str:
    """The text as a file has it: browsers send line breaks as CR LF."""
    return (form.text.data or "").replace("\r\n", "\n")


def _settings() -> Settings:
    return services_of(current_app).settings


def _database() -> Database:
    return services_of(current_app).database


def _folder() -> Path:
    return _settings().ticket_template_dir


def _shown_folder() -> Path:
    """The folder of the texts, relative to the service's folder where it is inside that."""
    return _folder().relative_to(PROJECT) if _folder().is_relative_to(PROJECT) else _folder()
