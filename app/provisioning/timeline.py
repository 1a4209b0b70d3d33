"""An order's story in the order of time: callbacks, steps and what was said to whom, mails, and what people decided."""

import html
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models import (
    Callback,
    CallbackOutcome,
    Notice,
    NoticeKind,
    Order,
    OrderExchange,
    OrderStep,
    Outgoing,
    OutgoingState,
    StepState,
)
from app.provisioning.actions import ACTIONS, NOTE
from app.provisioning.written_parts import joined_customer, plan_named
from app.wording.notice_words import mail_in_words

MOST_CALLBACKS = 20
MOST_LOADED = 40
SHOWN_CHARACTERS = 24_000
"""How much HTML of exchanges the order's page shows; the rest is one click away."""

STEPS: Mapping[str, str] = {
    "fetch_contract": "Fetch the contract from UTOPIA",
    "check_contract": "Check the contract",
    "hand_over": "Go on to PowerCode",
    "find_customer": "Look for the customer in PowerCode",
    "create_customer": "Create the customer in PowerCode",
    "ticket": "Create the welcome ticket",
    "complete": "Complete the order",
}
CALLBACKS: Mapping[str, str] = {
    CallbackOutcome.ORDER: "the order was taken in",
    CallbackOutcome.REPEAT: "known already, nothing was changed",
    CallbackOutcome.TEST: "UTOPIA's test",
    CallbackOutcome.RECORDED: "noted; nothing was changed at the order",
    CallbackOutcome.REJECTED: "refused",
    CallbackOutcome.FLOOD: "refused, and more that are not kept",
    CallbackOutcome.NOT_STORED: "could not be stored",
}
DECISIONS: Mapping[str, str] = {action.kept_as: action.did for action in ACTIONS.values()}

CALLS: Mapping[str, str] = {
    "contractlookup": "look the order up",
    "contractdownload": "fetch the contract's file",
    "searchCustomers": "search customers",
    "readCustomer": "read a customer",
    "createCustomer": "create the customer",
    "addCustomerService": "add a plan",
    "createTicket": "create the ticket",
    "readTicket": "read a ticket",
    "updateCustomer": "change the customer",
    "updateCustomerStatus": "change the customer's status",
    "GET customer/tags/customer": "list the tags",
    "POST customer/tags/customer": "add a tag",
    "DELETE customer/tags/customer": "remove a tag",
}
STOPPED = "stopped"
OUTCOMES: Mapping[str, str] = {
    "ok": "answered",
    "not_found": "nobody found",
    "never_arrived": "could not be reached",
    "refused": "refused",
    "unknown": "no usable answer",
    "throttled": "too many calls",
    "not_ours": "not ours",
    "not_ready": "not ready yet",
}


@dataclass(frozen=True)
class Exchange:
    """A call: when, to whom, what came of it. `sent` and `answered` are None where the page has no room for them."""

    id: int
    made_at: datetime
    system: str
    action: str
    outcome: str
    seconds: float
    sent: str | None
    answered: str | None

    @property
    def words(self) -> str:
        """What was asked and what came of it: `add a plan: refused`."""
        return f"{CALLS.get(self.action, self.action)}: {OUTCOMES.get(self.outcome, self.outcome)}"


@dataclass(frozen=True)
class Event:
    """Something that happened to an order. `key` is the same each time that the story is told.

    `outgoing` is the number of an event that can be sent again. `note`: the text is as a person wrote it, in full.
    """

    key: str
    at: datetime
    title: str
    state: str | None = None
    text: str | None = None
    until: datetime | None = None
    attempts: int = 0
    exchanges: Sequence[Exchange] = ()
    outgoing: int | None = None
    note: bool = False

    @property
    def took(self) -> str:
        """How long it took, in words; "" for what took no time."""
        seconds = (self.until - self.at).total_seconds() if self.until else 0.0
        if seconds < 0.05:
            return ""
        if seconds < 60:
            return f"{seconds:.1f} s"
        return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def timeline(session: Session, order: Order) -> list[Event]:
    """All that happened, the first thing first."""
    events = [*_callbacks(session, order), *_steps(session, order), *_notices(order), *_decisions(order)]
    return sorted([*events, *_outgoing(session, order)], key=lambda event: event.at)


def _callbacks(session: Session, order: Order) -> Iterator[Event]:
    those = select(Callback).filter_by(orderref=order.orderref)
    total = session.scalar(select(func.count()).select_from(those.subquery())) or 0
    first = session.scalars(those.order_by(Callback.id).limit(1)).all()
    latest = session.scalars(those.order_by(Callback.id.desc()).limit(MOST_CALLBACKS)).all()
    for callback in {each.id: each for each in [*first, *latest]}.values():
        said = CALLBACKS.get(callback.outcome, callback.outcome)
        yield Event(
            f"callback-{callback.id}", callback.received_at, f"Callback: {callback.msg or 'no message'}", text=said
        )
    if total > MOST_CALLBACKS + 1:
        text = f"{total} callbacks came for this order; the first and the last {MOST_CALLBACKS} are shown."
        yield Event("callbacks", latest[-1].received_at, "More callbacks", text=text)


