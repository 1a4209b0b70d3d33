"""The row of words that an order is found by: kept with the order, and made for orders that have none.

A table of its own: a search reads all of it, and an order's row holds its whole contract.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, event, func, insert, select, update
from sqlalchemy.orm import Session

from app.models import Order, OrderSearch
from app.provisioning.applicants import address_of, contract_of, digits
from app.provisioning.order_search_words import LONGEST_TEXT, line_of, note_line, pieces_of
from app.provisioning.plans.mapping import monthly_descriptions, plans_in
from app.storage.database import Database, connection_of
from app.wording.invisible_characters import one_line
from utopia import Contract

AT_A_TIME = 500


def keep(session: Session, order: Order) -> None:
    """Bring the order's row of words up to date, in the transaction that changes the order.

    An order whose details were removed keeps its words until its contract is fetched again.
    """
    connection, has_details = connection_of(session), order.contract is not None
    row = _row(order)
    if has_details and connection.execute(UPDATE_WITHOUT_NOTES, {"of": order.id, **row}).rowcount:
        return  # as for nearly every order, in one statement
    notes = connection.scalar(NOTES, {"of": order.id})
    if notes is None:
        connection.execute(INSERT_ROW, {"order_id": order.id, "notes": "", **row})
    elif has_details:
        connection.execute(UPDATE_ROW, {"of": order.id, **_row(order, notes)})


def _row(order: Order, notes: str = "") -> dict[str, Any]:
    found_by = _found_by(order, notes)
    return {**found_by, **pieces_in(found_by["words"])}


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
UPDATE_WITHOUT_NOTES = UPDATE_ROW.where(ROWS.c.notes == "")
NOTES = select(ROWS.c.notes).where(ROWS.c.order_id == bindparam("of"))

PIECES = (OrderSearch.pieces_1, OrderSearch.pieces_2, OrderSearch.pieces_3, OrderSearch.pieces_4)


def pieces_in(line: str) -> dict[str, int]:
    """The columns that a row keeps beside its line of words: its pieces, by column."""
    return {column.key: bits for column, bits in zip(PIECES, pieces_of(line), strict=True)}


@event.listens_for(OrderSearch.words, "set")
def _keep_pieces(row: OrderSearch, words: str, *_: object) -> None:
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
    phone = re.sub(r"\D", "", digits(_cut(contract.customer.phone)))
    address, plan = _cut(address_of(order, contract)), _plan(order, contract)
    words = line_of(
        references=[order.orderref],
        texts=[person, phone, order.customer_id or "", order.ticket_id or "", order.site_id or "", plan],
        address=f"{address} {_cut(contract.address.unit)}",
        mail=_cut(contract.customer.email),
    )
    return {"person": person, "address": address, "plan": plan, "words": words + notes}


def _plan(order: Order, contract: Contract) -> str:
    ordered = [plan.description for plan in plans_in(order.account, "plans")]
    return _cut(", ".join(dict.fromkeys(ordered or monthly_descriptions(contract.items))))


def _cut(text: str) -> str:
    return one_line(text)[:LONGEST_TEXT]


def backfill(database: Database) -> int:
    """Make the rows of orders that have none, or a former version's, `AT_A_TIME` in a transaction; returns how many."""
    with database.read() as session:
        if session.scalar(ALL_HAVE_PIECES):
            return 0
    made, last = 0, 0
    while True:
        with database.write() as session:
            rows = _without_pieces(session, last)
            for order, row in rows:
                _make(session, order, row)
            ids = [order.id for order, _ in rows]
        if not ids:
            return made
        made, last = made + len(ids), ids[-1]


# Counted apart: looking at orders beside their rows takes four times as long, and each start looks.
_HAVE_PIECES = select(func.count()).where(OrderSearch.pieces_1 != -1)
ALL_HAVE_PIECES = select(select(func.count(Order.id)).scalar_subquery() == _HAVE_PIECES.scalar_subquery())


def _without_pieces(session: Session, last: int) -> Sequence[tuple[Order, OrderSearch | None]]:
    """Orders without a row of words, or with one from before there were pieces."""
    lacks = OrderSearch.order_id.is_(None) | (OrderSearch.pieces_1 == -1)
    query = select(Order, OrderSearch).outerjoin(OrderSearch, OrderSearch.order_id == Order.id).where(lacks)
    rows = session.execute(query.where(Order.id > last).order_by(Order.id).limit(AT_A_TIME))
    return [(order, row) for order, row in rows]


def _make(session: Session, order: Order, row: OrderSearch | None) -> None:
    if row is None:
        session.add(OrderSearch(order_id=order.id, **_found_by(order)))
    elif order.contract is not None:
        for name, text in _found_by(order, row.notes).items():
            setattr(row, name, text)
    else:
        words = words_of(row).split()
        line = line_of(
            references=[order.orderref],
            texts=[row.person, row.plan, *(word for word in words if "@" not in word)],
            address=row.address,
            mail=" ".join(word for word in words if "@" in word),
        )
        row.words = line + row.notes
