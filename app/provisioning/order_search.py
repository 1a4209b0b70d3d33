"""Finding orders: pages of the orders that match, and their numbers.

A search reads every row of words (`order_search_rows`), but never an order's own row, which holds its contract.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from functools import reduce
from operator import or_ as or_bits
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.models import OnIt, Order, OrderSearch, OrderState, PutOff, now
from app.provisioning.causes.put_off_orders import IS_ITS_ROW
from app.provisioning.order_search_rows import PIECES
from app.provisioning.order_search_words import Term, is_reference, pieces_of, terms_of
from app.provisioning.people_on_orders import IS_ON_IT

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
    of_order = [getattr(Order, field.name) for field in fields(FoundOrder) if field.name in Order.__table__.c]
    of_words = (func.coalesce(column, "") for column in (OrderSearch.person, OrderSearch.address, OrderSearch.plan))
    query = select(*of_order, *of_words, OnIt.taken_by, PutOff.until).outerjoin(
        OrderSearch, OrderSearch.order_id == Order.id
    )
    query = query.outerjoin(OnIt, IS_ON_IT).outerjoin(PutOff, and_(IS_ITS_ROW, PutOff.until > now()))
    rows = [FoundOrder(*row) for row in session.execute(query.where(Order.id.in_(ids)))]  # type: ignore[call-arg]
    found = {order.id: order for order in rows}
    return [found[each] for each in ids if each in found]
