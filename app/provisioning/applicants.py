"""From UTOPIA's contract to what an account needs. Pure: a contract in, an applicant or its faults out."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.models import Order
from app.provisioning.matching.powercode_addresses import mended_zip, street_line, usps_state
from app.wording.invisible_characters import one_line
from utopia import Address, Contract, Person

PERSON = ("first_name", "last_name", "email", "phone")
PLACE = ("street", "unit", "city", "state", "zip")
PORTAL_USERNAME = "portal_username"
CORRECTABLE = (*PERSON, *PLACE, PORTAL_USERNAME)
"""The fields that staff may correct. The site id is none of them: it says which fiber is meant. UTOPIA has no name for
PowerCode's portal: unless staff write one, the mail address is used."""

PORTAL_NAME = re.compile(r"[^\s<>\"']+")
CAN_BE_RIGHT: Mapping[str, re.Pattern[str]] = {
    "email": re.compile(r"[^@\s<>\",;:]+@[^@\s<>\",;:]+\.[^@\s<>\",;:]+"),
    "phone": re.compile(r"\D*(?:\d\D*){7,15}"),
    "zip": re.compile(r"\d{5}(-?\d{4})?"),
    PORTAL_USERNAME: PORTAL_NAME,
}
"""The form of a field's value."""
ENDED = re.compile(r"cancel|declin|void|expir|reject", re.IGNORECASE)


@dataclass(frozen=True)
class Applicant:
    """The person and the address of an order, as PowerCode takes them: one line each, the state as USPS code."""

    first_name: str
    last_name: str
    email: str
    phone: str
    street: str
    city: str
    state: str
    zip: str
    site_id: str
    terms_agreed_on: str
    portal_username: str = ""

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, for the order's row. Without a portal name, a version that knows none can read it, too."""
        return {name: value for name, value in vars(self).items() if value or name != PORTAL_USERNAME}


WORDS: Mapping[str, str] = {
    "first_name": "the first name",
    "last_name": "the last name",
    "email": "the mail address",
    "phone": "the phone number",
    "street": "the street address",
    "unit": "the unit",
    "city": "the city",
    "state": "the state",
    "zip": "the ZIP code",
    "site_id": "the site id",
    PORTAL_USERNAME: "the portal's user name",
}
"""The fields of a contract in words for staff."""

LONGEST: Mapping[str, int] = dict.fromkeys(WORDS, 100) | {
    "street": 200,
    "email": 254,
    "site_id": 64,
    PORTAL_USERNAME: 254,
}
"""In characters. Nobody's name is longer, and comparing such names would take minutes."""


class Wrong(StrEnum):
    """What can be wrong with a field; the value is a sentence about it."""

    MISSING = "This is missing."
    TOO_LONG = "This is far too long."
    NO_STATE = "This is not a US state."
    NOT_RIGHT = "This can't be right."


@dataclass(frozen=True)
class Reading:
    """What a contract says about its applicant. `wrong` has each field that can't be used.

    `ended` is UTOPIA's word for a contract that is over, "" for one that is not.
    """

    applicant: Applicant
    wrong: Mapping[str, Wrong]
    ended: str


class CorrectedPerson(Person):
    """Who ordered, with what staff alone say of them."""

    portal_username: str = ""


def fields_of(contract: Contract) -> dict[str, str]:
    """The values that staff may correct, one line each, cut where they are too long to be used anyway."""
    person, place = contract.customer, contract.address
    portal_username = one_line(_portal_username(person))[: LONGEST[PORTAL_USERNAME] + 1]
    return {**_cut(person, PERSON), **_cut(place, PLACE), PORTAL_USERNAME: portal_username}


def _cut(said: Person | Address, names: Sequence[str]) -> dict[str, str]:
    return {name: one_line(getattr(said, name))[: LONGEST[name] + 1] for name in names}


