"""The fields of a call of the form API, and the refusals for missing or wrong fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.accounts import Customer

if TYPE_CHECKING:
    from sandbox.powercode import PowerCode

NOT_GEOCODED = 23
NOT_FOUND = 4
BAD_FIELD = 5
NAME_TAKEN = 6

Fields = dict[str, str]


class RefusedError(Exception):
    """A failure: its text is the answer's `message`; apart from 23, the numbers are this sandbox's own."""

    def __init__(self, message: str, status_code: int) -> None:
        super().__init__(message)
        self.status_code = status_code


def customer_of(server: PowerCode, fields: Fields) -> Customer:
    """The customer whom `customerID` names."""
    customer = server.customers.get(whole_number(fields, "customerID"))
    if customer is None:
        raise RefusedError("Invalid customerID", NOT_FOUND)
    return customer


def required(fields: Fields, name: str) -> str:
    """A field that has to be there."""
    value = fields.get(name, "")
    if not value.strip():
        raise RefusedError(f"Missing required field: {name}", BAD_FIELD)
    return value


def whole_number(fields: Fields, name: str) -> int:
    """A field that has to be a number."""
    value = required(fields, name)
    if not (value.isascii() and value.isdecimal()):
        raise RefusedError(f"Invalid {name}", BAD_FIELD)
    return int(value)


def one_of(fields: Fields, name: str, *allowed: str) -> str:
    """A field that has to have one of the values allowed."""
    value = required(fields, name)
    if value not in allowed:
        raise RefusedError(f"Invalid {name}", BAD_FIELD)
    return value
