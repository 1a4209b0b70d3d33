"""What a simulated PowerCode keeps: customers with their services, tickets and tags."""

import json
import re
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
    "extAccountID": "",
}
"""What `PowerCode.add_customer` fills in when it is not told."""

UNREADABLE = frozenset({"customerPortalPassword"})


@dataclass(frozen=True)
class Service:
    """A service on a customer's bill; the same one can be there twice, and is billed twice then."""

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
    services: list[Service] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)
    tags: list[int] = field(default_factory=list)

    @property
    def company_name(self) -> str:
        """The full name, which PowerCode keeps in `CompanyName`."""
        return f"{self.fields.get('firstName', '')} {self.fields.get('lastName', '')}".strip()

    @property
    def phone_numbers(self) -> list[str]:
        """The digits of each phone number."""
        try:
            phones = json.loads(self.fields.get("phone", ""))
            return [digits(phone["Number"]) for phone in phones]
        except (ValueError, TypeError, KeyError):
            return []

    def found_by(self, text: str) -> bool:
        """Whether the name, the address or a phone number contains the text."""
        names = ("physicalStreet", "physicalCity", "physicalZip")
        haystack = [self.company_name, *(self.fields.get(name, "") for name in names)]
        number = digits(text)
        is_phone = len(number) >= 7 and not re.search("[a-z]", text, re.IGNORECASE)
        return any(text.lower() in each.lower() for each in haystack) or (
            is_phone and any(number in phone for phone in self.phone_numbers)
        )

    def summary(self) -> dict[str, Any]:
        """What a search shows of the customer, without the id."""
        return {
            "CompanyName": self.company_name,
            "Address1": self.fields.get("physicalStreet", ""),
            "City": self.fields.get("physicalCity", ""),
        }

    def readable_fields(self) -> dict[str, str]:
        """The fields without the portal password."""
        return {name: value for name, value in self.fields.items() if name not in UNREADABLE}


def digits(text: Any) -> str:
    """The digits of a text."""
    return re.sub(r"\D", "", str(text))
