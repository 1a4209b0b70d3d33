"""Finding orders: a row of words for each order, kept with it, and pages of the orders that match.

A search reads every row of words, but never an order's own row, which holds its contract.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import reduce
from operator import or_ as or_bits
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    event,
    false,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.models import OnIt, Order, OrderSearch, OrderState, PutOff, now
from app.provisioning.applicants import contract_of, digits, one_line
from app.provisioning.causes.put_off_orders import IS_ITS_ROW
from app.provisioning.matching.powercode_addresses import street_line, usps_state
from app.provisioning.order_search_words import (
    LONGEST_TEXT,
    Term,
    is_reference,
    line_of,
    note_line,
    pieces_of,
    terms_of,
)
from app.provisioning.people_on_orders import IS_ON_IT
from app.storage.database import Database, connection_of
from utopia import Contract

PAGE = 50
BATCH = 500
MOST_COUNTED = 1000
"""Where the search has to read each order's words, it stops counting here, so that the reader need not wait."""


@dataclass(frozen=True)
class FoundOrder:
    """An order as a list shows it; `person`, `address` and `plan` are "" as long as UTOPIA was not asked.

    `on_it` names who said that they are on it.
    """

    id: int
    orderref: str
    run: int
    state: str
    problem: str | None
    reason: str | None
    customer_id: str | None
    ticket_id: str | None
    waiting_for: str | None
    next_try_at: datetime | None
    received_at: datetime
    finished_at: datetime | None
    person: str
    address: str
    plan: str
    on_it: str | None
    put_off_until: datetime | None


class Sort(StrEnum):
    """What a list of orders can be sorted by."""

    ORDER = "order"
    PERSON = "person"
    PLAN = "plan"
    STATE = "state"
    RECEIVED = "received"


@dataclass(frozen=True)
class Wanted:
    """Which orders somebody wants to see: those that match all of these. `until` is the first moment too late."""

    text: str = ""
    state: str | None = None
    problem: str | None = None
    plan: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    sort: Sort = Sort.RECEIVED
    descending: bool = True


@dataclass(frozen=True)
class Page:
    """One page of orders. `first` is its first order's number among `total`; `counted`: `total` is the exact number."""

    orders: Sequence[FoundOrder]
    first: int
    total: int
    counted: bool
    more: bool


# Keeping


def keep(session: Session, order: Order) -> None:
    """Bring the order's row of words up to date, in the transaction that changes the order.

    An order whose details were removed keeps its words until its contract is fetched again.
    """
    connection = connection_of(session)
    row = connection.execute(KEPT, {"of": order.id}).mappings().first()
    if row is None:
        found_by = _found_by(order)
        connection.execute(INSERT_ROW, {"order_id": order.id, "notes": "", **found_by, **pieces_in(found_by["words"])})
    elif order.contract is not None:
        found_by = _found_by(order, row["notes"])
        changed: dict[str, Any] = {name: text for name, text in found_by.items() if text != row[name]}
        if "words" in changed:
            changed |= pieces_in(changed["words"])
        if changed:
            connection.execute(UPDATE_ROW, {"of": order.id, **changed})


def keep_references(connection: Connection, orders: Mapping[str, int]) -> None:
    """Let orders that just came in be found by their references; `orders` has their ids by reference."""
    nothing = {"person": "", "address": "", "plan": "", "notes": ""}
    lines = [(id, reference_line(orderref)) for orderref, id in orders.items()]
    rows = [{"order_id": id, "words": line, **nothing, **pieces_in(line)} for id, line in lines]
    connection.execute(INSERT_ROW, rows)


# Built once, and on the table: each order's words are kept several times.
ROWS = OrderSearch.__table__
INSERT_ROW = insert(ROWS)  # type: ignore[arg-type]
UPDATE_ROW = update(ROWS).where(ROWS.c.order_id == bindparam("of"))  # type: ignore[arg-type]
KEPT = select(ROWS.c.person, ROWS.c.address, ROWS.c.plan, ROWS.c.words, ROWS.c.notes).where(
    ROWS.c.order_id == bindparam("of")
)

