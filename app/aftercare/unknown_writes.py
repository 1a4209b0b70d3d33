"""Settles writes after the account whose outcome is unknown: by a look-up, or by asking a person."""

import logging
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, or_, select, update

from app.aftercare import writes
from app.aftercare.write_kinds import KINDS
from app.lookups.remote_requests import REMOTE_ERRORS
from app.models import CustomerWrite, StepState, now
from app.remote import retry_times
from app.services import Services
from app.storage.database import connection_of

log = logging.getLogger(__name__)

WRITES = CustomerWrite.__table__
ANY_DOUBTFUL = select(WRITES.c.id).where(WRITES.c.state.in_((StepState.RUNNING, StepState.UNKNOWN))).limit(1)
"""Built once, and on the table: it is asked every few seconds, and mostly there is none."""
INTERRUPTED = "the service was stopped while it was sent"


def settle(services: Services) -> None:
    """Find writes whose process died, and look up those for which that is possible."""
    with services.database.read() as session:
        if connection_of(session).scalar(ANY_DOUBTFUL) is None:
            return
    moment = now()
    broke_off = or_(
        CustomerWrite.sent_at < moment - writes.longest_call(services),
        CustomerWrite.sent_at > moment + writes.longest_call(services),  # a clock was wrong
    )
    its_time = or_(
        CustomerWrite.next_look_at.is_(None),
        retry_times.due(CustomerWrite.next_look_at, services.settings.retry_minutes),
    )
    doubtful = or_(
        and_(CustomerWrite.state == StepState.RUNNING, broke_off),
        and_(CustomerWrite.state == StepState.UNKNOWN, CustomerWrite.asks.is_(False), its_time),
    )
    with services.database.read() as session:
        found = session.scalars(select(CustomerWrite).where(doubtful).order_by(CustomerWrite.id)).all()
    for write in found:
        try:
            _settle(services, write)
        except Exception:
            log.exception("The write %d can't be settled; it is tried again, and the others go on", write.id)


def _settle(services: Services, write: CustomerWrite) -> None:
    kind = KINDS[write.kind]
    if kind.is_there is None:
        _end(services, write, StepState.UNKNOWN, write.said or INTERRUPTED)
        return
    try:
        there = kind.is_there(services, write)
    except REMOTE_ERRORS as error:
        _look_later(services, write, str(getattr(error, "detail", "")))
        return
    if there is None:
        _keep_in_doubt(services, write, asks=True)  # it was asked and can't tell: a person looks
    elif there:
        _end(services, write, StepState.DONE, "It was looked up, and is there")
    elif now() - write.sent_at >= timedelta(seconds=services.settings.pc_settle_seconds):
        _end(services, write, StepState.NEVER_ARRIVED, "It was looked up, and is not there")


def _end(services: Services, write: CustomerWrite, state: StepState, said: str) -> None:
    services.database.insist(lambda session: writes.end(session, KINDS[write.kind], write.id, state, said))
    log.info("%s after the account: %s", write.kind, state)


def _look_later(services: Services, write: CustomerWrite, why: str) -> None:
    looks = write.looks + 1
    next_look_at = retry_times.retry_at(looks, services.settings.retry_minutes)
    _keep_in_doubt(services, write, looks=looks, said=why or write.said, next_look_at=next_look_at)


def _keep_in_doubt(services: Services, write: CustomerWrite, **values: Any) -> None:
    """Write values of a row, unless its sender has recorded the outcome meanwhile."""
    mine = update(CustomerWrite).where(CustomerWrite.id == write.id, CustomerWrite.state.in_(writes.IN_DOUBT))
    services.database.insist(lambda session: session.execute(mine.values(state=StepState.UNKNOWN, **values)))
