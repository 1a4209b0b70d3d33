"""The mails to staff: recorded in the transaction of the change they tell of, then sent once.

One short function a mail makes its facts; the words are in templates/mail/. A mail server that is down
delays a notice and nothing else. After a crash in the middle of a delivery the mail is sent again with the
same Message-ID: for staff a repeat is harmless, a missing notice is not.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from sqlalchemy import select
from sqlalchemy.orm import Session

import powercode
import utopia
from app import breaker
from app.database import insert_if_new
from app.engine import WorkQueue
from app.mail import Attachment, Letter, MailFailed, Post, RecipientRefused
from app.measures import how_long, how_much
from app.models import Notice, NoticeDelivery, NoticeKind, NoticeState, Order, OrderState, StepState, System, now
from app.observability import order_context
from app.provisioning.contracts import contract_of
from app.services import Services
from config import Settings

log = logging.getLogger(__name__)

QUEUE = "mail"
ALERTS = (
    *(NoticeKind.ANSWERS_AGAIN, NoticeKind.MAIL_WAS_STUCK, NoticeKind.DISK_NEARLY_FULL, NoticeKind.DISK_HAS_ROOM),
    *(NoticeKind.CERTIFICATE_TROUBLE, NoticeKind.CERTIFICATE_FINE),
)
"""About the system itself. Their content has these moments:"""
MOMENTS = ("since", "until", "expires_at")
WITH_CONTRACT = (NoticeKind.ACCOUNT_CREATED, NoticeKind.CUSTOMER_EXISTS, NoticeKind.CONTRACT)

templates = Environment(
    loader=PackageLoader("app"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.filters.update(how_long=how_long, how_much=how_much)


def record(
    work_queue: WorkQueue,
    session: Session,
    kind: NoticeKind,
    key: str,
    order: Order | None = None,
    **content: Any,
) -> None:
    """Record a notice and start its delivery when the transaction commits; a `key` that is known changes nothing."""
    if order is not None:
        content = {"reason": order.reason, "actions": order.actions, **content}
    if insert_if_new(session, Notice, "key", key=key, kind=kind, order_id=order.id if order else None, content=content):
        enqueue(work_queue, session, session.scalars(select(Notice).filter_by(key=key)).one())


def enqueue(work_queue: WorkQueue, session: Session, notice: Notice) -> None:
    """Start the notice's current run when the transaction commits."""
    work_queue.enqueue(session, "notice", workflow_id(notice), QUEUE, notice.id, notice.run)


def workflow_id(notice: Notice) -> str:
    """The engine's idempotency key for one run of a notice."""
    return f"notice-{notice.id}" + (f"#{notice.run}" if notice.run > 1 else "")


def next_run(work_queue: WorkQueue, session: Session, notice: Notice) -> None:
    """Try to deliver again."""
    notice.run += 1
    notice.waiting_for = notice.next_try_at = None
    session.flush()
    enqueue(work_queue, session, notice)


def send_again(work_queue: WorkQueue, session: Session, notice_id: int) -> Notice | None:
    """Try once more to deliver a notice that failed, to those who didn't get it; None when it isn't one any more."""
    notice = _failed(session, notice_id)
    if notice is not None:
        notice.state, notice.error, notice.tries = NoticeState.PENDING, None, 0
        next_run(work_queue, session, notice)
    return notice


def drop(session: Session, notice_id: int) -> Notice | None:
    """Nobody needs a notice that failed any more; None when it isn't one."""
    notice = _failed(session, notice_id)
    if notice is not None:
        notice.state = NoticeState.DROPPED
    return notice


def _failed(session: Session, notice_id: int) -> Notice | None:
    return session.scalar(select(Notice).filter_by(id=notice_id, state=NoticeState.FAILED).with_for_update())


