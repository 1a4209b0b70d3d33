"""The customer that a change concerns: name and address, asked for now, and doubts about what doesn't agree."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import utopia
from app.lookups.entry_fields import Given
from app.lookups.remote_requests import NotAnswered
from app.services import Services
from utopia.models import Contract
from wire.json_values import records

ORDERS_LOOKED_AT = 5
"""Most orders of a site that are looked up; a site normally has one or two."""


@dataclass(frozen=True)
class Subject:
    """A customer as the remote system has them now. `doubts` are sentences; with one, a person has to look twice."""

    name: str
    address: str
    facts: tuple[tuple[str, str], ...] = ()
    record: Any = None
    doubts: tuple[str, ...] = ()


def customer_at_site(services: Services, given: Given) -> Subject:
    """The customer `cid` at the site `siteid`, and whether UTOPIA names the same person in both places."""
    cid, siteid = given["cid"], given["siteid"]
    record = services.utopia.customer(cid).content
    contracts = contracts_at(services, siteid)
    name, address = name_in(record), next(filter(None, map(_address, contracts)), "")
    return Subject(
        name or "(UTOPIA names nobody)",
        address or "(UTOPIA names no address)",
        (("Customer number (cid)", cid), ("Site id", siteid)),
        record,
        tuple(_doubts(name, address, cid, siteid, contracts)),
    )


def customer_and_product(services: Services, given: Given) -> Subject:
    """The customer at the site, with the name of the product that will be the plan."""
    subject, pid = customer_at_site(services, given), given["product"]
    products = services.utopia.products().rows
    described = next((_text_of(row, "description") for row in products if _text_of(row, "pid") == pid), "")
    unknown = () if described else (f"UTOPIA's list of our products names no {pid}: check the number.",)
    facts = (*subject.facts, ("New product", f"{described or 'not known'} ({pid})"))
    return replace(subject, facts=facts, doubts=(*subject.doubts, *unknown))


def service_item(services: Services, given: Given) -> Subject:
    """Whose service item `servid` at `siteid` is."""
    siteid, servid = given["siteid"], given["servid"]
    record = services.utopia.service(siteid).content
    return _ordered_at(
        contracts_at(services, siteid),
        (("Service item", servid), ("Site id", siteid)),
        record,
        []
        if _holds(record, servid)
        else [f"UTOPIA names no service item {servid} at site {siteid}: check the number."],
    )


def order_item(services: Services, given: Given) -> Subject:
    """Whose item `itemid` of the order `orderref` is."""
    orderref, itemid = given["orderref"], given["itemid"]
    contract = services.utopia.contract(orderref)
    record = services.utopia.orders(orderref=orderref).content
    return _ordered_at(
        [contract],
        (("Order item", itemid), ("Order", orderref)),
        record,
        [] if _holds(record, itemid) else [f"UTOPIA names no item {itemid} in order {orderref}: check the number."],
    )


def powercode_customer(services: Services, given: Given) -> Subject:
    """A customer of PowerCode and the tags they have."""
    customer_id = given["customer_id"]
    customer = services.powercode.read_customer(customer_id=customer_id)
    if customer is None:
        raise NotAnswered("PowerCode has no such customer.", no_such_record=True)
    tags = services.powercode.customer_tags(customer_id)
    shown = ", ".join(f"{tag.name} ({tag.tag_id})" if tag.name else tag.tag_id for tag in tags)
    return Subject(
        customer.name or "(PowerCode names nobody)",
        ", ".join(filter(None, (customer.address, customer.city))) or "(PowerCode names no address)",
        (("PowerCode customer", customer_id), ("Tags now", shown or "none")),
        {"tags": [tag.tag_id for tag in tags]},
        () if customer.name else ("PowerCode's record names nobody: look at the customer's page first.",),
    )


def customer_and_tag(services: Services, given: Given, *, adds: bool) -> Subject:
    """The customer of PowerCode, and whether they have the tag already."""
    subject = powercode_customer(services, given)
    if adds != (given["tag_id"] in subject.record["tags"]):
        return subject
    useless = "The customer has this tag already." if adds else "The customer doesn't have this tag."
    return replace(subject, doubts=(*subject.doubts, useless))


def contracts_at(services: Services, siteid: str) -> list[Contract]:
    """The contracts of our orders at a site, the first few."""
    rows = services.utopia.orders(siteid=siteid).rows
    named = dict.fromkeys(ref for row in rows if (ref := _text_of(row, "orderref")))
    found = []
    for orderref in list(named)[:ORDERS_LOOKED_AT]:
        try:
            contract = services.utopia.contract(orderref)
        except (utopia.NotOurs, utopia.Refused):
            continue
        if contract.address.site_id == siteid:
            found.append(contract)
    return found


def name_in(record: object) -> str:
    """The person that a record of UTOPIA's names, however deep; "" when it names none."""
    for each in _objects(record):
        first_and_last = f"{_text_of(each, 'firstname')} {_text_of(each, 'lastname')}".strip()
        name = first_and_last or next(filter(None, (_text_of(each, key) for key in ("name", "fullname"))), "")
        if name:
            return name
    return ""


def _ordered_at(
    contracts: list[Contract], facts: tuple[tuple[str, str], ...], record: Any, doubts: list[str]
) -> Subject:
    people = list(dict.fromkeys(filter(None, map(_person, contracts))))
    address = next(filter(None, map(_address, contracts)), "")
    if len(people) > 1:
        doubts = [*doubts, f"UTOPIA names several people there: {', '.join(people)}."]
    if not (people and address):
        doubts = [*doubts, "UTOPIA doesn't name both a person and an address here: look at the record first."]
    name = ", ".join(people) or "(UTOPIA names nobody)"
    return Subject(name, address or "(UTOPIA names no address)", facts, record, tuple(doubts))


def _doubts(name: str, address: str, cid: str, siteid: str, contracts: list[Contract]) -> Iterator[str]:
    if not name:
        yield f"UTOPIA's record of customer {cid} names nobody: look at the record first."
    if not address:
        yield f"UTOPIA names no order of ours at site {siteid}, so its address isn't known here."
    people = [person for contract in contracts if (person := _person(contract))]
    if name and people and _plain(name) not in map(_plain, people):
        yield f"At site {siteid} UTOPIA names {', '.join(dict.fromkeys(people))}, not {name}: check both numbers."


def _person(contract: Contract) -> str:
    return f"{contract.customer.first_name} {contract.customer.last_name}".strip()


def _address(contract: Contract) -> str:
    place = contract.address
    street = f"{place.street} {place.unit}".strip()
    return ", ".join(filter(None, (street, " ".join(f"{place.city} {place.state} {place.zip}".split()))))


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _objects(record: object, depth: int = 0) -> Iterator[dict[str, Any]]:
    if depth > 3:
        return
    inner = record if isinstance(record, list) else records(record)
    for each in inner:
        if isinstance(each, dict):
            yield each
            for value in each.values():
                if isinstance(value, (dict, list)):
                    yield from _objects(value, depth + 1)


def _text_of(record: dict[str, Any], key: str) -> str:
    """The text under `key`, whatever its case and punctuation."""
    values = (value for name, value in record.items() if _plain(str(name)) == key)
    return next((utopia.models.text(value) for value in values if isinstance(value, (str, int))), "")


def _holds(record: object, wanted: str) -> bool:
    """Whether some value of the record equals the text."""
    return any(utopia.models.text(value) == wanted for each in _objects(record) for value in each.values())
