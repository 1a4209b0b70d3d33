"""The old script's `failed_orders.json`: orders that it could not finish.

Each order is fetched from UTOPIA by its reference and goes its usual way. If the old script made an account before it
failed, the account is found, and the order becomes `exists`: no second account is made. Left out are orders that a
person had settled, and the references that the script invented for callbacks without one (reference: the old scripts).
"""

import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from app.callbacks.contents import NEW_ORDER, ORDERREF
from app.models import Order
from app.provisioning import intake
from app.services import Services
from app.setup.legacy.findings import Became, Entry, shown, unwrapped, value_of

WRAPPERS = ("failedorders", "orders")
REFERENCE = ("orderref",)
MESSAGE = ("msg",)
RESOLVED = ("resolved",)
MOMENTS = ("firstfailure", "timestamp")
YES_AND_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False, "none": False}

SETTLED = "somebody had settled it there (resolved)"

_INVENTED = re.compile(r"UNKNOWN(_.*)?", re.IGNORECASE)


def read(content: Any) -> Iterator[Entry]:
    """The orders in a file: `TAKEN` for an order to be taken in, with its reference as the subject.

    The file is a list of references, a list of objects with an `orderref`, or an object whose keys are the references.
    """
    entries = list(_entries(content))
    decided = {entry.subject for entry in entries if entry.why == SETTLED}
    for entry in entries:
        if entry.became is Became.TAKEN and entry.subject in decided:
            yield Entry(entry.subject, Became.LEFT_OUT, "another entry of the file decides about the same order")
            continue
        if entry.became is Became.TAKEN:
            decided.add(entry.subject)
        yield entry


def _entries(content: Any) -> Iterator[Entry]:
    content = unwrapped(content, WRAPPERS)
    if isinstance(content, list):
        yield from (_one(each, number) for number, each in enumerate(content, 1))
    elif isinstance(content, dict) and value_of(content, REFERENCE) is not None:
        yield _one(content, 1)
    elif isinstance(content, dict):
        yield from (_named(name, value) for name, value in content.items())
    else:
        yield Entry("the file", Became.NOT_TAKEN, "it is no list of orders")


def _one(each: Any, number: int) -> Entry:
    """An entry of a list."""
    if isinstance(each, str):
        return _of_record(each.strip(), {})
    reference = value_of(each, REFERENCE) if isinstance(each, dict) else None
    if not isinstance(reference, str):
        return Entry(f"entry {number}", Became.NOT_TAKEN, "it has no orderref")
    return _of_record(reference.strip(), each)


def _named(name: str, value: Any) -> Entry:
    """An entry of an object whose keys are the references."""
    inner = value_of(value, REFERENCE) if isinstance(value, dict) else None
    if isinstance(inner, str) and inner.strip() != name.strip():
        return Entry.about(name, Became.NOT_TAKEN, "it has another orderref inside")
    if not any(letter.isdecimal() for letter in name):
        return Entry.about(name, Became.NOT_TAKEN, "it is no order reference")
    return _of_record(name.strip(), value if isinstance(value, dict) else {})


def _of_record(reference: str, record: dict[str, Any]) -> Entry:
    """The entry for an order's record."""
    resolved = YES_AND_NO.get(str(value_of(record, RESOLVED)).strip().casefold())
    if resolved is None:
        return Entry.about(reference, Became.NOT_TAKEN, "it does not say whether it is resolved: true or false")
    if resolved:
        return Entry.about(reference, Became.LEFT_OUT, SETTLED)
    if _INVENTED.fullmatch(reference):
        return Entry.about(reference, Became.LEFT_OUT, _invented(record))
    if _starts_nothing(record):
        return Entry.about(reference, Became.LEFT_OUT, "its message is not “Project New Order”: it starts no order")
    if not ORDERREF.fullmatch(reference):
        return Entry.about(reference, Became.NOT_TAKEN, "it is no order reference")
    return Entry(reference, Became.TAKEN)


def _invented(record: dict[str, Any]) -> str:
    moment = value_of(record, MOMENTS[:1]) or value_of(record, MOMENTS)
    when = f" of {shown(moment)}" if isinstance(moment, str) else ""
    return (
        f"the old script invented this reference: the callback{when} had none. See whether UTOPIA has an order of that "
        "time that is not in PowerCode, and take it in by its number: orders submit REF"
    )


def _starts_nothing(record: dict[str, Any]) -> bool:
    """Whether the record is a kept callback whose message starts no order, as most don't."""
    message = value_of(record, MESSAGE)
    return isinstance(message, str) and " ".join(message.split()).casefold() != NEW_ORDER


def take(services: Services, entries: list[Entry], *, dry_run: bool) -> list[Entry]:
    """Take in the orders that are not known yet, and start their work; returns the entries with what became of them."""
    known = _known(services, [entry.subject for entry in entries if entry.became is Became.TAKEN])
    taken = []
    for entry in entries:
        if entry.became is Became.TAKEN and entry.subject in known:
            taken.append(Entry(entry.subject, Became.HERE, f"it is {known[entry.subject]}"))
            continue
        if entry.became is Became.TAKEN and not dry_run:
            with services.database.write() as session:
                intake.take_in(services, session.connection(), [entry.subject])
        taken.append(entry)
    return taken


def _known(services: Services, orderrefs: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    with services.database.read() as session:
        for start in range(0, len(orderrefs), 500):
            those = Order.orderref.in_(orderrefs[start : start + 500])
            found |= dict(session.execute(select(Order.orderref, Order.state).where(those)).all())
    return found