def deliver(services: Services, notice_id: int, run: int) -> str:
    """Deliver a notice to everybody who hasn't got it yet; returns its state."""
    notice, order = _open(services, notice_id, run)
    if notice is None:
        return "over"
    with order_context(order.orderref if order else "-"):
        try:
            contract = _contract(services, order) if notice.kind in WITH_CONTRACT else None
            if notice.kind == NoticeKind.CONTRACT and contract is None and not _given_up(services, notice):
                return _wait(services, notice, "contract", "UTOPIA does not have the contract ready yet")
            with services.mailer.connection() as post:
                failures = _send_to_all(services, post, notice, _letter(services.settings, notice, order, contract))
        except MailFailed as failed:
            return _mail_is_down(services, notice, failed.detail)
        except Exception as fault:
            log.exception("Notice %s met a fault of this program", notice.kind)
            return _wait(services, notice, "program", f"a fault of this program ({type(fault).__name__}); see the log")
        return _close(services, notice, order, failures, with_contract=contract is not None)


def _open(services: Services, notice_id: int, run: int) -> tuple[Notice | None, Order | None]:
    with services.database.write() as session:
        notice = session.get(Notice, notice_id)
        if notice is None or notice.run != run or notice.state != NoticeState.PENDING:
            return None, None
        if not breaker.admits(session, System.MAIL, notice.key):
            notice.waiting_for, notice.next_try_at = System.MAIL, breaker.next_probe_at(session, System.MAIL)
            return None, None
        order = session.get(Order, notice.order_id) if notice.order_id else None
        if order is not None:
            _ = order.steps
        return notice, order


def _send_to_all(services: Services, post: Post, notice: Notice, letter: Letter) -> dict[str, str]:
    """What went wrong, by recipient."""
    failures = {}
    for recipient in services.settings.email_recipients:
        if not _begin(services, notice, recipient):
            continue
        try:
            post.send(letter, recipient)
        except RecipientRefused as refused:
            failures[recipient] = refused.detail
            _mark(services, notice, recipient, "refused", refused.detail)
        else:
            _mark(services, notice, recipient, "sent", None)
    return failures


def _begin(services: Services, notice: Notice, recipient: str) -> bool:
    with services.database.write() as session:
        delivery = session.scalar(select(NoticeDelivery).filter_by(notice_id=notice.id, recipient=recipient))
        if delivery is None:
            delivery = NoticeDelivery(notice_id=notice.id, recipient=recipient)
            session.add(delivery)
        elif delivery.state == "sent":
            return False
        delivery.state = "sending"
        return True


def _mark(services: Services, notice: Notice, recipient: str, state: str, error: str | None) -> None:
    with services.database.write() as session:
        delivery = session.scalars(select(NoticeDelivery).filter_by(notice_id=notice.id, recipient=recipient)).one()
        delivery.state, delivery.error = state, error


def _contract(services: Services, order: Order | None) -> bytes | None:
    """The signed contract, or None while UTOPIA has none or does not answer."""
    if order is None:
        return None
    with services.database.write() as session:
        admitted = breaker.admits(session, System.UTOPIA, order.orderref)
        if not admitted and not breaker.claim_probe(session, System.UTOPIA, order.orderref):
            return None
    contract = None
    try:
        contract = services.utopia.contract_pdf(order.orderref)
    except utopia.UtopiaError as error:
        log.info("No contract yet: %s", error)
        if isinstance(error, (utopia.NeverArrived, utopia.OutcomeUnknown)):
            with services.database.write() as session:
                minutes = services.settings.retry_minutes
                breaker.report_down(session, System.UTOPIA, order.orderref, error.detail, minutes)
            return None
    if not admitted:
        with services.database.write() as session:
            breaker.report_up(session, System.UTOPIA)
    return contract


def _close(
    services: Services, notice: Notice, order: Order | None, failures: Mapping[str, str], *, with_contract: bool
) -> str:
    with services.database.write() as session:
        row = session.get_one(Notice, notice.id)
        breaker.report_up(session, System.MAIL)
        if failures and not _given_up(services, row):
            row.tries += 1
            row.waiting_for, row.error = "recipient", f"{len(failures)} recipients refused"
            row.next_try_at = breaker.retry_at(row.tries, services.settings.retry_minutes)
        else:
            row.state = NoticeState.FAILED if failures else NoticeState.SENT
            row.sent_at = None if failures else now()
            row.next_try_at = row.waiting_for = None
            row.error = "; ".join(failures.values()) or None
        if order is not None and row.kind in WITH_CONTRACT and row.kind != NoticeKind.CONTRACT and not with_contract:
            _follow_up_with_contract(services, session, order)
        log.info("Notice %s: %s", row.kind, row.state)
        return row.state


