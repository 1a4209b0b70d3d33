"""Forms made from the fields of a look-up or a change."""

from collections.abc import Mapping
from typing import Any

from flask_wtf import FlaskForm
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice

from app.lookups.entry_fields import Field


def entry_form(fields: tuple[Field, ...], entered: Mapping[str, str], faults: Mapping[str, str]) -> FlaskForm:
    """A form that shows what was entered and what is wrong with it; sent with GET, so that it can be bookmarked."""
    made = type("EntryForm", (FlaskForm,), {field.name: _input(field) for field in fields})
    form = made(formdata=None, data={field.name: entered.get(field.name, "") for field in fields}, meta={"csrf": False})
    for name, fault in faults.items():
        form[name].errors = [fault]
    return form


def _input(field: Field) -> Any:
    label = field.label if field.required else f"{field.label} (optional)"
    if field.choices:
        choices = [SelectChoice("", "Any"), *(SelectChoice(choice) for choice in field.choices)]
        return SelectField(label, choices=choices, description=field.help)
    shape: dict[str, Any] = {"maxlength": field.longest, "autocomplete": "off", "spellcheck": "false"}
    if field.number:
        shape["inputmode"] = "numeric"
    return StringField(label, description=field.help, render_kw=shape)
