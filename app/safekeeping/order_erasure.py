"""Erases the personal data of one finished order, everywhere in our database.

The order itself stays, with its reference, state, dates and PowerCode numbers, so that a repeated callback finds it
and changes nothing. Backups, PowerCode, UTOPIA and the staff's mailboxes are not touched.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, delete, exists, null, or_, select, update
from sqlalchemy.orm import Session

from app.aftercare.write_kinds import KINDS
from app.aftercare.writes import IN_DOUBT
from app.digest import customer_erasure as digest_forgetting
from app.digest.report.cells import address_key
from app.digest.schedule import iso_week
from app.models import (
    AuditEntry,
    Callback,
    CallbackMessage,
    CallbackOutcome,
    Case,
    CustomerWrite,
    JointDecision,
    Notice,
    NoticeState,
    Order,
    OrderDecision,
    OrderExchange,
    OrderSearch,
    OrderState,
    OrderStep,
    PutOff,
    now,
)
from app.people.audit import RULE_CHANGED
from app.provisioning import lifecycle, order_search_rows, review
from app.provisioning.actions import FORGET
from app.provisioning.applicants import contract_of, digits
from app.safekeeping import mentions
from app.safekeeping.pruning import FINISHED
from app.services import Services
from app.storage.database import rows_changed
from app.wording.spelling import stands_alone_in

SAID = "The personal data of this order was erased"
ERASED = "(erased)"
DETAILS = ("contract", "account", "corrections", "found_customers")
FEWEST_CHARACTERS = 6
"""Shorter words occur in too many texts to identify a person."""
NOTHING = digest_forgetting.Erased(0, 0, 0)


@dataclass(frozen=True)
class Forgotten:
    """What was erased, in numbers, and which other orders and tables name the same person.

    `digest` is what was erased of the weekly digest, if asked for; `digest_messages_left` are to the order's address.
    """

    orderref: str
    erased: Mapping[str, int]
    mails_that_had_not_gone_out: int
    other_orders_that_name_the_person: Sequence[str]
    tables_that_name_the_person: Sequence[str]
    digest: digest_forgetting.Erased | None
    digest_messages_left: int


def forget(services: Services, orderref: str, by: str, *, digest: bool = False) -> tuple[Forgotten, set[str]]:
    """Erase an order's personal data, and with `digest` what the weekly digest keeps of its mail address.

    Also returns the words that identify the person and are in no row any more. Raises `review.NotPossible` for an
    order that is not finished. When repeated, it erases what was stored since.
    """
    run = _refuse_at_work(services, orderref)
    week = iso_week(now(), services.settings.zone)
    with services.database.write() as session:
        order = review.find(session, orderref, run)
        _refuse_mail_on_its_way(session, order)
        _refuse_in_doubt(session, order)
        workflows = list(_workflows(session, order))
        words = _words(session, order)
        unsent, erased = _erase(session, order, words)
        if any(erased.values()):
            _tell(services, session, order, by)
        in_digest = _forget_in_digest(session, words, week) if digest else None
        told = [digest_forgetting.messages_to(session, word) for word in words if "@" in word]
        session.flush()
        elsewhere = mentions.elsewhere(session, words)
    services.work_queue.forget(workflows)
    left = max(told, default=0)
    done = Forgotten(orderref, erased, unsent, elsewhere.orderrefs, elsewhere.tables, in_digest, left)
    return done, words - elsewhere.words


def forget_address(services: Services, address: str) -> tuple[digest_forgetting.Erased, mentions.Elsewhere]:
    """Erase what the weekly digest keeps of a mail address; also returns where else the address occurs."""
    week = iso_week(now(), services.settings.zone)
    with services.database.write() as session:
        done = digest_forgetting.forget_address(session, address, week)
        session.flush()
        return done, mentions.elsewhere(session, [address_key(address)])


# What can't be erased now


def _refuse_at_work(services: Services, orderref: str) -> int:
    """The order's run; raises when a workflow of it is at work. No transaction is open while the engine is asked."""
    with services.database.read() as session:
        order = review.find(session, orderref)
        workflow_id, run = lifecycle.workflow_id(order), order.run
    if order.state not in FINISHED:
        raise review.NotPossible(
            f"{orderref} is {order.state} and goes on: close it first, with orders dismiss {orderref} --note TEXT"
        )
    if services.work_queue.is_going(workflow_id):
        raise review.NotPossible(f"{orderref} is being worked on; try again in a minute")
    return run