def _follow_up_with_contract(services: Services, session: Session, order: Order) -> None:
    key = f"{NoticeKind.CONTRACT}:{order.orderref}"
    if session.scalar(select(Notice.id).filter_by(key=key)) is None:
        due = breaker.retry_at(1, services.settings.retry_minutes)
        session.add(
            Notice(key=key, kind=NoticeKind.CONTRACT, order_id=order.id, waiting_for="contract", next_try_at=due)
        )


def _wait(services: Services, notice: Notice, waiting_for: str, why: str) -> str:
    with services.database.write() as session:
        row = session.get_one(Notice, notice.id)
        row.tries += 1
        row.waiting_for, row.error = waiting_for, why
        row.next_try_at = breaker.retry_at(row.tries, services.settings.retry_minutes)
        breaker.release_probe(session, System.MAIL, row.key)
        return row.state


def _mail_is_down(services: Services, notice: Notice, why: str) -> str:
    log.warning("Notice %s waits: %s", notice.kind, why)
    with services.database.write() as session:
        row = session.get_one(Notice, notice.id)
        row.tries += 1
        row.waiting_for, row.error = System.MAIL, why
        row.next_try_at = breaker.report_down(session, System.MAIL, notice.key, why, services.settings.retry_minutes)
        return row.state


def _given_up(services: Services, notice: Notice) -> bool:
    return notice.created_at + timedelta(hours=services.settings.give_up_after_hours) <= now()


def wake_due_notices(services: Services) -> int:
    """Start the notices whose time has come; while the mail server is down, only its probe."""
    due = select(Notice).where(Notice.state == NoticeState.PENDING, Notice.next_try_at <= now()).order_by(Notice.id)
    with services.database.read() as session:
        if session.scalar(due.limit(1)) is None:
            return 0
    with services.database.write() as session:
        down = System.MAIL in breaker.systems_down(session)
        woken = 0
        for notice in session.scalars(due.limit(100).with_for_update(skip_locked=True)):
            if not down or breaker.claim_probe(session, System.MAIL, notice.key):
                next_run(services.work_queue, session, notice)
                woken += 1
        return woken


def pick_up_stranded_notices(services: Services) -> None:
    """Start notices again that should be on their way and aren't."""
    quiet = Notice.created_at < now() - timedelta(seconds=60)
    lost = select(Notice).where(Notice.state == NoticeState.PENDING, Notice.next_try_at.is_(None), quiet)
    with services.database.read() as session:
        candidates = session.scalars(lost).all()
    for candidate in candidates:
        if services.work_queue.is_going(workflow_id(candidate)):
            continue
        with services.database.write() as session:
            notice = session.get_one(Notice, candidate.id)
            if notice.run == candidate.run and notice.state == NoticeState.PENDING:
                next_run(services.work_queue, session, notice)


# The letters. Each function returns what its templates need besides `order` and `next`.


def _letter(settings: Settings, notice: Notice, order: Order | None, contract: bytes | None) -> Letter:
    facts = {
        **LETTERS[notice.kind](settings, notice, order),
        "notice": notice,
        "console": settings.public_address,
        "has_contract": contract is not None,
        "local": lambda moment: moment.astimezone(settings.zone).strftime("%Y-%m-%d %H:%M %Z"),
    }
    subject, _, text = templates.get_template(f"mail/{notice.kind}.txt").render(facts).partition("\n")
    html = templates.get_template(f"mail/{notice.kind}.html").render(facts)
    name = f"contract-{order.orderref}.pdf" if order else "contract.pdf"
    attachments = [Attachment(name, contract)] if contract else []
    return Letter(notice.key, subject, text.lstrip("\n"), html, attachments)


