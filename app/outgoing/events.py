"""Events: what happened, as JSON, posted to EVENTS_URL and signed as Standard Webhooks says.

They hold no customer's data except the customer's number, with which a receiver can look up more. Each event is tried
for a day, under one id, so that a receiver recognises an event that it had already.

Source: the specification of Standard Webhooks, https://www.standardwebhooks.com.
"""

import json
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from app.durable import engine
from app.models import EventKind, Order, Outgoing, now
from app.outgoing import records
from app.services import Services
from app.version import VERSION
from config import Settings
from wire import Failure, Reply, Request, Transport

log = logging.getLogger(__name__)

CHANNEL = "events"
TRIED_FOR = timedelta(hours=24)
MOST_AT_ONCE = 50
CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 5.0, 15.0, 20.0
"""Standard Webhooks asks senders to wait for 15 to 30 seconds."""
LARGEST_ANSWER = 64 * 1024
GONE = 410


def record(
    services: Services, session: Session, kind: EventKind, key: str, order: Order | None = None, **data: Any
) -> None:
    """Record an event in the caller's transaction, if EVENTS_URL is set; a `key` that is known changes nothing."""
    if services.settings.events_url:
        records.record(session, CHANNEL, f"{kind}:{key}", kind, order, **data)


def send_due(services: Services) -> int:
    """Send what is due, the oldest first; returns how many were taken. If the receiver fails, the rest waits.

    If the address was removed, waiting events are given up: sent once there is one again, they would come too late,
    and maybe to somebody else.
    """
    if not services.settings.events_url:
        records.give_up(services, Outgoing.channel == CHANNEL)
        return 0
    transport = Transport(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, deadline=WHOLE_SECONDS)
    for taken in range(MOST_AT_ONCE):
        row = None if engine.is_stopping() else records.claim(services, CHANNEL)
        if row is None or not _send(services, transport, row):
            return taken
    return MOST_AT_ONCE


def _send(services: Services, transport: Transport, row: Outgoing) -> bool:
    began = monotonic()
    answer = transport.exchange(request(services.settings, row, now()), LARGEST_ANSWER)
    fault = _fault(answer)
    outcome = "ok" if fault is None else "refused" if isinstance(answer, Reply) else "unknown"
    services.metrics.remote_call("events", "post", outcome, monotonic() - began)
    if fault is None:
        records.sent(services, row)
        return True
    log.warning("The event %s was not taken: %s", row.kind, fault)
    gone = isinstance(answer, Reply) and answer.status == GONE
    wait = (answer.retry_after or 0) if isinstance(answer, Reply) else 0
    records.not_sent(services, row, fault, timedelta() if gone else TRIED_FOR, wait)
    return False


def request(settings: Settings, row: Outgoing, moment: datetime) -> Request:
    """The signed request for one try."""
    secret = settings.events_secret.get_secret_value() if settings.events_secret else ""
    body = json.dumps(payload(row), ensure_ascii=False, separators=(",", ":"))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"utopia-api-handler/{VERSION}",
        "webhook-id": row.message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(row.message_id, moment, body),
    }
    return Request("POST", settings.events_url or "", data=body.encode(), headers=headers)


def payload(row: Outgoing) -> Mapping[str, Any]:
    """What the receiver reads: the kind, when it happened, and its data."""
    return {"type": row.kind, "timestamp": row.created_at.isoformat(timespec="milliseconds"), "data": row.content}


def _fault(answer: Reply | Failure) -> str | None:
    """Why the receiver has not taken it, in words; None when it has. Only an answer from 200 to 299 says that."""
    if isinstance(answer, Failure):
        return f"the receiver: {answer.detail}"
    if answer.status == GONE:
        return "the receiver says that nothing is to be sent there any more (HTTP 410)"
    return None if 200 <= answer.status < 300 else f"the receiver answered HTTP {answer.status}"
