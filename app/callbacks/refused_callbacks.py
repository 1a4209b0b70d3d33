"""Keeps a record of refused callbacks, for people who look for them; no answer depends on it.

Anybody can send such callbacks, as many as the machine takes: each sender has an allowance, and all together have one.
"""

import ipaddress
import logging
import threading
import time

from flask import Request, Response, current_app, jsonify, request
from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError

from app.callbacks.bodies import CallbackRefused, kept
from app.models import Callback, CallbackOutcome
from app.services import Services, services_of

log = logging.getLogger(__name__)

MOST_SENDERS = 1000
TOLD_EVERY_SECONDS = 60.0


class Allowance:
    """`most` at once, and one more every `seconds`."""

    def __init__(self, most: float, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._left, self._at = most, time.monotonic()

    def take(self) -> bool:
        """Whether there is one left, which is then taken."""
        moment = time.monotonic()
        self._left = min(self._most, self._left + (moment - self._at) / self._seconds)
        self._at = moment
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Budget:
    """How many refused callbacks this process keeps: some 60 MB a day at the worst, of which the newest 20,000 stay."""

    def __init__(self) -> None:
        self._all = Allowance(200, 5)
        self._senders: dict[str, Allowance] = {}
        self._told_at = -TOLD_EVERY_SECONDS
        self._lock = threading.Lock()

    def verdict(self, sender: str) -> CallbackOutcome | None:
        """REJECTED: keep it; FLOOD: keep a note that from now on some are not kept; None: keep nothing."""
        with self._lock:
            sender = _network(sender)
            if len(self._senders) >= MOST_SENDERS and sender not in self._senders:
                self._senders.pop(next(iter(self._senders)))
            if self._senders.setdefault(sender, Allowance(100, 30)).take() and self._all.take():
                return CallbackOutcome.REJECTED
            moment = time.monotonic()
            if moment - self._told_at < TOLD_EVERY_SECONDS:
                return None
            self._told_at = moment
            return CallbackOutcome.FLOOD


def _network(sender: str) -> str:
    """The sender's network: whoever has one IPv6 address has the whole /64."""
    try:
        address = ipaddress.ip_address(sender)
    except ValueError:
        return sender
    return sender if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))


def refuse(refused: CallbackRefused, body: bytes, at: str = "") -> Response:
    """The answer to a refused request, which is kept as long as there are not too many of them; `at`: not a callback's
    address."""
    _record(services_of(current_app), refused, body, f"{at}{refused.error}")
    return error_answer(refused.status, refused.error)


def error_answer(status: int, error: str) -> Response:
    """An answer that says what is wrong."""
    answer = jsonify(error=error)
    answer.status_code = status
    return answer


def sender(incoming: Request) -> str | None:
    """The address as it is stored; one that a proxy handed on can be any text."""
    return incoming.remote_addr and incoming.remote_addr[:64]


def _record(services: Services, refused: CallbackRefused, body: bytes, error: str) -> None:
    services.metrics.callback(CallbackOutcome.REJECTED)
    budget: Budget = current_app.extensions["refusals_kept"]
    outcome = budget.verdict(sender(request) or "")
    if outcome is None:
        return
    is_flood = outcome is CallbackOutcome.FLOOD
    if is_flood:
        error = "Too many are refused: for a minute, not all of them are kept"
    try:
        with services.database.write(repeatable=True) as session:  # no callback waits for the disk because of these
            session.execute(
                insert(Callback).values(
                    remote_address=sender(request),
                    outcome=outcome,
                    status=refused.status,
                    body="" if is_flood else kept(body),
                    error=error,
                )
            )
    except (SQLAlchemyError, OSError):
        log.exception("A refused callback could not be recorded")
    log.warning("Callback refused with %d: %s", refused.status, error)
