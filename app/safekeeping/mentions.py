"""Where a person is mentioned: every text column of every table is searched."""

import json
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import JSON, ColumnElement, String, Table, Text, cast, false, func, or_, select
from sqlalchemy.orm import Session

from app.models import Base, Order, OrderExchange, OrderSearch
from app.provisioning.order_search_words import casefolded

MOST_NAMED = 20
SMALL_ASCII = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


@dataclass(frozen=True)
class Elsewhere:
    """The tables with rows that contain one of the words, the first orders among these, and the words found."""

    tables: list[str]
    orderrefs: list[str]
    words: set[str] = field(repr=False)


def elsewhere(session: Session, words: Iterable[str]) -> Elsewhere:
    """Find the words, in the caller's transaction. Reads all rows of all tables."""
    tables: dict[str, None] = {}
    orderrefs: dict[str, None] = {}
    found = set()
    for word in sorted(words):
        those = [table.name for table in Base.metadata.sorted_tables if _is_in(session, table, word)]
        tables |= dict.fromkeys(those)
        found |= {word} if those else set()
        orderrefs |= dict.fromkeys(_orders_with(session, word))
    return Elsewhere(list(tables), list(orderrefs)[:MOST_NAMED], found)


def forms_of(word: str) -> set[str]:
    """A word as it is in texts and in JSON, in lower case.

    Other characters than ASCII are also kept as they are: SQLite, and a search in bytes, lower-case ASCII only.
    """
    return {casefolded(word), json.dumps(word)[1:-1].casefold(), word.translate(SMALL_ASCII)}


def _is_in(session: Session, table: Table, word: str) -> bool:
    return session.scalar(select(1).select_from(table).where(_names(table, word)).limit(1)) is not None


def _names(table: Table, word: str) -> ColumnElement[bool]:
    texts = [func.lower(cast(column, Text)) for column in table.columns if isinstance(column.type, (String, JSON))]
    return or_(false(), *(text.contains(form, autoescape=True) for text in texts for form in sorted(forms_of(word))))


def _orders_with(session: Session, word: str) -> Iterator[str]:
    for model in (OrderSearch, OrderExchange):
        order_id = model.__table__.c.order_id
        those = select(order_id).where(_names(model.__table__, word))  # type: ignore[arg-type]
        yield from session.scalars(
            select(Order.orderref).where(Order.id.in_(those)).order_by(Order.id).limit(MOST_NAMED)
        )
