"""What UTOPIA's answers hold, as frozen values.

UTOPIA sends every value as a string; numbers, null and the string "None" have been seen too. Here each is a stripped
string, and "" when it is missing (reference: contract lookup).
"""

import re
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict

from wire.json_values import records, scalar

UNUSABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
ROUTER_MAC_CHARACTERS = 17


def text(value: object) -> str:
    """`value` as one stripped line; "" for null, "None" and anything that is not a string or a number."""
    line = UNUSABLE.sub(" ", scalar(value)).strip()
    return "" if line == "None" else line


def record(value: object) -> dict[str, Any]:
    """`value` when it is an object, its first object when it is a list (as PHP may send it), else an empty one."""
    if isinstance(value, dict):
        return value
    return next(iter(records(value)), {})


class Value(BaseModel):
    """Base of all answers: frozen, comparable, and storable as plain JSON."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: strings, booleans, lists and dicts."""
        return self.model_dump(mode="json")

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """The value that `to_dict` stored; pydantic's ValidationError for anything else."""
        return cls.model_validate(stored)


class Record(Value):
    """Base of values that are one object of UTOPIA's. A field has its own name there where the annotation says one."""

    @classmethod
    def read(cls, raw: dict[str, Any]) -> Self:
        """From the object as it came."""
        there = {name: field.metadata[0] if field.metadata else name for name, field in cls.model_fields.items()}
        return cls(**{name: text(raw.get(its_name)) for name, its_name in there.items()})


class Person(Record):
    """Who ordered: a contract's `customer`."""

    first_name: Annotated[str, "firstname"] = ""
    last_name: Annotated[str, "lastname"] = ""
    email: str = ""
    phone: str = ""


class Address(Record):
    """Where the fiber ends: a contract's `address` or `billingaddress` (which names no site).

    `state` is as UTOPIA writes it: `Montana`, `UTAH` or `UT`.
    """

    site_id: Annotated[str, "siteid"] = ""
    street: Annotated[str, "address"] = ""
    unit: Annotated[str, "apt"] = ""
    city: str = ""
    zip: str = ""
    state: str = ""


class OrderItem(Record):
    """One line of an order. `charge_type` is `mrc` (each month) or `nrc` (once); `description` names the plan."""

    pid: str = ""
    charge_type: Annotated[str, "chargetype"] = ""
    description: str = ""
    cost_per: Annotated[str, "costper"] = ""
    total_cost: Annotated[str, "totalcost"] = ""
    quantity: Annotated[str, "qty"] = ""


class Contract(Value):
    """An order as UTOPIA vouches for it. `terms_agreed_on` is UTOPIA's `YYYY-MM-DD HH:MM:SS`, without a time zone."""

    status: str = ""
    order_source: str = ""
    promo: str = ""
    contract_ready: bool = False
    customer: Person = Person()
    address: Address = Address()
    billing_name: str = ""
    billing_phone: str = ""
    billing_address: Address = Address()
    items: tuple[OrderItem, ...] = ()
    terms_agreed_on: str = ""

    @classmethod
    def read(cls, raw: object) -> Self | None:
        """From the answer of `contractlookup`; None when it names no customer at all, and so is no contract."""
        if not isinstance(raw, dict) or not record(raw.get("customer")):
            return None
        billing = record(raw.get("billingaddress"))
        return cls(
            status=text(raw.get("status")),
            order_source=text(raw.get("ordersource")),
            promo=text(raw.get("promo")),
            contract_ready=text(raw.get("contractdownload")).casefold() == "ready",
            customer=Person.read(record(raw.get("customer"))),
            address=Address.read(record(raw.get("address"))),
            billing_name=text(billing.get("name")),
            billing_phone=text(billing.get("phone")),
            billing_address=Address.read(billing),
            items=tuple(OrderItem.read(item) for item in records(raw.get("orderitems"))),
            terms_agreed_on=text(record(raw.get("termsagreement")).get("sp_terms_agree_date")),
        )


class Site(Record):
    """One address on the network (reference: address/search)."""

    address_id: str = ""
    address: str = ""
    unitnum: str = ""
    city: str = ""
    state: str = ""
    postcode: str = ""
    land_use: str = ""
    status: str = ""
    contract_type: str = ""
    pending_request: str = ""


class Answer(Value):
    """An answer whose shape UTOPIA does not describe: `content` is its JSON as it came."""

    action: str
    content: Any

    @property
    def rows(self) -> tuple[dict[str, Any], ...]:
        """The objects of the answer: those of a list, of its `result`, or the answer itself."""
        result = self.content.get("result") if isinstance(self.content, dict) else None
        return tuple(records(result if isinstance(result, (list, dict)) else self.content))


class AccessPortal(Answer):
    """The state of a site's access portal (reference: apview)."""

    @property
    def router_mac(self) -> str | None:
        """The customer's router: the first 17 characters of `result[0].eth.eth1.macs[0]`, None without one."""
        try:
            mac = self.content["result"][0]["eth"]["eth1"]["macs"][0]
        except (KeyError, IndexError, TypeError):
            return None
        return text(mac)[:ROUTER_MAC_CHARACTERS] or None
