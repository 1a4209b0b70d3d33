"""Cases: what is open and due, and one of them with its two halves."""

from typing import Any

from flask import Blueprint, abort, current_app, render_template, request
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import DateField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from app.aftercare import case_halves
from app.aftercare import cases as work
from app.aftercare.case_kinds import CASE_KINDS
from app.aftercare.switches import CASES
from app.console.access import requires, viewer
from app.console.entry_forms import entry_form
from app.console.order_forms import A_CUSTOMER, DIGITS, stripped
from app.console.redirects import lead_to
from app.console.switches import only_while_on
from app.lookups import changes
from app.lookups.changes import Change
from app.lookups.entry_fields import faults, given
from app.lookups.remote_requests import NotAnswered
from app.models import Case, OrderSearch, Role, StepState
from app.services import services_of

Page = str | tuple[str, int] | Response

cases = Blueprint("cases", __name__, url_prefix="/console/aftercare/cases")
only_while_on(CASES, cases)


MOST_OPEN = 200
"""Open cases that the page shows, those due first."""
KINDS = [SelectChoice(kind.code, kind.title) for kind in CASE_KINDS.values()]


class CaseForm(FlaskForm):  # type: ignore[misc]
    """A case that a person opens."""

    kind = SelectField("What has to be done", choices=KINDS)
    orderref = StringField("Order (optional)", [Length(max=64)], filters=[stripped], render_kw={"autocomplete": "off"})
    customer_id = StringField(
        "PowerCode customer number (optional)",
        [Optional(), A_CUSTOMER],
        filters=[stripped],
        description="The order's customer, where this is left blank",
        render_kw=DIGITS,
    )
    due_on = DateField("Due on", [DataRequired("Choose a day")])
    note = TextAreaField("Note (optional)", [Length(max=2000)], filters=[stripped], render_kw={"rows": 2})


@cases.get("")
@requires(Role.READ_ONLY)
def page() -> str:
    """The open cases, those due first at the top, and the last that were closed."""
    services = services_of(current_app)
    with services.database.read() as session:
        return render_template(
            "console/aftercare/cases.html",
            open_ones=work.listed(session, limit=MOST_OPEN),
            open_count=work.open_count(session),
            closed=work.listed(session, closed=True, limit=50),
            day=work.today(services),
            disagrees=lambda case, kind: case_halves.disagreement(case, kind, work.today(services)),
        )


@cases.get("/new")
@requires(Role.STAFF)
def new() -> str:
    """The form of a new case, filled in from the order whose page led here."""
    first = {"orderref": request.args.get("order", ""), "due_on": work.today(services_of(current_app))}
    form = CaseForm(formdata=None, data={**first, "kind": "cancel"})
    return render_template("console/aftercare/new_case.html", form=form)


@cases.post("/new")
@requires(Role.STAFF)
def open_one() -> Page:
    """Open a case, unless the same one is open already."""
    form = CaseForm()
    if form.validate() and not (form.orderref.data or form.customer_id.data):
        form.orderref.errors = ["Write the order, or the customer's number below"]
    if form.errors:
        return render_template("console/aftercare/new_case.html", form=form), 422
    named = {"orderref": form.orderref.data or None, "customer_id": form.customer_id.data or None}
    slot = f"{named['orderref'] or ''}:{named['customer_id'] or ''}"
    with services_of(current_app).database.write() as session:
        case = work.open_case(
            session,
            CASE_KINDS[form.kind.data],
            by=viewer().name,
            due_on=form.due_on.data,
            note=form.note.data or "",
            slot=slot,
            **named,
        )
    if case is None:
        return lead_to("cases.page", "The same case is open already.", "failed")
    return _back(case.id, "The case is open.")


@cases.get("/<int:case_id>")
@requires(Role.READ_ONLY)
def show(case_id: int) -> str:
    """One case."""
    services = services_of(current_app)
    with services.database.read() as session:
        case = session.get(Case, case_id) or abort(404)
        kind, day = CASE_KINDS[case.kind], work.today(services)
        sent, customer_id = case_halves.last_sent(session, case_id), work.customer_of(session, case)
        return render_template(
            "console/aftercare/case.html",
            case=case,
            customer_id=customer_id,
            kind=kind,
            found=session.get(OrderSearch, case.order_id) if case.order_id else None,
            day=day,
            change=case_halves.change_of(kind) if kind.has_halves else None,
            sent=sent,
            may_send=kind.has_halves and case_halves.may_send(case, sent),
            disagrees=case_halves.disagreement(case, kind, day),
        )