def _refuse_mail_on_its_way(session: Session, order: Order) -> None:
    """Refuse while a mail may be being sent, as that needs its row. A mail that waits for a retry is no obstacle."""
    notices = session.scalars(select(Notice).filter_by(order_id=order.id).with_for_update()).all()
    if any(notice.state == NoticeState.PENDING and notice.next_try_at is None for notice in notices):
        raise review.NotPossible(f"A mail about {order.orderref} is going out; try again in a minute")


def _refuse_in_doubt(session: Session, order: Order) -> None:
    """Refuse while nobody knows what became of something that was sent: its content is needed to find that out."""
    doubtful = session.scalar(
        select(CustomerWrite).where(_writes_of(order), CustomerWrite.state.in_(IN_DOUBT)).limit(1)
    )
    if doubtful is not None:
        what = KINDS[doubtful.kind].title(doubtful)
        raise review.NotPossible(f"It is not known what became of “{what}”: settle that first, on the page Aftercare")


def _writes_of(order: Order) -> ColumnElement[bool]:
    """The writes after the account for this order or its customer."""
    return or_(CustomerWrite.order_id == order.id, CustomerWrite.customer_id == (order.customer_id or ""))


# Who it is about


def _words(session: Session, order: Order) -> set[str]:
    """The person's mail address, phone number and name, each as it is written in different places."""
    contract, kept = contract_of(order), session.get(OrderSearch, order.id)
    person = contract.customer
    found = [person.email, f"{person.first_name} {person.last_name}", contract.billing_name]
    found += [each for phone in (person.phone, contract.billing_phone) for each in (phone, digits(phone))]
    if order.contract is not None:
        found += _stored(order)
    if kept is not None:
        found += [kept.person]
        found += [word for word in order_search_rows.words_of(kept).split() if "@" in word or _is_phone(word)]
    return {" ".join(word.split()) for word in found if len(word.strip()) >= FEWEST_CHARACTERS}


def _stored(order: Order) -> Iterator[str]:
    """The texts about the person: UTOPIA's, a person's corrections, and what was sent to PowerCode."""
    for record in ((order.contract or {}).get("customer"), (order.account or {}).get("applicant")):
        if isinstance(record, dict):
            yield str(record.get("email") or "")
            yield str(record.get("phone") or "")
            yield f"{record.get('first_name', '')} {record.get('last_name', '')}"


def _is_phone(word: str) -> bool:
    return word.isdecimal() and len(word) >= 10


# Erasing


def _erase(session: Session, order: Order, words: set[str]) -> tuple[int, dict[str, int]]:
    """Erase; returns how many mails will not be sent, and how many rows were changed."""
    waiting = select(Notice.id).filter_by(order_id=order.id, state=NoticeState.PENDING)
    unsent = len(session.scalars(waiting).all())
    return unsent, {
        "exchanges": _count(session, delete(OrderExchange).filter_by(order_id=order.id)),
        "notices": _count(session, delete(Notice).filter_by(order_id=order.id)),
        "steps": _erase_steps(session, order),
        "callbacks": _erase_callbacks(session, order.orderref),
        "decisions": _erase_notes(session, order),
        "changes": _erase_changes(session, words),
        "aftercare": _erase_aftercare(session, order),
        "details": _erase_details(session, order),
    }


def _count(session: Session, statement: Any) -> int:
    return rows_changed(session, statement.execution_options(synchronize_session=False))


def _erase_steps(session: Session, order: Order) -> int:
    """Erase the steps' data. For an order closed half done, what is in PowerCode stays known, to prevent doubles."""
    mine = OrderStep.order_id == order.id
    gone = [mine] if order.state == OrderState.COMPLETED else [mine, OrderStep.sent_at.is_(None)]
    left = update(OrderStep).where(mine, OrderStep.error.is_not(None)).values(error=None)
    return _count(session, delete(OrderStep).where(*gone)) + _count(session, left)


def _erase_callbacks(session: Session, orderref: str) -> int:
    """Erase the bodies of callbacks, and the messages of those only noted: both can hold anything. The rows stay."""
    mine = Callback.orderref == orderref
    refused = (Callback.orderref.is_(None), Callback.body.contains(orderref, autoescape=True))
    found = session.execute(select(Callback.id, Callback.body).where(*refused)).all()
    about_it = [callback_id for callback_id, body in found if stands_alone_in(body, orderref)]
    noted = and_(Callback.outcome == CallbackOutcome.RECORDED, or_(Callback.msg != ERASED, Callback.event != ERASED))
    erased = _count(session, update(Callback).where(mine, or_(Callback.body != "", noted)).values(body=""))
    erased += _count(session, update(Callback).where(Callback.id.in_(about_it)).values(body=""))
    _count(session, update(Callback).where(mine, noted).values(msg=ERASED, event=ERASED))
    return erased


