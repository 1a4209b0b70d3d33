"""The forms on an order's page. Each carries the run of the order that the person saw, as `run`."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from flask_wtf import FlaskForm
from wtforms import DateField, Field, FieldList, HiddenField, IntegerField, StringField, TextAreaField
from wtforms.form import BaseForm
from wtforms.validators import DataRequired, Length, Optional, StopValidation

from app.provisioning.teamwork import LONGEST_NOTE, LONGEST_REASON, MOST_DAYS, is_a_day_ahead
from config_values import LARGEST_SERVICE_ID

LARGEST_NUMBER = 10**18 - 1
DIGITS = {"inputmode": "numeric", "autocomplete": "off"}


def stripped(value: str | None) -> str:
    """Without blanks around it."""
    return (value or "").strip()


def in_lines(value: str | None) -> str:
    """Without blanks around it, with any kind of line break as \\n."""
    return "\n".join(line.rstrip() for line in stripped(value).splitlines())


class PowerCodeNumber:
    """Validates a number of PowerCode's; a text that is no number and a number out of range get different messages."""

    def __init__(self, example: int, largest: int = LARGEST_NUMBER) -> None:
        self._digits_only = f"Write digits only, such as {example}"
        self._largest = largest

    def __call__(self, _form: BaseForm, field: Field) -> None:
        """Raises `StopValidation` with what is wrong."""
        digits = str(field.data or "").strip()
        if not (digits.isascii() and digits.isdecimal()):
            raise StopValidation(self._digits_only)
        if len(digits) > len(str(self._largest)) or not 0 < int(digits) <= self._largest:
            raise StopValidation(f"Write a number from 1 to {self._largest}, as PowerCode shows it")


A_CUSTOMER, A_TICKET, A_TAG = PowerCodeNumber(1001), PowerCodeNumber(50001), PowerCodeNumber(5)
A_SERVICE = PowerCodeNumber(164, LARGEST_SERVICE_ID)


def number_field(label: str, wanted: str, is_valid: PowerCodeNumber, **look: str) -> StringField:
    """A field for a number of PowerCode's; `wanted` is said when it is left empty."""
    return StringField(label, [DataRequired(wanted), is_valid], filters=[stripped], render_kw=DIGITS | look)


def note_field(label: str, wanted: str) -> TextAreaField:
    """A field for a few words, up to 2,000 characters; `wanted` is said when it is left empty."""
    required = [DataRequired(wanted), Length(max=2000, message="Write at most 2000 characters")]
    return TextAreaField(label, required, filters=[stripped], render_kw={"rows": 2})


class DecisionForm(FlaskForm):  # type: ignore[misc]
    """A decision that needs nothing but the button."""

    run = IntegerField(validators=[Optional()])


class CustomerForm(DecisionForm):
    """The number of a PowerCode customer."""

    customer_id = number_field("PowerCode customer number", "Write the customer's number, such as 1001", A_CUSTOMER)


class TicketForm(DecisionForm):
    """The number of a PowerCode ticket."""

    ticket_id = number_field("Number of the ticket in PowerCode", "Write the ticket's number, such as 50001", A_TICKET)


class NoteForm(DecisionForm):
    """Why an order is closed."""

    note = note_field("Why it is closed", "Write in a few words why the order is closed")


class WorkNoteForm(NoteForm):
    """What was done by hand, or why something is left out."""

    note = note_field("What you did, or why", "Write what you did, or why it is left out")

    @classmethod
    def of(cls, path: str, **options: Any) -> "WorkNoteForm":
        """The form of one action; its field is named after the action's path, as a page has several of these forms."""
        form = cls(**options)
        form.note.id = f"{path}-note"
        return form


class ColleaguesNoteForm(FlaskForm):  # type: ignore[misc]
    """What a person tells their colleagues about an order; it is kept whatever became of the order meanwhile."""

    text = TextAreaField(
        "Note for your colleagues",
        [
            DataRequired("Write what your colleagues should know"),
            Length(max=LONGEST_NOTE, message=f"Write at most {LONGEST_NOTE} characters"),
        ],
        filters=[in_lines],
        render_kw={"rows": 2, "maxlength": LONGEST_NOTE},
    )


class PutOffForm(FlaskForm):  # type: ignore[misc]
    """Until which day, and why; `near` is the day of a button that stands for a day close by."""

    day = DateField("Until", [Optional()])
    reason = StringField(
        "Why (optional)",
        [Length(max=LONGEST_REASON, message=f"Write at most {LONGEST_REASON} characters")],
        filters=[stripped],
        render_kw={"maxlength": LONGEST_REASON, "autocomplete": "off"},
    )
    near = DateField(validators=[Optional()])

    @classmethod
    def suggesting(cls, today: date, **seen: Any) -> "PutOffForm":
        """The form as a page first shows it, with next Monday filled in."""
        monday = today + timedelta(days=7 - today.weekday())
        form = cls(formdata=None, data={"day": monday, **seen})
        form.bound(today)
        return form

    def bound(self, today: date) -> None:
        """Set the first and last day that the browser offers."""
        first, last = today + timedelta(days=1), today + timedelta(days=MOST_DAYS)
        self.day.render_kw = {"min": first.isoformat(), "max": last.isoformat()}

    def until(self, today: date) -> date | None:
        """The chosen day; None when it is wrong, with the reason at its field."""
        self.bound(today)
        is_right = self.validate()
        day: date | None = self.near.data or self.day.data
        if day is None or not is_a_day_ahead(day, today):
            self.day.errors = [f"Choose a day from tomorrow on, and within {MOST_DAYS} days"]
            return None
        return day if is_right else None


class PlansForm(DecisionForm):
    """What each plan is sold as; `sure` says that the person has read what will be billed and to how many."""

    sure = HiddenField()
    services = FieldList(
        number_field("", "Write the number of a PowerCode service, such as 164", A_SERVICE, list="services-sold")
    )

    @classmethod
    def of(cls, plans: Sequence[str], sold_as: Sequence[int | None] = (), **options: Any) -> "PlansForm":
        """The form with a field for each plan; `sold_as` are known services to fill in when the page is first shown."""
        form = cls(**options)
        while len(form.services) > len(plans):
            form.services.pop_entry()
        while len(form.services) < len(plans):
            form.services.append_entry()
        for field, name in zip(form.services, plans, strict=True):
            field.label.text = f"PowerCode service for “{name[:200]}”"
        for field, service_id in zip(form.services, sold_as, strict=False):
            field.data = str(service_id or "")
        return form