def _steps(session: Session, order: Order) -> Iterator[Event]:
    said: dict[str, list[Exchange]] = {}
    for name, exchange in _exchanges(session, order):
        said.setdefault(name, []).append(exchange)
    for step in order.steps:
        exchanges = said.pop(step.name, ())
        yield Event(
            f"step-{step.name}",
            step.started_at,
            step_title(order, step.name),
            _state(step, exchanges),
            step.error,
            step.finished_at,
            step.attempts,
            exchanges,
        )
    for name, exchanges in said.items():
        title = f"{step_title(order, name)}, before the order was started again"
        yield Event(f"earlier-{name}", exchanges[0].made_at, title, exchanges=exchanges)


def _state(step: OrderStep, exchanges: Sequence[Exchange]) -> str:
    """The state in words. A step that ended in a question to a person is not "refused", but stopped."""
    refused = any(exchange.outcome == StepState.REFUSED for exchange in exchanges)
    return STOPPED if step.state == StepState.REFUSED and not refused else step.state


def step_title(order: Order, name: str) -> str:
    """A step in words; a plan's and a tag's step has its id in its name."""
    kind, _, number = name.partition(":")
    if kind == "plan" and number.isdecimal():
        return f"Add the plan {plan_named(order, name)}"
    return f"Add the tag {number}" if kind == "tag" else STEPS.get(name, name)


def _exchanges(session: Session, order: Order) -> Iterator[tuple[str, Exchange]]:
    """The exchanges with their steps' names, oldest first; only the newest have their texts."""
    columns = [getattr(OrderExchange, name) for name in ("id", "made_at", "system", "action", "outcome", "seconds")]
    length = func.length(OrderExchange.sent) + func.length(OrderExchange.answered)
    query = select(OrderExchange.step, length, *columns).where(OrderExchange.order_id == order.id)
    rows = session.execute(query.order_by(OrderExchange.id)).all()
    texts = _texts(session, [(row[2], row[1]) for row in rows])
    for step, _, exchange_id, *values in rows:
        yield step, Exchange(exchange_id, *values, *texts.get(exchange_id, (None, None)))


def _texts(session: Session, lengths: Sequence[tuple[int, int]]) -> dict[int, tuple[str, str]]:
    """The texts of the newest exchanges, as many as the page has room for."""
    small = [exchange_id for exchange_id, length in lengths if length <= SHOWN_CHARACTERS]
    columns = (OrderExchange.id, OrderExchange.sent, OrderExchange.answered)
    rows = session.execute(select(*columns).where(OrderExchange.id.in_(small[-MOST_LOADED:]))).all()
    texts, left = {}, SHOWN_CHARACTERS
    for exchange_id, sent, answered in sorted(rows, reverse=True):
        both = (readable(sent), readable(answered))
        left -= sum(len(html.escape(text)) for text in both)
        if left >= 0:
            texts[exchange_id] = both
    return texts


def readable(text: str) -> str:
    """An exchange's line with its JSON spread over lines, where it is whole."""
    head, opening, _ = text.partition(" {")
    with suppress(ValueError, RecursionError):
        if opening:
            spread = json.dumps(json.loads(text[len(head) :]), indent=1, ensure_ascii=False)
            return f"{head}\n{spread}".encode("utf-8", "replace").decode()  # half a character can be written as JSON
    return text


def _notices(order: Order) -> Iterator[Event]:
    for notice in order.notices:
        added = notice.kind == NoticeKind.ACCOUNT_CREATED and joined_customer(order)
        title = f"Mail to staff: {f'added to customer {added}' if added else mail_in_words(notice.kind)}"
        yield Event(f"notice-{notice.id}", notice.created_at, title, notice.state, _about(notice), notice.sent_at)


def _about(notice: Notice) -> str | None:
    if notice.waiting_for == "contract":
        return "It goes out as soon as UTOPIA has the contract ready"
    return notice.error


def _outgoing(session: Session, order: Order) -> Iterator[Event]:
    """The events that told other programs of the order."""
    for row in session.scalars(select(Outgoing).filter_by(order_id=order.id).order_by(Outgoing.id)):
        number = row.id if row.state != OutgoingState.PENDING else None
        key, title = f"outgoing-{row.id}", f"Event to your other systems: {row.kind}"
        yield Event(key, row.created_at, title, row.state, row.error, row.sent_at, row.tries, outgoing=number)


def _decisions(order: Order) -> Iterator[Event]:
    for one in order.decisions:
        title = f"{one.made_by} {DECISIONS.get(one.action, one.action)}"
        yield Event(f"decision-{one.id}", one.made_at, title, text=one.note, note=one.action == NOTE.kept_as)


def exchange_of(session: Session, order: Order, exchange_id: int) -> tuple[str, Exchange] | None:
    """One exchange of the order in full, with its step's name; None when it is not the order's, or is gone."""
    row = session.get(OrderExchange, exchange_id)
    if row is None or row.order_id != order.id:
        return None
    texts = (readable(row.sent), readable(row.answered))
    return row.step, Exchange(row.id, row.made_at, row.system, row.action, row.outcome, row.seconds, *texts)
