"""What a simulated PowerCode keeps: customers with their services, tickets and tags."""

import json
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

SEEDED_FIELDS = {
    "firstName": "Grace",
    "lastName": "Moe",
    "emailAddress": "grace.moe@example.com",
    "physicalStreet": "48 OLD MILL ROAD",
    "physicalCity": "Bozeman",
    "physicalState": "MT",
    "physicalZip": "59715",
    "customerNotes": "Entered by hand",
    "customerPortalUsername": "grace.moe@example.com",
    "phone": '[{"Type": "Home", "Number": "4065550119"}]',
}
"""Defaults of `PowerCode.add_customer`. Such a customer was typed in by a person, so there is no `extAccountID`."""

STATUSES = ("Active", "Not Active", "Delinquent")

UNREADABLE = frozenset({"customerPortalPassword"})
NAMED = ("firstName", "lastName", "extAccountID", "physicalStreet", "physicalCity", "physicalState")
"""The fields that a nested record always has, beside the id, the whole name and the status."""
NOT_CERTAIN = {
    "phone": "phone",
    "mail": "emailAddress",
    "zip": "physicalZip",
    "notes": "customerNotes",
    "portal": "customerPortalUsername",
    "site": "extAccountID",
}
"""What an answer may or may not tell of a customer, and the field of `createCustomer` for it."""


@dataclass(frozen=True)
class Service:
    """A service on a customer's bill; the same service can be there twice, and is then billed twice."""

    service_id: int
    quantity: int
    prorated: bool


@dataclass(frozen=True)
class Ticket:
    """A ticket as `createTicket` took it."""

    ticket_id: int
    fields: dict[str, str]


@dataclass
class Customer:
    """A customer as `createCustomer` took it (`fields`), and what was added since; `tags` are tag ids."""

    customer_id: int
    fields: dict[str, str]
    status: str = "Active"
    services: list[Service] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)
    tags: list[int] = field(default_factory=list)

    @property
    def company_name(self) -> str:
        """The full name, which PowerCode keeps in `CompanyName`."""
        first_and_last = f"{self.fields.get('firstName', '')} {self.fields.get('lastName', '')}".strip()
        return self.fields.get("companyName") or first_and_last

    @property
    def phone_numbers(self) -> list[str]:
        """Each phone number as somebody wrote it."""
        written = self.fields.get("phone", "")
        try:
            return [str(phone["Number"]) for phone in json.loads(written)]
        except (ValueError, TypeError, KeyError):
            return [written]

    def found_by(self, text: str, *, folds: bool) -> bool:
        """Whether the name, the address or a phone number contains the text, as it is written there.

        `folds`: without regard to case and accents.
        """
        address = (self.fields.get(name, "") for name in ("physicalStreet", "physicalCity", "physicalZip"))
        written = (self.company_name, *address, *self.phone_numbers)
        return any(folded(text) in folded(each) if folds else text in each for each in written)

    def summary(self, tells: Collection[str] = ()) -> dict[str, Any]:
        """What a search shows of the customer, without the id; `tells` are names of `NOT_CERTAIN`, or `status`."""
        status = {"Status": self.status} if "status" in tells else {}
        return {
            "CompanyName": self.company_name,
            "Address1": self.fields.get("physicalStreet", ""),
            "City": self.fields.get("physicalCity", ""),
            **{name: self.fields[name] for each, name in NOT_CERTAIN.items() if each in tells and name in self.fields},
            **status,
        }

    def record(self, tells: Collection[str], *, nested: bool) -> dict[str, Any]:
        """What `readCustomer` shows, without the id; a nested record has other fields under other names."""
        silent = {name for each, name in NOT_CERTAIN.items() if each not in tells and each != "site"}
        told = {name: value for name, value in self.readable_fields().items() if name not in silent}
        if not nested:
            return {**self.summary(), **told, "status": self.status}
        certain = {name: self.fields.get(name, "") for name in NAMED}
        also = {name: told[name] for name in NOT_CERTAIN.values() if name in told}
        return {"companyName": self.company_name, **certain, **also, "status": self.status}

    def readable_fields(self) -> dict[str, str]:
        """The fields without the portal password."""
        return {name: value for name, value in self.fields.items() if name not in UNREADABLE}


def folded(text: str) -> str:
    """The text without its case and its accents."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).casefold()
