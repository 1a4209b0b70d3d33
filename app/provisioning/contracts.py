"""From UTOPIA's contract to what an account needs. Pure: a contract in, an applicant or the list of its faults out."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from app.provisioning.addresses import street_line, usps_state
from utopia import Contract

MAIL_ADDRESS = re.compile(r"[^@\s<>\",;:]+@[^@\s<>\",;:]+\.[^@\s<>\",;:]+")
ZIP = re.compile(r"\d{5}(-?\d{4})?")
LEAST_DIGITS, MOST_DIGITS = 7, 15
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

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, for the order's row."""
        return asdict(self)


class ContractFaults(Exception):
    """All that keeps a contract from becoming an account, in words for staff."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("; ".join(faults))


def one_line(text: str) -> str:
    """Without line breaks and other control characters, blanks collapsed."""
    return " ".join("".join(" " if not letter.isprintable() else letter for letter in text).split())


def applicant_of(contract: Contract) -> Applicant:
    """The applicant; raises `ContractFaults` with everything that is missing or unusable."""
    person, address = contract.customer, contract.address
    applicant = Applicant(
        first_name=one_line(person.first_name),
        last_name=one_line(person.last_name),
        email=one_line(person.email),
        phone=one_line(person.phone),
        street=street_line(one_line(address.street), one_line(address.unit)) if one_line(address.street) else "",
        city=one_line(address.city),
        state=usps_state(address.state) or "",
        zip=one_line(address.zip),
        site_id=one_line(address.site_id),
        terms_agreed_on=one_line(contract.terms_agreed_on),
    )
    faults = list(_faults(contract, applicant))
    if faults:
        raise ContractFaults(faults)
    return applicant


REQUIRED = {
    "first_name": "the first name",
    "last_name": "the last name",
    "email": "the mail address",
    "phone": "the phone number",
    "street": "the street address",
    "city": "the city",
    "zip": "the ZIP code",
    "site_id": "the site id",
}

LONGEST = dict.fromkeys(REQUIRED, 100) | {"street": 200, "email": 254, "site_id": 64}
"""In characters. Nobody's name is longer, and comparing such names would take minutes."""


def _faults(contract: Contract, applicant: Applicant) -> list[str]:
    missing = [words for name, words in REQUIRED.items() if not getattr(applicant, name)]
    faults = [f"UTOPIA's contract lacks {', '.join(missing)}"] if missing else []
    if not one_line(contract.address.state):
        faults.append("UTOPIA's contract lacks the state")
    elif not applicant.state:
        faults.append("the state in UTOPIA's contract is not a US state")
    too_long = [words for name, words in REQUIRED.items() if len(getattr(applicant, name)) > LONGEST[name]]
    if too_long:
        return [*faults, f"UTOPIA's contract is far too long in {', '.join(too_long)}"]
    if applicant.email and not MAIL_ADDRESS.fullmatch(applicant.email):
        faults.append("the mail address in UTOPIA's contract can't be right")
    if applicant.phone and not LEAST_DIGITS <= len(re.sub(r"\D", "", applicant.phone)) <= MOST_DIGITS:
        faults.append("the phone number in UTOPIA's contract can't be right")
    if applicant.zip and not ZIP.fullmatch(applicant.zip):
        faults.append("the ZIP code in UTOPIA's contract can't be right")
    if ENDED.search(contract.status):
        faults.append(f"UTOPIA says that the contract is {one_line(contract.status)[:40]}")
    return faults


def digits(phone: str) -> str:
    """A phone number as PowerCode stores it: ten digits where it is a US number, else as it was written."""
    only = re.sub(r"\D", "", phone)
    if len(only) == 11 and only.startswith("1"):
        only = only[1:]
    return only if len(only) == 10 else phone
