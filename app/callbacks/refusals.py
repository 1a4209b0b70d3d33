"""What is kept of callbacks that are not taken, for whoever looks for them; no answer depends on it."""

import logging

from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError

from app.callbacks.bodies import Refused, kept
from app.models import Callback, CallbackOutcome
from app.services import Services

log = logging.getLogger(__name__)


def record(services: Services, refused: Refused, body: bytes, remote_address: str | None) -> None:
    """Keep a refused callback."""
    services.metrics.callback(CallbackOutcome.REJECTED)
    try:
        with services.database.write() as session:
            session.execute(
                insert(Callback).values(
                    remote_address=remote_address,
                    outcome=CallbackOutcome.REJECTED,
                    status=refused.status,
                    body=kept(body),
                    error=refused.error,
                )
            )
    except (SQLAlchemyError, OSError):
        log.exception("A refused callback could not be recorded")
    log.warning("Callback refused with %d: %s", refused.status, refused.error)
