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

from sqlalchemy import Executable
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.models import Notice, NoticeDelivery, NoticeKind, NoticeState, Order, System, now
from app.notices.claims import Claimed, Claims, Ended
from app.notices.enclosures import Enclosure, Without
from app.notices.mails import AboutOrders, write
from app.observability import order_context
from app.remote import breaker, probes, retry_times
from app.remote.mail import ContentRefused, Mail, MailFailed, MailOutcomeUnknown, Post, RecipientRefused
from app.services import Services
from app.storage.database import connection_of, insert_if_new

log = logging.getLogger(__name__)

WITH_CONTRACT = (NoticeKind.ACCOUNT_CREATED, NoticeKind.CUSTOMER_EXISTS, NoticeKind.CONTRACT)
MOST_DEATHS = 3
"""How often a delivery may break off before the notice goes out without its contract, which may be the reason."""

Said = dict[str, Any]
"""What became of a recipient: it is written before the next recipient's turn, or with the notice's end."""
Say = Callable[[Enclosure | None], Mail]
"""The notice's mail, with a contract or without."""


def _saying(dialect: Any) -> Executable:
    statement = dialect.insert(NoticeDelivery.__table__)
    news = {name: statement.excluded[name] for name in ("state", "error", "updated_at")}
    saying: Executable = statement.on_conflict_do_update(index_elements=["notice_id", "recipient"], set_=news)
    return saying


SAYING = {"sqlite": _saying(sqlite), "postgresql": _saying(postgresql)}


def deliver(services: Services, about_orders: AboutOrders, notice_id: int, run: int) -> str:
    """Deliver a notice to everybody who hasn't got it yet, then whatever else is due; returns the notice's state."""
    state, claims = "over", Claims(services, about_orders, notice_id, run)
    with services.mailer.connection() as post:
        for claimed in claims:
            with order_context(claimed.order.orderref if claimed.order else "-"):
                ended = _deliver(services, about_orders, post, claimed)
            claims.put_down(claimed.notice, ended)
            if claimed.notice.id == notice_id:
                state = ended.values.get("state", NoticeState.PENDING)
    return state


def _deliver(services: Services, about: AboutOrders, post: Post, claimed: Claimed) -> Ended:
    notice, order = claimed.notice, claimed.order
    with ExitStack() as files:
        try:
            enclosure = _enclosure(services, about, claimed, files)
            if notice.kind == NoticeKind.CONTRACT and _follows(enclosure) and not _given_up(services, notice):
                return _later(services, notice, "contract", "UTOPIA does not have the contract ready yet")
            cause = _cause(services, about, notice, order)
            say = partial(write, services.settings, about, notice, order, steps=claimed.steps, cause=cause)
            failures, last = _send_to_all(services, post, claimed, say, enclosure)
        except MailFailed as failed:
            return _not_taken(services, notice, failed)
        except Exception as fault:
            log.exception("Notice %s met a fault of this program", notice.kind)
            return _later(services, notice, "program", f"a fault of this program ({type(fault).__name__}); see the log")
        return _sent(services, claimed, failures, last, contract_follows=_follows(enclosure))


def _cause(services: Services, about: AboutOrders, notice: Notice, order: Order | None) -> dict[str, Any] | None:
    """The cause as it stands now, so that a mail that waited includes orders that joined meanwhile."""
    if order is None or notice.kind != NoticeKind.NEEDS_YOU:
        return None
    with services.database.read() as session:
        return about.cause(session, notice, order)


def _enclosure(services: Services, about: AboutOrders, claimed: Claimed, files: ExitStack) -> Enclosure | None:
    """The contract, on the disk until `files` are closed; None for a notice that has none."""
    notice, order = claimed.notice, claimed.order
    if order is None or notice.kind not in WITH_CONTRACT:
        return None
    if notice.restarts > MOST_DEATHS:
        log.warning(
            "Notice %s goes out without its contract: its delivery broke off %d times", notice.kind, MOST_DEATHS
        )
        return Enclosure(without=Without.BROKE_OFF)
    if claimed.utopia_is_down:
        return Enclosure(without=Without.NOT_READY)
    return about.contract(services, order, files.enter_context(tempfile.TemporaryFile()))


