"""Delivers notices: a message to each recipient, over one connection, until everybody has it.

A mail server that is down delays a notice and nothing else. After a crash in the middle of a delivery the mail is sent
again with the same Message-ID: for staff a repeat is harmless, a missing notice is not.
"""

import logging
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from app.models import Notice, NoticeDelivery, NoticeKind, NoticeState, Order, System, now
from app.notices.claims import claims
from app.notices.enclosures import Enclosure, Without
from app.notices.mails import AboutOrders, write
from app.observability import order_context
from app.remote import breaker, probes, retry_times
from app.remote.mail import ContentRefused, Mail, MailFailed, MailOutcomeUnknown, Post, RecipientRefused
from app.services import Services
from app.storage.database import connection_of

log = logging.getLogger(__name__)

WITH_CONTRACT = (NoticeKind.ACCOUNT_CREATED, NoticeKind.CUSTOMER_EXISTS, NoticeKind.CONTRACT)
MOST_DEATHS = 3
"""How often a delivery may break off before the notice goes out without its contract, which may be the reason."""

# Built once, and on the table: through the mapped class, each statement takes several times as long.
DELIVERIES = NoticeDelivery.__table__
OF_ONE = (DELIVERIES.c.notice_id == bindparam("of"), DELIVERIES.c.recipient == bindparam("to"))
STATE = select(DELIVERIES.c.state).where(*OF_ONE)
BEGUN = insert(DELIVERIES)  # type: ignore[arg-type]
SAID = update(DELIVERIES).where(*OF_ONE)  # type: ignore[arg-type]

Said = dict[str, Any]
"""What became of a recipient: it is written with the next recipient's beginning, or with the notice's end."""
Say = Callable[[Enclosure | None], Mail]
"""The notice's mail, with a contract or without."""


def deliver(services: Services, about_orders: AboutOrders, notice_id: int, run: int) -> str:
    """Deliver a notice to everybody who hasn't got it yet, then whatever else is due; returns the notice's state."""
    state = "over"
    with services.mailer.connection() as post:
        for notice, order in claims(services, notice_id, run):
            with order_context(order.orderref if order else "-"):
                outcome = _deliver(services, about_orders, post, notice, order)
            state = outcome if notice.id == notice_id else state
    return state


def _deliver(services: Services, about: AboutOrders, post: Post, notice: Notice, order: Order | None) -> str:
    with ExitStack() as files:
        try:
            enclosure = _enclosure(services, about, notice, order, files)
            if notice.kind == NoticeKind.CONTRACT and _follows(enclosure) and not _given_up(services, notice):
                return _wait(services, notice, "contract", "UTOPIA does not have the contract ready yet")
            say = partial(write, services.settings, about, notice, order, cause=_cause(services, about, notice, order))
            failures, last = _send_to_all(services, post, notice, say, enclosure)
        except MailFailed as failed:
            return _not_taken(services, notice, failed)
        except Exception as fault:
            log.exception("Notice %s met a fault of this program", notice.kind)
            return _wait(services, notice, "program", f"a fault of this program ({type(fault).__name__}); see the log")
        return _close(services, notice, order, failures, last, contract_follows=_follows(enclosure))


def _cause(services: Services, about: AboutOrders, notice: Notice, order: Order | None) -> dict[str, Any] | None:
    """The cause as it stands now, so that a mail that waited includes orders that joined meanwhile."""
    if order is None or notice.kind != NoticeKind.NEEDS_YOU:
        return None
    with services.database.read() as session:
        return about.cause(session, notice, order)


def _enclosure(
    services: Services, about: AboutOrders, notice: Notice, order: Order | None, files: ExitStack
) -> Enclosure | None:
    """The contract, on the disk until `files` are closed; None for a notice that has none."""
    if order is None or notice.kind not in WITH_CONTRACT:
        return None
    if notice.restarts > MOST_DEATHS:
        log.warning(
            "Notice %s goes out without its contract: its delivery broke off %d times", notice.kind, MOST_DEATHS
        )
        return Enclosure(without=Without.BROKE_OFF)
    return about.contract(services, order, files.enter_context(tempfile.TemporaryFile()))


def _follows(enclosure: Enclosure | None) -> bool:
    return enclosure is not None and enclosure.without is Without.NOT_READY


