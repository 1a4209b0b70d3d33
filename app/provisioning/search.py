"""Finding orders: a row of words for each order, kept with it, and pages of the orders that match.

A search reads every row of words, but never an order's own row, which holds its contract. An order that nothing was
done for yet has no row; it is found by its reference.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.models import Order, OrderSearch, OrderState
from app.provisioning.contracts import contract_of, one_line
from app.storage.database import Database
from app.wording.spelling import folded
from utopia import Contract

PAGE = 50
BATCH = 500
MOST_WORDS = 8
LONGEST_TEXT = 200
"""Characters of a search, and of each part of an order that is kept for it."""
WITHOUT_ROW = (OrderState.RECEIVED, OrderState.RUNNING)
PHONE = re.compile(r"[\d()+./-]+")
LEAST_DIGITS = 7


@dataclass(frozen=True)
class FoundOrder:
    """An order as a list shows it; `person`, `address` and `plan` are "" as long as UTOPIA was not asked."""

    id: int
    orderref: str
    state: str
    reason: str | None
    customer_id: str | None
    waiting_for: str | None
    next_try_at: datetime | None
    received_at: datetime
    person: str
    address: str
    plan: str


@dataclass(frozen=True)
class Page:
    """One page of orders, the newest first. `newer` and `older` tell whether there are more on that side."""

    orders: Sequence[FoundOrder]
    newer: bool
    older: bool


# Keeping


def keep(session: Session, order: Order) -> None:
    """Bring the order's row of words up to date, in the transaction that changes the order.

    An order whose details were removed is found by what it was found by before, until its contract is fetched again.
    """
    row = session.get(OrderSearch, order.id)
    if row is not None and order.contract is None:
        return
    if row is None:
        row = OrderSearch(order_id=order.id)
        session.add(row)
    _row(row, order)


def _row(row: OrderSearch, order: Order) -> OrderSearch:
    contract = contract_of(order)
    row.person = _cut(f"{contract.customer.first_name} {contract.customer.last_name}")
    row.address, row.plan = _address(contract), _plan(order, contract)
    shown = f"{row.person} {row.address}"
    row.words = casefolded(" ".join([shown, *_also_searched(order, contract), folded(shown)]))
    return row


def _address(contract: Contract) -> str:
    place = contract.address
    street = " ".join([place.street, place.unit]).strip()
    return ", ".join(part for part in (_cut(street), _cut(f"{place.city} {place.state} {place.zip}")) if part)


def _plan(order: Order, contract: Contract) -> str:
    ordered = [description for _, description in (order.account or {}).get("plans", [])]
    monthly = [item.description for item in contract.items if item.charge_type.casefold() == "mrc"]
    return _cut(", ".join(dict.fromkeys(ordered or monthly)))


def _also_searched(order: Order, contract: Contract) -> list[str]:
    phone = re.sub(r"\D", "", contract.customer.phone)
    local = phone[-10:]
    as_written = f"+1 ({local[:3]}) {local[3:6]}-{local[6:]}" if len(local) == 10 else ""
    mail = _cut(contract.customer.email)
    return [order.orderref, mail, _cut(phone), as_written, order.customer_id or "", order.ticket_id or ""]


def _cut(text: str) -> str:
    return one_line(text)[:LONGEST_TEXT]


def casefolded(text: str) -> str:
    """A text as it is compared: without regard to case and to how its letters are put together."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def backfill(database: Database) -> int:
    """Make the rows of orders that have none, in transactions of `BATCH` orders; returns how many were made."""
    made, last = 0, 0
    while True:
        with database.write() as session:
            orders = _without_row(session, last)
            for order in orders:
                session.add(_row(OrderSearch(order_id=order.id), order))
        if not orders:
            return made
        made, last = made + len(orders), orders[-1].id


def _without_row(session: Session, last: int) -> Sequence[Order]:
    has_row = select(OrderSearch.order_id).where(OrderSearch.order_id == Order.id).exists()
    begun = Order.state.not_in(WITHOUT_ROW) | Order.site_id.is_not(None)
    return session.scalars(select(Order).where(Order.id > last, ~has_row, begun).order_by(Order.id).limit(BATCH)).all()


# Finding


def counts(session: Session) -> dict[str, int]:
    """How many orders are in each state that has any."""
    return dict(session.execute(select(Order.state, func.count()).group_by(Order.state)).all())


def find(
    session: Session,
    text: str = "",
    state: str | None = None,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = PAGE,
) -> Page:
    """The orders that match every word of `text`, and are in `state`: the newest, or those next to an order's id.

    `before` gives the orders older than that id, `after` those newer than it that lie nearest.
    """
    ids: list[int] = []
    for column, conditions in _sources(words_of(text), state):
        query = select(column).where(*conditions).order_by(column if after is not None else column.desc())
        edge = column > after if after is not None else column < before if before is not None else true()
        ids += session.scalars(query.where(edge).limit(limit + 1))
    found = sorted(ids, reverse=after is None)
    more = len(found) > limit
    return Page(
        orders=_orders(session, found[:limit]),
        newer=more if after is not None else before is not None,
        older=after is not None or more,
    )


def words_of(text: str) -> list[str]:
    """The words that a search looks for."""
    return casefolded(one_line(text[:LONGEST_TEXT])).split()[:MOST_WORDS]


Source = tuple[InstrumentedAttribute[int], list[ColumnElement[bool]]]


def _sources(words: Sequence[str], state: str | None) -> list[Source]:
    """Where orders are looked for: the column of their ids, and what must be true. No order is in two of them.

    The orders' own table comes in only where it must: it is many times as large as that of the words.
    """
    in_state = [Order.state == state] if state else []
    if not words:
        return [(Order.id, in_state)]
    kept = [_matches(word) for word in words]
    has_row = select(OrderSearch.order_id).where(OrderSearch.order_id == Order.id).exists()
    fresh = [Order.state.in_(WITHOUT_ROW), *(_holds(func.lower(Order.orderref), word) for word in words), ~has_row]
    return [
        (Order.id, [OrderSearch.order_id == Order.id, *in_state, *kept]) if state else (OrderSearch.order_id, kept),
        (Order.id, [*in_state, *fresh]),
    ]


def _matches(word: str) -> ColumnElement[bool]:
    """A phone number is found however it is written."""
    number = re.sub(r"\D", "", word) if PHONE.fullmatch(word) else ""
    if len(number) == 11 and number.startswith("1"):
        number = number[1:]
    forms = {word, number} if len(number) >= LEAST_DIGITS else {word}
    return or_(*(_holds(OrderSearch.words, form) for form in sorted(forms)))


def _holds(column: ColumnElement[str] | InstrumentedAttribute[str], word: str) -> ColumnElement[bool]:
    return column.contains(word, autoescape=True)


def _orders(session: Session, ids: Sequence[int]) -> list[FoundOrder]:
    query = (
        select(
            Order.id,
            Order.orderref,
            Order.state,
            Order.reason,
            Order.customer_id,
            Order.waiting_for,
            Order.next_try_at,
            Order.received_at,
            *(func.coalesce(column, "") for column in (OrderSearch.person, OrderSearch.address, OrderSearch.plan)),
        )
        .outerjoin(OrderSearch, OrderSearch.order_id == Order.id)
        .where(Order.id.in_(ids))
        .order_by(Order.id.desc())
    )
    return [FoundOrder(*row) for row in session.execute(query)]
