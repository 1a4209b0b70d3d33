"""Changes at UTOPIA and PowerCode by hand, for administrators: enter, read whom it concerns and what it does, confirm.

The confirmation's form carries the entries, signed, so that what is sent is what the person read. It also carries a
key: the change is sent once for each key, however often somebody clicks.
"""

import hashlib
import json
import secrets
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer
from werkzeug.wrappers import Response
from wtforms import HiddenField, StringField

from app.aftercare.write_kinds import KINDS
from app.console.access import requires, viewer
from app.console.entry_forms import entry_form
from app.console.readable_answers import masked, readable
from app.console.redirects import lead_to
from app.lookups.affected_customers import Subject
from app.lookups.change_catalogue import BY_NAME, CHANGES
from app.lookups.changes import (
    Change,
    calls_of_cases,
    carry_out,
    entry_of,
    find_subject,
    sent_before,
    what_came_of_it,
)
from app.lookups.entry_fields import Given, faults, given
from app.lookups.remote_requests import NotAnswered
from app.models import AuditEntry, Role
from app.people import audit
from app.services import Services, services_of

changes = Blueprint("changes", __name__, url_prefix="/console/look-up/changes")

CONFIRM_WITHIN_SECONDS = 15 * 60


class ConfirmationForm(FlaskForm):  # type: ignore[misc]
    """The signed entries, and the number that is typed once more."""

    confirmed = HiddenField()
    typed = StringField(render_kw={"autocomplete": "off", "spellcheck": "false"})


@changes.get("")
@requires(Role.ADMINISTRATOR)
def page() -> str:
    """What can be changed, and the latest changes."""
    with services_of(current_app).database.read() as session:
        entries = audit.remote_changes(session)
        calls = [(call, KINDS[call.kind].title(call)) for call in calls_of_cases(session)]
    return render_template(
        "console/lookups/changes.html", changes=CHANGES, entries=entries, calls=calls, words=what_came_of_it
    )


@changes.get("/<name>")
@requires(Role.ADMINISTRATOR)
def change(name: str) -> str | tuple[str, int] | Response:
    """The form of one change; with `check`, the customer it would concern and what it would do."""
    chosen = BY_NAME.get(name) or abort(404)
    entries = given(chosen.fields, request.args)
    if "check" not in request.args:
        return _form(chosen, entries)
    wrong = faults(chosen.fields, entries)
    fault = None if wrong else chosen.fault(entries)
    if wrong or fault:
        return _form(chosen, entries, wrong, fault), 422
    services, key = services_of(current_app), _key(chosen, entries)
    if (sent := _entry(services, key)) is not None:
        return _already_sent(sent)
    try:
        subject = find_subject(services, chosen, entries)
    except NotAnswered as why:
        return _form(chosen, entries, fault=f"{why} Nothing was changed: without the customer's name nothing is.")
    token = _sign(chosen, entries, subject, key=key, retype=_is_retyped(services, chosen, entries, subject))
    return _confirmation(chosen, entries, subject, ConfirmationForm(formdata=None, data={"confirmed": token}))


@changes.post("/<name>")
@requires(Role.ADMINISTRATOR)
def confirm(name: str) -> Response | tuple[str, int]:
    """Send the confirmed change once, then show its record."""
    chosen = BY_NAME.get(name) or abort(404)
    form = ConfirmationForm()
    if not form.validate_on_submit():
        abort(400)
    signed = _read(chosen, form.confirmed.data or "")
    if isinstance(signed, Response):
        return signed
    entries, services = signed["given"], services_of(current_app)
    if signed["retype"] and (form.typed.data or "").strip() != entries[chosen.retyped]:
        return _typed_wrong(services, chosen, entries, form)
    try:
        is_first = carry_out(services, chosen, entries, signed["key"], by=viewer().name, whom=signed["whom"])
    except NotAnswered as why:
        flash(str(why), "failed")
        return redirect(_address_of(chosen, entries), 303)
    entry = _entry(services, signed["key"]) or abort(404)
    return redirect(url_for("changes.record", entry_id=entry.id), 303) if is_first else _already_sent(entry)