PIECES = (OrderSearch.pieces_1, OrderSearch.pieces_2, OrderSearch.pieces_3, OrderSearch.pieces_4)


def pieces_in(line: str) -> dict[str, int]:
    """The columns that a row keeps beside its line of words: its pieces, by column."""
    return {column.key: bits for column, bits in zip(PIECES, pieces_of(line), strict=True)}


@event.listens_for(OrderSearch.words, "set")
def _keep_pieces(row: OrderSearch, words: str, before: object = None, *_: object) -> None:
    if words != before:
        for name, bits in pieces_in(words).items():
            setattr(row, name, bits)


def keep_note(session: Session, order_id: int, text: str) -> None:
    """Let the order be found by what a person wrote about it, too."""
    row, words = session.get(OrderSearch, order_id), note_line(text)
    if row is not None:
        row.words, row.notes = row.words + words, row.notes + words
        session.flush()  # `keep` reads the row itself


def words_of(row: OrderSearch) -> str:
    """The order's own words, without those of notes: notes may name anybody."""
    return row.words.removesuffix(row.notes)


def forget_notes(session: Session, order_ids: Sequence[int]) -> None:
    """Let the orders no longer be found by what people wrote about them."""
    without = func.substr(OrderSearch.words, 1, func.length(OrderSearch.words) - func.length(OrderSearch.notes))
    noted = update(OrderSearch).where(OrderSearch.order_id.in_(order_ids), OrderSearch.notes != "")
    session.execute(noted.values(words=without, notes="").execution_options(synchronize_session=False))


def reference_line(*references: str | None) -> str:
    """The words of an order of which only numbers may be kept: its reference, customer and ticket."""
    return line_of(texts=(), references=filter(None, references))


def _found_by(order: Order, notes: str = "") -> dict[str, str]:
    """What an order is found by, and shown with, by column; `notes` are the words of people's notes."""
    contract = contract_of(order)
    person = _cut(f"{contract.customer.first_name} {contract.customer.last_name}")
    address, plan = _address(order, contract), _plan(order, contract)
    words = line_of(
        references=[order.orderref],
        texts=[person, *_numbers(order, contract), plan],
        address=f"{address} {_cut(contract.address.unit)}",
        mail=_cut(contract.customer.email),
    )
    return {"person": person, "address": address, "plan": plan, "words": words + notes}


def _address(order: Order, contract: Contract) -> str:
    """The address as the order's page and the mails have it: the unit in the street line, the state as code."""
    place = contract.address
    street = (order.account or {}).get("applicant", {}).get("street") or street_line(
        one_line(place.street)[:LONGEST_TEXT], one_line(place.unit)[:LONGEST_TEXT]
    )
    town = f"{place.city} {usps_state(place.state) or place.state} {place.zip}"
    return ", ".join(part for part in (_cut(street), _cut(town)) if part)


def _plan(order: Order, contract: Contract) -> str:
    ordered = [description for _, description in (order.account or {}).get("plans", [])]
    monthly = [item.description for item in contract.items if item.charge_type.casefold() == "mrc"]
    return _cut(", ".join(dict.fromkeys(ordered or monthly)))


def _numbers(order: Order, contract: Contract) -> list[str]:
    phone = re.sub(r"\D", "", digits(_cut(contract.customer.phone)))
    return [phone, order.customer_id or "", order.ticket_id or "", order.site_id or ""]


def _cut(text: str) -> str:
    return one_line(text)[:LONGEST_TEXT]


def backfill(database: Database) -> int:
    """Make the rows of orders that have none, or an old one, `BATCH` in a transaction; returns how many were made."""
    made, last = _add_pieces(database), 0
    while True:
        with database.write() as session:
            rows = _without_words(session, last)
            for order, row in rows:
                _make(session, order, row)
            ids = [order.id for order, _ in rows]
        if not ids:
            return made
        made, last = made + len(ids), ids[-1]