def address_of(order: Order, contract: Contract) -> str:
    """An order's address in mails, lists and on its page: as its account has it, or else as it would have it.

    `contract` is `contract_of(order)`.
    """
    place, account = _cut(contract.address, PLACE), order.account or {}
    street = account.get("applicant", {}).get("street") or street_line(place["street"], place["unit"])
    town = f"{place['city']} {usps_state(place['state']) or place['state']} {place['zip']}"
    return ", ".join(filter(None, (street, one_line(town))))


def corrected(contract: Contract, corrections: Mapping[str, str] | None) -> Contract:
    """The contract with the values that staff wrote instead of UTOPIA's; other fields are left alone."""
    written = {name: value for name, value in (corrections or {}).items() if name in CORRECTABLE}
    if not written:
        return contract
    person = {name: value for name, value in written.items() if name in PERSON}
    place = {name: value for name, value in written.items() if name in PLACE}
    customer = contract.customer.model_copy(update=person)
    if PORTAL_USERNAME in written:
        customer = CorrectedPerson(**customer.model_dump(), portal_username=written[PORTAL_USERNAME])
    changes = {
        "customer": customer,
        "address": contract.address.model_copy(update=place),
    }
    return contract.model_copy(update=changes)


def contract_of(order: Order) -> Contract:
    """The contract that is stored with the order, with its corrections; an empty one as long as none is stored."""
    return corrected(Contract.from_dict(order.contract or {}), order.corrections)


def read_applicant(contract: Contract) -> Reading:
    """The applicant with everything that is wrong about it, so that a person can see all of it at once."""
    person, address = contract.customer, contract.address
    street, unit = one_line(address.street), one_line(address.unit)
    applicant = Applicant(
        first_name=one_line(person.first_name),
        last_name=one_line(person.last_name),
        email=one_line(person.email),
        phone=one_line(person.phone),
        street=street_line(street, unit) if street else "",
        city=one_line(address.city),
        state=usps_state(address.state) or "",
        zip=mended_zip(one_line(address.zip)),
        site_id=one_line(address.site_id),
        terms_agreed_on=one_line(contract.terms_agreed_on),
        portal_username=one_line(_portal_username(person)),
    )
    values = vars(applicant) | {"unit": unit, "state": one_line(address.state)}
    wrong = {name: fault for name in WORDS if (fault := _wrong(name, values[name]))}
    return Reading(applicant, wrong, one_line(contract.status)[:40] if ENDED.search(contract.status) else "")


def _portal_username(person: Person) -> str:
    return person.portal_username if isinstance(person, CorrectedPerson) else ""


def _wrong(name: str, value: str) -> Wrong | None:
    if not value:
        return None if name in ("unit", PORTAL_USERNAME) else Wrong.MISSING
    if len(value) > LONGEST[name]:
        return Wrong.TOO_LONG
    if name == "state":
        return None if usps_state(value) else Wrong.NO_STATE
    form = CAN_BE_RIGHT.get(name)
    return None if form is None or form.fullmatch(value) else Wrong.NOT_RIGHT


def faults_in_words(reading: Reading) -> Iterator[str]:
    """All that keeps a contract from becoming an account, a sentence for each kind of fault."""
    words = {kind: [WORDS[name] for name, wrong in reading.wrong.items() if wrong is kind] for kind in Wrong}
    if words[Wrong.MISSING]:
        yield f"UTOPIA's contract lacks {', '.join(words[Wrong.MISSING])}"
    if words[Wrong.TOO_LONG]:
        yield f"UTOPIA's contract is far too long in {', '.join(words[Wrong.TOO_LONG])}"
    for word in words[Wrong.NO_STATE]:
        yield f"{word} in UTOPIA's contract is not a US state"
    for word in words[Wrong.NOT_RIGHT]:
        yield f"{word} in UTOPIA's contract can't be right"
    if reading.ended:
        yield f"UTOPIA says that the contract is {reading.ended}"


def digits(phone: str) -> str:
    """A phone number as PowerCode stores it: ten digits where it is a US number, else as it was written."""
    only = re.sub(r"\D", "", phone)
    if len(only) == 11 and only.startswith("1"):
        only = only[1:]
    return only if len(only) == 10 else phone