@changes.get("/sent/<int:entry_id>")
@requires(Role.ADMINISTRATOR)
def record(entry_id: int) -> str:
    """What came of a change."""
    with services_of(current_app).database.read() as session:
        entry = session.get(AuditEntry, entry_id)
    if entry is None or entry.key is None:
        abort(404)
    sent, _, said = (entry.note or "").partition("\n")
    return render_template("console/lookups/sent.html", entry=entry, sent=sent, said=said, words=what_came_of_it(entry))


def _entry(services: Services, key: str) -> AuditEntry | None:
    with services.database.read() as session:
        return entry_of(session, key)


def _already_sent(entry: AuditEntry) -> Response:
    return lead_to("changes.record", "This was sent already; it was not sent again.", entry_id=entry.id)


def _key(chosen: Change, entries: Given) -> str:
    """One key for each time the form is opened: a confirmation that is sent again finds the change already made."""
    once = request.args.get("once") or secrets.token_hex(16)
    content = json.dumps([once, viewer().name, chosen.name, dict(entries)], sort_keys=True)
    return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()


def _form(chosen: Change, entries: Given, wrong: dict[str, str] | None = None, fault: str | None = None) -> str:
    form = entry_form(chosen.fields, entries, wrong or {})
    once = secrets.token_hex(16)
    return render_template("console/lookups/change.html", chosen=chosen, form=form, fault=fault, once=once)


def _confirmation(chosen: Change, entries: Given, subject: Subject, form: ConfirmationForm) -> str:
    services = services_of(current_app)
    earlier = sent_before(services, chosen, entries)
    retype = _is_retyped(services, chosen, entries, subject)
    field = next(field for field in chosen.fields if field.name == chosen.retyped)
    form.typed.label.text = f"Type the {field.label[:1].lower()}{field.label[1:]} {entries[field.name]} to go on"
    shown = readable(masked(subject.record, services.settings.secrets()))
    return render_template(
        "console/lookups/confirm.html",
        change=chosen,
        entries=entries,
        subject=subject,
        form=form,
        retype=retype,
        earlier=earlier,
        shown=shown,
        back=_address_of(chosen, entries),
    )


def _typed_wrong(services: Services, chosen: Change, entries: Given, form: ConfirmationForm) -> tuple[str, int]:
    """The confirmation again, with the customer as they are now."""
    try:
        subject = find_subject(services, chosen, entries)
    except NotAnswered as why:
        return _form(chosen, entries, fault=f"{why} Nothing was changed."), 422
    form.typed.errors = ["Write the number that stands above. Nothing was changed"]
    return _confirmation(chosen, entries, subject, form), 422


def _is_retyped(services: Services, chosen: Change, entries: Given, subject: Subject) -> bool:
    """Whether the number has to be typed again: the change can't be undone, raises a doubt, or was sent before."""
    return chosen.always_retyped or bool(subject.doubts) or sent_before(services, chosen, entries) is not None


def _signer(chosen: Change) -> URLSafeTimedSerializer:
    """Signs entries for one person and one kind of change."""
    return URLSafeTimedSerializer(current_app.secret_key or "", salt=f"change {chosen.name} by {viewer().name}")


def _sign(chosen: Change, entries: Given, subject: Subject, *, key: str, retype: bool) -> str:
    whom = "; ".join((subject.name, subject.address, *(f"{name} {value}" for name, value in subject.facts)))
    content: dict[str, Any] = {"given": dict(entries), "key": key, "whom": whom[:500]}
    signed: str = _signer(chosen).dumps({**content, "retype": retype})
    return signed


def _read(chosen: Change, confirmed: str) -> dict[str, Any] | Response:
    """The signed entries; redirects to the form when the signature is wrong or too old."""
    again: dict[str, str] = {}
    try:
        signed: dict[str, Any] = _signer(chosen).loads(confirmed, max_age=CONFIRM_WITHIN_SECONDS)
        return signed
    except SignatureExpired as expired:
        known = _signer(chosen).load_payload(expired.payload) if expired.payload else {}
        again = dict(known.get("given", {}))
    except BadSignature:
        pass
    flash("This confirmation is too old, or was made by somebody else. Nothing was changed; check it again.", "failed")
    return redirect(_address_of(chosen, again), 303)


def _address_of(chosen: Change, entries: Given) -> str:
    return f"{url_for('changes.change', name=chosen.name)}?{urlencode(entries)}"
