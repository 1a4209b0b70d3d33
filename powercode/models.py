"""What goes to PowerCode and what comes back, as frozen values (reference: PowerCode, form API and UAPI)."""

import html
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from wire.json_values import records, scalar

UNUSABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]+")
LINE_BREAK = re.compile(r"<br\s*/?>|\r\n|\r|\n", re.IGNORECASE)
BLANKS = re.compile(r"\s+")
ENVELOPE = {"statuscode", "message"}


def text(value: object) -> str:
    """`value` as a stripped string, line breaks kept; "" for null and anything that is no string and no number."""
    return UNUSABLE.sub(" ", scalar(value)).strip()


def digits(value: object) -> str:
    """An id as a string of digits, "" when `value` (a number or a string) is none."""
    found = text(value)
    return found if found.isascii() and found.isdecimal() else ""


def record_of(answer: dict[str, Any]) -> tuple[bool, list[dict[str, Any]]]:
    """Whether readCustomer's answer has a place for a customer, and the customers found there.

    The record is at the top of the answer or one level down; which of the two is not certain.
    """
    top = {name: value for name, value in answer.items() if _plain(name) not in ENVELOPE}
    named = [value for name, value in top.items() if _plain(name) in ("customer", "customers", "response")]
    nested = [each for value in named for each in records(value)]
    if nested or (named and not _first(_by_name(top), "customerid")):
        return True, nested
    if any(text(value) for value in top.values()):
        return True, [top]
    return bool(top), [each for value in top.values() for each in records(value)]


def scalars(value: object) -> Iterator[str]:
    """All strings and numbers in a JSON value, as strings, however deep."""
    waiting = [value]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, dict):
            waiting[:0] = each.values()
        elif isinstance(each, list):
            waiting[:0] = each
        elif found := text(each):
            yield found


@lru_cache(maxsize=1024)  # answers have the same names again and again
def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _by_name(raw: dict[str, Any]) -> dict[str, str]:
    """The texts by their names, without case and punctuation."""
    return {_plain(name): text(value) for name, value in raw.items()}


def _first(by_name: Mapping[str, str], *names: str) -> str:
    """The first text under one of `names`."""
    for name in names:
        if found := by_name.get(name):
            return found
    return ""


def _phone(raw: dict[str, Any]) -> str:
    """The numbers: a plain one, or each `Number` of a list, which also comes as a JSON string."""
    value = next((value for name, value in raw.items() if _plain(name) in ("phone", "phonenumber", "phones")), None)
    if isinstance(value, str) and value.strip().startswith(("[", "{")):
        try:
            value = json.loads(value)
        except ValueError:
            return text(value)
    return text(value) or ", ".join(found for each in records(value) if (found := _first(_by_name(each), "number")))


