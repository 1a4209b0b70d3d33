"""What a person enters for a look-up or a change: a few short texts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

Given = Mapping[str, str]
"""The entries by the field's name, without blank ones."""

_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]*")


@dataclass(frozen=True)
class Field:
    """One text field. With `names_only`, it only serves to find the customer's name, and is not sent with a change."""

    name: str
    label: str
    help: str = ""
    required: bool = False
    longest: int = 64
    number: bool = False
    choices: tuple[str, ...] = ()
    names_only: bool = False

    def fault(self, value: str) -> str | None:
        """What is wrong with an entry, in words; None when nothing is."""
        if not value:
            return f"Write the {self.label[:1].lower()}{self.label[1:]}" if self.required else None
        if len(value) > self.longest:
            return f"Write at most {self.longest} characters"
        if self.number and not (value.isascii() and value.isdecimal()):
            return "Write digits only"
        if self.choices and value not in self.choices:
            return "Choose one of the list"
        return None if _PRINTABLE.fullmatch(value) else "Write letters, digits and signs only"


def given(fields: tuple[Field, ...], entered: Mapping[str, str]) -> dict[str, str]:
    """The entries of these fields, without blanks around them and without empty ones."""
    stripped = {field.name: entered.get(field.name, "").strip() for field in fields}
    return {name: value for name, value in stripped.items() if value}


def faults(fields: tuple[Field, ...], entries: Given) -> dict[str, str]:
    """What is wrong, by the field's name."""
    found = {field.name: field.fault(entries.get(field.name, "")) for field in fields}
    return {name: fault for name, fault in found.items() if fault is not None}
