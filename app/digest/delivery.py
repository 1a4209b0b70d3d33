"""Hands messages over: a batch to the mail webhook, or one mail at a time to the mail server.

Each hand-over ends as accepted, refused, refused for now, never arrived, or unknown. An unknown one is never repeated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic

from app.digest.mails import MailTemplates, Told, webhook_entry
from app.observability import Metrics
from app.remote.mail import MailFailed, MailOutcomeUnknown, Post, RecipientRefused
from config import Settings
from wire import Failure, Reply, Request, Transport

OVERALL_SECONDS_MORE = 10.0
SUCCESS, REDIRECTS, CLIENT_ERRORS, THROTTLED, SERVER_ERRORS = 200, 300, 400, 429, 500
REQUEST_TIMEOUT = 408


class Handed(StrEnum):
    """How a hand-over ended."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NEVER_ARRIVED = "never_arrived"
    NOT_NOW = "not_now"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Receipt:
    """The outcome of a hand-over, with a sentence for staff that names no customer."""

    handed: Handed
    detail: str = ""


class Webhook:
    """The mail webhook (reference: the weekly ticket report): one POST for each batch, with an idempotency key."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._url = settings.digest_webhook_url or ""
        self._metrics = metrics
        self._transport = Transport(
            connect_timeout=settings.connect_timeout_seconds,
            read_timeout=settings.read_timeout_seconds,
            deadline=settings.read_timeout_seconds + OVERALL_SECONDS_MORE,
            pool_size=1,
        )

    def send(self, batch: Sequence[Told], key: str) -> Receipt:
        """Post a batch; `key` goes out as `Idempotency-Key`."""
        request = Request(
            "POST", self._url, json=[webhook_entry(told) for told in batch], headers={"Idempotency-Key": key}
        )
        began = monotonic()
        receipt = receipt_for(self._transport.exchange(request))
        outcome = "ok" if receipt.handed is Handed.ACCEPTED else str(receipt.handed)
        self._metrics.remote_call("webhook", "post", outcome, monotonic() - began)
        return receipt


def receipt_for(answer: Reply | Failure) -> Receipt:
    """What the webhook's answer means. Any 2xx is a success, as some webhooks answer 202 or 204."""
    if isinstance(answer, Failure):
        handed = Handed.UNKNOWN if answer.sent else Handed.NEVER_ARRIVED
        return Receipt(handed, f"the mail webhook: {answer.detail}")
    said = f"the mail webhook answered HTTP {answer.status}"
    if SUCCESS <= answer.status < REDIRECTS:
        return Receipt(Handed.ACCEPTED)
    if answer.status == THROTTLED:
        return Receipt(Handed.NEVER_ARRIVED, said)
    if answer.status >= SERVER_ERRORS or answer.status == REQUEST_TIMEOUT:
        return Receipt(Handed.UNKNOWN, said)
    if answer.status < CLIENT_ERRORS:
        return Receipt(Handed.REFUSED, f"{said}, a redirect: set DIGEST_WEBHOOK_URL to the final address")
    return Receipt(Handed.REFUSED, said)


def send_mail(post: Post, templates: MailTemplates, told: Told, key: str) -> Receipt:
    """Send one customer's mail over an open connection."""
    try:
        post.send(templates.mail(told, key), told.email)
    except RecipientRefused as refused:
        return Receipt(Handed.NOT_NOW if refused.for_now else Handed.REFUSED, refused.detail)
    except MailOutcomeUnknown as unknown:
        return Receipt(Handed.UNKNOWN, unknown.detail)
    except MailFailed as failed:
        return Receipt(Handed.NEVER_ARRIVED, failed.detail)
    return Receipt(Handed.ACCEPTED)