@cases.post("/<int:case_id>/close")
@requires(Role.STAFF)
def close(case_id: int) -> Response:
    """Close a case, with a note."""
    note = request.form.get("note", "").strip()
    if not note:
        return _back(case_id, "Nothing was changed: write what was done.", "failed")
    with services_of(current_app).database.write() as session:
        done = work.close(session, case_id, viewer().name, note)
    return _told(case_id, done, "The case is closed.", "Somebody closed it already.")


# The halves


@cases.post("/<int:case_id>/powercode")
@requires(Role.STAFF)
def tick_powercode(case_id: int) -> Response:
    """PowerCode's half is done; the status is read back."""
    done = case_halves.tick_powercode(services_of(current_app), case_id, viewer().name)
    return _told(case_id, done, "It is ticked, and the status was read back.", "It was ticked already.")


@cases.post("/<int:case_id>/status")
@requires(Role.STAFF)
def read_status(case_id: int) -> Response:
    """Read the customer's status again."""
    read = case_halves.read_status(services_of(current_app), case_id)
    return _told(case_id, read, "The status was read.", "Can't tell: PowerCode shows no status just now.")


@cases.post("/<int:case_id>/utopia-done")
@requires(Role.STAFF)
def tick_utopia(case_id: int) -> Response:
    """UTOPIA's half was done in another way."""
    with services_of(current_app).database.write() as session:
        done = case_halves.tick_utopia(session, case_id, viewer().name)
    return _told(case_id, done, "It is ticked.", "There is nothing to tick: it was sent, or is done.")


@cases.get("/<int:case_id>/utopia")
@requires(Role.ADMINISTRATOR)
def utopia(case_id: int) -> Page:
    """The entries that UTOPIA's call needs; then the customer it concerns, and what it will do."""
    case, change = _with_change(case_id)
    if "check" not in request.args:
        first = {"issuedate": case.due_on.isoformat(), **case.entries}
        return _entry_page(case, change, given(change.fields, first))
    entries = given(change.fields, request.args)
    if wrong := faults(change.fields, entries):
        return _entry_page(case, change, entries, wrong), 422
    return _confirmation(case, change, entries)


def _confirmation(case: Case, change: Change, entries: dict[str, str], fault: str | None = None) -> Page:
    services = services_of(current_app)
    try:
        subject = changes.find_subject(services, change, entries)
    except NotAnswered as why:
        return _entry_page(case, change, entries, fault=f"{why} Nothing was changed."), 422
    with services.database.read() as session:
        sent = case_halves.last_sent(session, case.id)
    page = {"case": case, "change": change, "subject": subject, "entries": entries, "sent": sent, "fault": fault}
    return render_template("console/aftercare/case_utopia.html", **page)


def _entry_page(
    case: Case, change: Change, entries: dict[str, str], wrong: dict[str, str] | None = None, fault: str = ""
) -> str:
    form = entry_form(change.fields, entries, wrong or {})
    return render_template("console/aftercare/case_utopia.html", case=case, change=change, form=form, fault=fault)


@cases.post("/<int:case_id>/utopia")
@requires(Role.ADMINISTRATOR)
def send(case_id: int) -> Page:
    """Send UTOPIA's call, once."""
    case, change = _with_change(case_id)
    entries, seen = given(change.fields, request.form), request.form.get("seen", "")
    if faults(change.fields, entries) or not seen.isdecimal() or len(seen) > 9:
        abort(400)
    if request.form.get("typed", "").strip() != entries[change.retyped]:
        page = _confirmation(case, change, entries, "This is not the number below; nothing was changed.")
        return (page, 422) if isinstance(page, str) else page
    try:
        write = case_halves.send(services_of(current_app), case_id, viewer().name, entries, int(seen))
    except NotAnswered as why:
        return _back(case_id, str(why), "failed")
    if write is None:
        return _back(case_id, "It was sent already; it was not sent again.", "failed")
    said = changes.outcome_in_words("UTOPIA", StepState(write.state))
    return _back(case_id, said, "done" if write.state == StepState.DONE else "failed")


def _with_change(case_id: int) -> tuple[Case, Change]:
    with services_of(current_app).database.read() as session:
        case: Any = session.get(Case, case_id) or abort(404)
    kind = CASE_KINDS[case.kind]
    return (case, case_halves.change_of(kind)) if kind.has_halves else abort(404)


def _told(case_id: int, done: bool, said: str, otherwise: str) -> Response:
    return _back(case_id, said) if done else _back(case_id, otherwise, "failed")


def _back(case_id: int, said: str, category: str = "done") -> Response:
    return lead_to("cases.show", said, category, case_id=case_id)