def _follows(enclosure: Enclosure | None) -> bool:
    return enclosure is not None and enclosure.without is Without.NOT_READY


def _send_to_all(
    services: Services, post: Post, claimed: Claimed, say: Say, enclosure: Enclosure | None
) -> tuple[dict[str, str], Said | None]:
    """Send to each recipient; returns what went wrong, by recipient, and what is to be written of the last one."""
    notice, failures, mail = claimed.notice, dict[str, str](), say(enclosure)
    said: Said | None = None
    for recipient in services.settings.email_recipients:
        if recipient in claimed.have_it:
            continue
        if said is not None:
            with services.database.write() as session:
                _write_down(said, session)
            said = None
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
        state, error = "refused" if recipient in failures else "sent", failures.get(recipient)
        said = {"notice_id": notice.id, "recipient": recipient, "state": state, "error": error}
    return failures, said


def _write_down(said: Said, session: Session) -> None:
    connection = connection_of(session)
    connection.execute(SAYING[connection.dialect.name], said)


def _sent(
    services: Services, claimed: Claimed, failures: Mapping[str, str], last: Said | None, *, contract_follows: bool
) -> Ended:
    notice, order = claimed.notice, claimed.order
    if failures and not _given_up(services, notice):
        ended = _later(services, notice, "recipient", f"{len(failures)} recipients refused")
    else:
        error = "; ".join(failures.values()) or None
        sent = (
            {"state": NoticeState.FAILED, "sent_at": None}
            if failures
            else {"state": NoticeState.SENT, "sent_at": now()}
        )
        ended = Ended({**sent, "next_try_at": None, "waiting_for": None, "error": error})

    def beside(session: Session) -> None:
        if last is not None:
            _write_down(last, session)
        if order is not None and notice.kind != NoticeKind.CONTRACT and contract_follows:
            _follow_up_with_contract(services, session, order)

    log.info("Notice %s: %s", notice.kind, ended.values.get("state", NoticeState.PENDING))
    return replace(ended, beside=beside)


def _follow_up_with_contract(services: Services, session: Session, order: Order) -> None:
    due = retry_times.retry_at(1, services.settings.retry_minutes)
    key, kind = f"{NoticeKind.CONTRACT}:{order.orderref}", NoticeKind.CONTRACT
    waits = {"waiting_for": "contract", "next_try_at": due}
    insert_if_new(session, Notice, "key", key=key, kind=kind, order_id=order.id, **waits)


def _later(services: Services, notice: Notice, waiting_for: str, why: str) -> Ended:
    tries = notice.tries + 1
    next_try_at = retry_times.retry_at(tries, services.settings.retry_minutes)
    return Ended({"tries": tries, "waiting_for": waiting_for, "error": why, "next_try_at": next_try_at})


def _not_taken(services: Services, notice: Notice, failed: MailFailed) -> Ended:
    """The server takes other mails, so the trouble is with this one: it waits alone, and the others go on.

    If the whole mail was sent and no answer came, the delivery counts as broken off: a large mail may be the reason.
    """
    log.warning("Notice %s waits: %s", notice.kind, failed.detail)
    works = probes.works(services, System.MAIL)
    waits = dict(_later(services, notice, "recipient" if works else System.MAIL, failed.detail).values)
    with services.database.read() as session:
        waits["next_try_at"] = breaker.next_probe_at(session, System.MAIL) or waits["next_try_at"]
    if isinstance(failed, MailOutcomeUnknown):
        waits["restarts"] = notice.restarts
    if works and _given_up(services, notice):
        waits |= {"state": NoticeState.FAILED, "next_try_at": None, "waiting_for": None}
    return Ended(waits)


def _given_up(services: Services, notice: Notice) -> bool:
    return notice.created_at + timedelta(hours=services.settings.give_up_after_hours) <= now()