def order_facts(settings: Settings, order: Order) -> dict[str, Any]:
    """What every notice about an order names: person, address, plans, customer and ticket in PowerCode."""
    account, contract = order.account or {}, contract_of(order).to_dict()
    person, address = contract["customer"], contract["address"]
    applicant = account.get("applicant") or {}
    street = applicant.get("street") or f"{address.get('street', '')} {address.get('unit', '')}"
    town = f"{address.get('city', '')} {applicant.get('state') or address.get('state', '')} {address.get('zip', '')}"
    return {
        "order": order,
        "person": f"{person.get('first_name', '')} {person.get('last_name', '')}".strip(),
        "email": person.get("email", ""),
        "phone": person.get("phone", ""),
        "address": ", ".join(part for part in (street.strip(), " ".join(town.split())) if part),
        "plans": _plans_in_words(order),
        "customer_page": customer_page_of(settings, order.customer_id) if order.customer_id else None,
        "order_page": f"{settings.public_address}/console/orders/{quote(order.orderref)}",
    }


def customer_page_of(settings: Settings, customer_id: str) -> str:
    """The address of a customer's page in PowerCode."""
    return powercode.customer_page(settings.powercode_server, customer_id)


def _plans_in_words(order: Order) -> list[str]:
    account = order.account or {}
    if account.get("unknown_plans"):
        return [f"{name} (unknown)" for name in account["unknown_plans"]]
    if order.state == OrderState.EXISTS:
        return [_plan(service_id, description) for service_id, description in account.get("plans", [])]
    states = {step.name: step.state for step in order.steps}
    return [
        _plan(service_id, description) + HOW_FAR.get(states.get(f"plan:{service_id}"), ", not added")
        for service_id, description in [*account.get("plans", []), *account.get("additional", [])]
    ]


HOW_FAR: Mapping[str | None, str] = {
    StepState.DONE: "",
    StepState.RUNNING: ", not known whether it was added",
    StepState.UNKNOWN: ", not known whether it was added",
}


def _plan(service_id: int, description: str) -> str:
    return f"{description} (PowerCode service {service_id})"


def _about_order(settings: Settings, notice: Notice, order: Order | None) -> dict[str, Any]:
    assert order is not None, f"a notice {notice.kind} is about an order"  # noqa: S101
    content = notice.content or {}
    reason = str(content.get("reason") or "").rstrip(".")
    actions = content.get("actions") or []
    return {
        **order_facts(settings, order),
        "reason": reason,
        "actions": actions,
        "unknown_plans": (order.account or {}).get("unknown_plans", []),
        "page_of": partial(customer_page_of, settings),
    }


def _test_callback(_settings: Settings, notice: Notice, _order: Order | None) -> dict[str, Any]:
    return {"received_at": notice.created_at, "remote_address": notice.content.get("remote_address")}


def _still_waiting(_settings: Settings, notice: Notice, _order: Order | None) -> dict[str, Any]:
    return {**notice.content, "since": datetime.fromisoformat(notice.content["since"])}


def _alert(_settings: Settings, notice: Notice, _order: Order | None) -> dict[str, Any]:
    content = notice.content
    times = {name: datetime.fromisoformat(content[name]) for name in MOMENTS if content.get(name)}
    lasted = times["until"] - times["since"] if "until" in times else None
    return {**dict.fromkeys(MOMENTS), **content, **times, "lasted": lasted}


def _digest(_settings: Settings, notice: Notice, _order: Order | None) -> dict[str, Any]:
    source = str(notice.content.get("source") or "")
    spreadsheet = source.removeprefix("sheets:").partition("!")[0] if source.startswith("sheets:") else None
    link = f"https://docs.google.com/spreadsheets/d/{spreadsheet}" if spreadsheet else None
    held_up = notice.content.get("held_up_since")
    facts = {"held_up_since": datetime.fromisoformat(held_up) if held_up else None, "report_link": link}
    return {"makes_good": None, **notice.content, **facts}


LETTERS: Mapping[str, Callable[[Settings, Notice, Order | None], dict[str, Any]]] = {
    NoticeKind.ACCOUNT_CREATED: _about_order,
    NoticeKind.CUSTOMER_EXISTS: _about_order,
    NoticeKind.NEEDS_YOU: _about_order,
    NoticeKind.CONTRACT: _about_order,
    NoticeKind.TEST_CALLBACK: _test_callback,
    NoticeKind.STILL_WAITING: _still_waiting,
    NoticeKind.DIGEST_REPORT: _digest,
    NoticeKind.DIGEST_TROUBLE: _digest,
    **dict.fromkeys(ALERTS, _alert),
}