def _add_pieces(database: Database) -> int:
    """Add the pieces to rows that a former version wrote."""
    added, last = 0, 0
    lacks = select(OrderSearch.order_id, OrderSearch.words).where(OrderSearch.pieces_1 == -1)
    while True:
        with database.write() as session:
            next_ones = lacks.where(OrderSearch.order_id > last).order_by(OrderSearch.order_id).limit(BATCH)
            rows = session.execute(next_ones).all()
            if not rows:
                return added
            session.execute(update(OrderSearch), [{"order_id": id, **pieces_in(words)} for id, words in rows])
            added, last = added + len(rows), rows[-1][0]


def _without_words(session: Session, last: int) -> Sequence[tuple[Order, OrderSearch | None]]:
    """Orders without a row of words, or with a former version's, whose line does not begin with a blank."""
    lacks = OrderSearch.order_id.is_(None) | OrderSearch.words.not_like(" %")
    query = select(Order, OrderSearch).outerjoin(OrderSearch, OrderSearch.order_id == Order.id).where(lacks)
    return [
        (order, row) for order, row in session.execute(query.where(Order.id > last).order_by(Order.id).limit(BATCH))
    ]


def _make(session: Session, order: Order, row: OrderSearch | None) -> None:
    if row is None:
        session.add(OrderSearch(order_id=order.id, **_found_by(order)))
    elif order.contract is not None:
        for name, text in _found_by(order, row.notes).items():
            setattr(row, name, text)
    else:
        words = row.words.split()
        row.words = line_of(
            references=[order.orderref],
            texts=[row.person, row.plan, *(word for word in words if "@" not in word)],
            address=row.address,
            mail=" ".join(word for word in words if "@" in word),
        )


# Finding


def counts(session: Session) -> dict[str, int]:
    """How many orders are in each state that has any. Most are completed: those are not counted, but subtracted."""
    others = Order.state.in_([state for state in OrderState if state is not OrderState.COMPLETED])
    found = dict(session.execute(select(Order.state, func.count()).where(others).group_by(Order.state)).all())
    total = session.scalar(select(func.count()).select_from(Order)) or 0
    completed = total - sum(found.values())
    return {**found, OrderState.COMPLETED.value: completed} if completed > 0 else found


def problems(session: Session) -> dict[str, int]:
    """How many orders stopped for each problem that has any."""
    stopped = select(Order.problem, func.count()).where(Order.problem.is_not(None)).group_by(Order.problem)
    return {problem: number for problem, number in session.execute(stopped) if problem}


def order_called(session: Session, text: str) -> str | None:
    """The order whose reference the text is, as it stands or in capitals."""
    plain = text.strip(" \t<>()[]{}#,;:.\"'")
    return session.scalar(select(Order.orderref).where(Order.orderref.in_({plain, plain.upper()})).limit(1))


def called_among(orders: Sequence[FoundOrder], text: str) -> str | None:
    """The one order among these whose reference the text is, whatever its case and hyphens."""
    called = [order.orderref for order in orders if is_reference(text, order.orderref)]
    return called[0] if len(called) == 1 else None


def find(session: Session, wanted: Wanted | None = None, page: int = 1, *, limit: int = PAGE) -> Page:
    """A page of the orders that somebody wants to see; the page after the last is empty."""
    wanted, first = wanted or Wanted(), (page - 1) * limit
    if wanted.text or wanted.plan:
        return _read_through(session, wanted, first, limit)
    ids = session.scalars(_sorted(wanted).offset(first).limit(limit + 1)).all()
    total = first + len(ids)
    if len(ids) > limit or not ids:
        total = session.scalar(select(func.count()).select_from(_matching(wanted).subquery())) or 0
    return Page(orders_of(session, ids[:limit]), first + 1, total, counted=True, more=len(ids) > limit)


def _read_through(session: Session, wanted: Wanted, first: int, limit: int) -> Page:
    """A page where the orders' words have to be read: read once, for both the page and the total."""
    most = max(MOST_COUNTED, first + limit)
    ids = session.scalars(_sorted(wanted).limit(most + 1)).all()
    orders, more = orders_of(session, ids[first : first + limit]), len(ids) > first + limit
    return Page(orders, first + 1, min(len(ids), most), counted=len(ids) <= most, more=more)


def all_of(session: Session, wanted: Wanted) -> Sequence[int]:
    """The ids of all orders that somebody wants to see."""
    return session.scalars(_sorted(wanted)).all()