def _send_to_all(
    services: Services, post: Post, notice: Notice, say: Say, enclosure: Enclosure | None
) -> tuple[dict[str, str], Said | None]:
    """Send to each recipient; returns what went wrong, by recipient, and what is to be written of the last one."""
    failures, mail = {}, say(enclosure)
    said: Said | None = None
    for recipient in services.settings.email_recipients:
        has_it, said = not _begin(services, notice, recipient, said), None
        if has_it:
            continue
        try:
            try:
                post.send(mail, recipient)
            except ContentRefused as refused:
                if enclosure is None or enclosure.file is None:
                    raise
                log.warning("Notice %s goes out without its contract: %s", notice.kind, refused.detail)
                post.send(say(replace(enclosure, file=None, without=Without.NOT_TAKEN)), recipient)
        except RecipientRefused as refused:
            failures[recipient] = refused.detail
        state = "refused" if recipient in failures else "sent"
        said = {"of": notice.id, "to": recipient, "state": state, "error": failures.get(recipient)}
    return failures, said


def _begin(services: Services, notice: Notice, recipient: str, said: Said | None) -> bool:
    """Whether the recipient has not got it yet; with it, write what became of the recipient before."""
    which = {"of": notice.id, "to": recipient}
    with services.database.write(repeatable=said is None) as session:
        connection = connection_of(session)
        if said is not None:
            connection.execute(SAID, said)
        state = connection.scalar(STATE, which)
        if state is None:
            connection.execute(BEGUN, {"notice_id": notice.id, "recipient": recipient, "state": "sending"})
        elif state != "sent":
            connection.execute(SAID, {**which, "state": "sending"})
        return state != "sent"


def _close(
    services: Services,
    notice: Notice,
    order: Order | None,
    failures: Mapping[str, str],
    last: Said | None,
    *,
    contract_follows: bool,
) -> str:
    with services.database.write() as session:
        if last is not None:
            connection_of(session).execute(SAID, last)
        row = _put_down(session, notice)
        if failures and not _given_up(services, row):
            _try_later(services, row, "recipient", f"{len(failures)} recipients refused")
        else:
            row.state = NoticeState.FAILED if failures else NoticeState.SENT
            row.sent_at = None if failures else now()
            row.next_try_at = row.waiting_for = None
            row.error = "; ".join(failures.values()) or None
        if order is not None and row.kind != NoticeKind.CONTRACT and contract_follows:
            _follow_up_with_contract(services, session, order)
        log.info("Notice %s: %s", row.kind, row.state)
        return row.state


def _follow_up_with_contract(services: Services, session: Session, order: Order) -> None:
    key = f"{NoticeKind.CONTRACT}:{order.orderref}"
    if session.scalar(select(Notice.id).filter_by(key=key)) is None:
        due = retry_times.retry_at(1, services.settings.retry_minutes)
        session.add(
            Notice(key=key, kind=NoticeKind.CONTRACT, order_id=order.id, waiting_for="contract", next_try_at=due)
        )


def _wait(services: Services, notice: Notice, waiting_for: str, why: str) -> str:
    with services.database.write() as session:
        row = _put_down(session, notice)
        _try_later(services, row, waiting_for, why)
        return row.state


def _try_later(services: Services, row: Notice, waiting_for: str, why: str) -> None:
    row.tries += 1
    row.waiting_for, row.error = waiting_for, why
    row.next_try_at = retry_times.retry_at(row.tries, services.settings.retry_minutes)


def _not_taken(services: Services, notice: Notice, failed: MailFailed) -> str:
    """The server takes other mails, so the trouble is with this one: it waits alone, and the others go on.

    If the whole mail was sent and no answer came, the delivery counts as broken off: a large mail may be the reason.
    """
    log.warning("Notice %s waits: %s", notice.kind, failed.detail)
    works = probes.works(services, System.MAIL)
    with services.database.write() as session:
        row = _put_down(session, notice, broke_off=isinstance(failed, MailOutcomeUnknown))
        _try_later(services, row, "recipient" if works else System.MAIL, failed.detail)
        row.next_try_at = breaker.next_probe_at(session, System.MAIL) or row.next_try_at
        if works and _given_up(services, row):
            row.state, row.next_try_at, row.waiting_for = NoticeState.FAILED, None, None
        return row.state


def _put_down(session: Session, notice: Notice, *, broke_off: bool = False) -> Notice:
    """Release the claim on the notice's row, and return the row: nobody else changes a notice that is claimed."""
    session.add(notice)
    notice.claimed_by = None
    notice.restarts = notice.restarts if broke_off else 0
    return notice


def _given_up(services: Services, notice: Notice) -> bool:
    return notice.created_at + timedelta(hours=services.settings.give_up_after_hours) <= now()