def _erase_notes(session: Session, order: Order) -> int:
    """Erase what people wrote with decisions about this order, also with joint decisions."""
    noted = update(OrderDecision).where(OrderDecision.order_id == order.id, OrderDecision.note.is_not(None))
    shared = select(OrderDecision.joint_id).where(OrderDecision.order_id == order.id)
    joint = update(JointDecision).where(JointDecision.id.in_(shared), JointDecision.note.is_not(None))
    order_search_rows.forget_notes(session, [order.id])
    _count(session, delete(PutOff).filter_by(order_id=order.id))
    return _count(session, noted.values(note=None)) + _count(session, joint.values(note=None))


def _erase_changes(session: Session, words: set[str]) -> int:
    """Erase texts of changes by hand and of callback rules that name the person. The audit entries stay."""
    wanted, erased = [word.casefold() for word in words], 0
    from_outside = or_(AuditEntry.key.is_not(None), AuditEntry.action == RULE_CHANGED)
    for entry in session.scalars(select(AuditEntry).where(from_outside)):
        said = f"{entry.subject}\n{entry.note or ''}".casefold()
        if any(word in said for word in wanted):
            entry.subject, entry.note = ERASED, None
            erased += 1
    return erased


def _erase_aftercare(session: Session, order: Order) -> int:
    """Erase the content of writes after the account. That they were made stays."""
    told = update(CustomerWrite).where(
        _writes_of(order), or_(CustomerWrite.said != "", cast(CustomerWrite.content, Text) != "{}")
    )
    theirs = and_(Case.customer_id == order.customer_id, Case.customer_id.is_not(None))
    about = update(Case).where(or_(Case.order_id == order.id, Case.orderref == order.orderref, theirs))
    noted = about.where(or_(Case.note != "", Case.closing_note != "", cast(Case.entries, Text) != "{}"))
    erased = _count(session, noted.values(note="", closing_note="", entries={}))
    return erased + _count(session, told.values(said="", content={})) + _erase_texts(session, order.orderref)


def _erase_texts(session: Session, orderref: str) -> int:
    """Erase message texts that only this order's callbacks had, as they can hold anything; texts with a rule stay."""
    last = CallbackMessage.last_orderref == orderref
    of_others = exists().where(Callback.msg == CallbackMessage.msg, Callback.orderref != orderref)
    erased = _count(session, delete(CallbackMessage).where(last, CallbackMessage.decided_by.is_(None), ~of_others))
    named = update(CallbackMessage).where(last, CallbackMessage.last_event.is_not(None))
    return erased + _count(session, named.values(last_event=None))


def _erase_details(session: Session, order: Order) -> int:
    kept = session.get(OrderSearch, order.id)
    told = bool(order.remarks) and not str(order.remarks[0]).startswith(SAID)
    personal = [*(getattr(order, name) for name in DETAILS), order.reason, order.site_id, kept and kept.person]
    if not any(personal) and not told:
        return 0
    values = {**dict.fromkeys(DETAILS, null()), "reason": None, "site_id": None}
    cleared: dict[str, Any] = {"decision": {}, "actions": [], "remarks": []}
    _count(session, update(Order).where(Order.id == order.id).values({**values, **cleared}))
    if kept is not None:
        kept.person = kept.address = kept.plan = ""
        kept.words = order_search_rows.reference_line(order.orderref, order.customer_id, order.ticket_id)
    session.flush()
    session.refresh(order)
    return 1


def _tell(services: Services, session: Session, order: Order, by: str) -> None:
    day = now().astimezone(services.settings.zone).date()
    order.remarks = [f"{SAID} on {day}. What is in PowerCode and at UTOPIA is not touched by that."]
    session.add(OrderDecision(order_id=order.id, made_by=by, action=FORGET.kept_as))


def _workflows(session: Session, order: Order) -> Iterator[str]:
    """The ids of the engine's workflows for the order: its runs, and those of its mails."""
    newest_runs = {f"{stage}-{order.orderref}": order.run for stage in lifecycle.QUEUE_OF_STAGE}
    notices = session.execute(select(Notice.id, Notice.run).filter_by(order_id=order.id))
    newest_runs |= {f"notice-{notice_id}": run for notice_id, run in notices}
    for name, newest in newest_runs.items():
        yield name
        yield from (f"{name}#{run}" for run in range(2, newest + 1))


def _forget_in_digest(session: Session, words: set[str], week: str) -> digest_forgetting.Erased:
    addresses = {address_key(word) for word in words if "@" in word}
    done = [digest_forgetting.forget_address(session, address, week) for address in sorted(addresses)]
    counts = [vars(each).values() for each in done]
    return digest_forgetting.Erased(*(sum(column) for column in zip(*counts, strict=True))) if done else NOTHING