class Value(BaseModel):
    """Base of all values: frozen, comparable, and silent about its content in pydantic's own errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, coerce_numbers_to_str=True)


class Tag(Value):
    """A mark on a customer."""

    tag_id: str
    name: str = ""


class Answer(Value):
    """An answer whose shape PowerCode does not describe: `content` is its JSON."""

    action: str
    content: Any


class Customer(Value):
    """A customer as PowerCode shows it. Fields that the answer does not hold are "".

    `status` is PowerCode's word (`Active`, `Not Active`, `Delinquent`, ...). The names of readCustomer's fields are not
    certain, so `texts` keeps every string and number of the record.
    """

    customer_id: str
    name: str = ""
    address: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    status: str = ""
    notes: str = ""
    email: str = ""
    phone: str = ""
    ext_account_id: str = ""
    portal_username: str = ""
    texts: tuple[str, ...] = ()

    @classmethod
    def read(cls, raw: dict[str, Any]) -> Self:
        """From a record of searchCustomers or readCustomer."""
        known = _by_name(raw)
        name = _first(known, "companyname", "name", "fullname", "customername")
        first_and_last = f"{_first(known, 'firstname')} {_first(known, 'lastname')}".strip()
        return cls(
            customer_id=digits(_first(known, "customerid", "id")),
            name=name or first_and_last,
            address=_first(known, "address1", "physicalstreet", "address", "street"),
            city=_first(known, "city", "physicalcity"),
            state=_first(known, "state", "physicalstate"),
            zip=_first(known, "zip", "physicalzip", "zipcode"),
            status=_first(known, "status", "customerstatus"),
            notes=_first(known, "customernotes", "notes"),
            email=_first(known, "emailaddress", "email"),
            phone=_phone(raw),
            ext_account_id=_first(known, "extaccountid", "externalaccountid"),
            portal_username=_first(known, "customerportalusername", "portalusername"),
            texts=tuple(scalars(raw)),
        )

    def mentions_order(self, orderref: str) -> bool:
        """Whether some text has a line `Order# <orderref>`, blanks aside: then this account was made for that order."""
        wanted = "Order#" + BLANKS.sub("", orderref)
        lines = (line for each in self.texts for line in LINE_BREAK.split(each))
        return bool(orderref.strip()) and any(BLANKS.sub("", html.unescape(line)) == wanted for line in lines)


def order_notes(orderref: str, site_id: str, terms_agreed_on: str) -> tuple[str, ...]:
    """The lines of `customerNotes` by which staff, and `Customer.mentions_order`, find the order of an account."""
    return (
        f"Order# {orderref}",
        f"Utopia SiteID: {site_id}",
        f"Agreed to Service Provider Terms: {terms_agreed_on}",
    )


class NewCustomer(Value):
    """A customer to create. `state` is the USPS code; `ext_account_id` is UTOPIA's siteid; `notes` are lines.

    `portal_username` is the mail address where it is "".
    """

    first_name: str = Field(repr=False)
    last_name: str = Field(repr=False)
    email: str = Field(repr=False)
    phone: str = Field(repr=False)
    street: str = Field(repr=False)
    city: str = Field(repr=False)
    state: str = Field(repr=False)
    zip: str = Field(repr=False)
    ext_account_id: str
    portal_password: str = Field(repr=False)
    portal_username: str = Field(default="", repr=False)
    notes: tuple[str, ...] = Field(default=(), repr=False)
    geocode: bool = True
    tax_zone_id: str = "1"
    invoice_preference: str = "Email"
    bill_day: str = "Activation Date"
    due_by_days: str = "0"
    grace_period_days: str = "10"

    @property
    def private(self) -> tuple[str, ...]:
        """The values that must not show in an error when PowerCode repeats them."""
        person = (self.first_name, self.last_name, self.email, self.phone, f"{self.first_name} {self.last_name}")
        return (*person, self.portal_username, self.street, self.city, self.zip, self.portal_password, *self.notes)

    def fields(self) -> dict[str, str]:
        """createCustomer's form fields."""
        numbers = [{"Type": "Home", "Number": self.phone}] if self.phone else []
        return {
            "firstName": self.first_name,
            "lastName": self.last_name,
            "emailAddress": self.email,
            "physicalStreet": self.street,
            "physicalCity": self.city,
            "physicalState": self.state,
            "physicalZip": self.zip,
            "physicalAutomaticallyGeocode": "1" if self.geocode else "0",
            "billingSameAsPhysical": "1",
            "taxZoneId": self.tax_zone_id,
            "invoicePreference": self.invoice_preference,
            "billDay": self.bill_day,
            "dueByDays": self.due_by_days,
            "gracePeriodDays": self.grace_period_days,
            "customerNotes": "\n".join(" ".join(line.split()) for line in self.notes),  # one note can't pose as two
            "customerPortalUsername": self.portal_username or self.email,
            "customerPortalPassword": self.portal_password,
            "phone": json.dumps(numbers),
            "extAccountID": self.ext_account_id,
        }


class NewTicket(Value):
    """A ticket to open. `description` is HTML, and PowerCode mails it to the customer."""

    customer_id: str
    description: str = Field(repr=False)
    summary: str = "Customer has requested fiber service"
    category: str = "54"
    ticket_type: str = "21"
    responsible_user: str = "Sales"
    responsible_group_id: str = "4"
    status: str = "1"
    customer_viewable: bool = True

    def fields(self) -> dict[str, str]:
        """createTicket's form fields."""
        return {
            "type": "Individual",
            "summary": self.summary,
            "category": self.category,
            "ticketType": self.ticket_type,
            "description": self.description,
            "status": self.status,
            "responsibleUser": self.responsible_user,
            "responsibleGroupID": self.responsible_group_id,
            "customerViewable": "1" if self.customer_viewable else "0",
            "customerID": self.customer_id,
        }


def customer_page(powercode_url_with_port: str, customer_id: str) -> str:
    """The link to a customer's page for staff; the address holds the port (`https://pc.example.com:444`)."""
    base = powercode_url_with_port.rstrip("/")
    return f"{base}/index.php?q&page=/customers/_view.php&customerid={quote(str(customer_id), safe='')}"
