"""Delivers a notice: a message to each recipient, over one connection, until everybody has it.

A mail server that is down delays a notice and nothing else. After a crash in the middle of a delivery the mail is sent
again with the same Message-ID: for staff a repeat is harmless, a missing notice is not.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

import utopia
from app import breaker
from app.mail import Letter, MailFailed, Post, RecipientRefused
from app.models import Notice, NoticeDelivery, NoticeKind, NoticeState, Order, System, now
from app.notices import letters
from app.observability import order_context
from app.services import Services

log = logging.getLogger(__name__)

WITH_CONTRACT = (NoticeKind.ACCOUNT_CREATED, NoticeKind.CUSTOMER_EXISTS, NoticeKind.CONTRACT)


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
                failures = _send_to_all(
                    services, post, notice, letters.write(services.settings, notice, order, contract)
                )
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