def _sorted(wanted: Wanted) -> Select[Any]:
    query = _matching(wanted)
    (id_column,) = query.selected_columns
    column = _sorted_by(wanted)
    order = [id_column] if column is None else [column, id_column]
    return query.order_by(*(each.desc() if wanted.descending else each.asc() for each in order))


SORTED_BY: Mapping[Sort, InstrumentedAttribute[str]] = {
    Sort.ORDER: Order.orderref,
    Sort.PERSON: OrderSearch.person,
    Sort.PLAN: OrderSearch.plan,
    Sort.STATE: Order.state,
}
"""Sorting by id is sorting by arrival."""


def _sorted_by(wanted: Wanted) -> InstrumentedAttribute[Any] | None:
    """The column to sort by. Between two days, the index on the arrival has the orders sorted already."""
    if wanted.sort is Sort.RECEIVED and (wanted.since or wanted.until):
        return Order.received_at
    return SORTED_BY.get(wanted.sort)


def _matching(wanted: Wanted) -> Select[Any]:
    """Selects the ids. Each of the two tables is read only if it must: the orders' own is many times as large."""
    of_order, of_words = list(_of_order(wanted)), list(_of_words(wanted))
    column = _sorted_by(wanted)
    orders = bool(of_order) or (column is not None and column.class_ is Order)
    words = bool(of_words) or (column is not None and column.class_ is OrderSearch)
    query: Select[Any] = select(Order.id if orders or not words else OrderSearch.order_id)
    if orders and words:
        query = query.join(OrderSearch, OrderSearch.order_id == Order.id)
    return query.where(*of_order, *of_words)


def _of_order(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.state:
        between_days = wanted.since or wanted.until
        yield (Order.state.concat("") if between_days else Order.state) == wanted.state  # keeps the state's index out
    if wanted.problem:
        yield Order.problem == wanted.problem
    if wanted.since:
        yield Order.received_at >= wanted.since
    if wanted.until:
        yield Order.received_at < wanted.until


def _of_words(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    """The conditions on an order's words. A text that leaves no word to look for finds nothing, unless it is empty."""
    terms = terms_of(wanted.text)
    if wanted.text.strip() and not terms:
        yield false()
    yield from _has_pieces(form for form, *others in terms if not others)
    yield from map(_matches, terms)
    if wanted.plan:
        yield (", " + func.lower(OrderSearch.plan) + ", ").contains(f", {wanted.plan.lower()}, ", autoescape=True)


def _has_pieces(forms: Iterable[str]) -> Iterator[ColumnElement[bool]]:
    """The conditions on a row's pieces that it may have all of these: only such rows' words are read."""
    for column, of_forms in zip(PIECES, zip(*map(pieces_of, forms), strict=True), strict=False):
        if bits := reduce(or_bits, of_forms):
            yield column.bitwise_and(bits) == bits


def _matches(term: Term) -> ColumnElement[bool]:
    return or_(*(OrderSearch.words.contains(form, autoescape=True) for form in term))


def orders_of(session: Session, ids: Sequence[int]) -> list[FoundOrder]:
    """The orders of these ids as a list shows them, in that order."""
    of_order = (
        Order.id,
        Order.orderref,
        Order.run,
        Order.state,
        Order.problem,
        Order.reason,
        Order.customer_id,
        Order.ticket_id,
        Order.waiting_for,
        Order.next_try_at,
        Order.received_at,
        Order.finished_at,
    )
    of_words = (func.coalesce(column, "") for column in (OrderSearch.person, OrderSearch.address, OrderSearch.plan))
    query = select(*of_order, *of_words, OnIt.taken_by, PutOff.until).outerjoin(
        OrderSearch, OrderSearch.order_id == Order.id
    )
    query = query.outerjoin(OnIt, IS_ON_IT).outerjoin(PutOff, and_(IS_ITS_ROW, PutOff.until > now()))
    rows = [FoundOrder(*row) for row in session.execute(query.where(Order.id.in_(ids)))]  # type: ignore[call-arg]
    found = {order.id: order for order in rows}
    return [found[each] for each in ids if each in found]
