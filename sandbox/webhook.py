"""A simulated mail webhook: takes the digest's mails (reference: the weekly ticket report, mail webhook)."""

import time
from dataclasses import dataclass
from typing import Any

from sandbox.http_messages import Answer, Request, json_answer
from sandbox.http_server import SimulatedServer

PATH = "/webhook"
EMAIL_FIELDS = {"subject": str, "to_address": list, "cc_address": list, "body": str}


@dataclass(frozen=True)
class WebhookPost:
    """One POST that was taken: its list of customers, its headers (names in lower case) and when (epoch seconds)."""

    entries: list[dict[str, Any]]
    headers: dict[str, str]
    at: float


@dataclass(frozen=True)
class WebhookMessage:
    """One customer's mail out of a POST that was taken."""

    entry: dict[str, Any]
    idempotency_key: str
    headers: dict[str, str]

    @property
    def to(self) -> str:
        """The first address that it goes to."""
        return str(self.entry["email"]["to_address"][0])

    @property
    def body(self) -> str:
        """The mail's text."""
        return str(self.entry["email"]["body"])


class Webhook(SimulatedServer):
    """The mail webhook. `posts` are the POSTs it took, `messages` their mails, one a customer.

    It mails whatever it takes: the same POST twice makes each customer's mail twice. The action, for calls and faults,
    is `post`; a POST that isn't a list of mails is answered 400 and not taken.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__(host)
        self.posts: list[WebhookPost] = []

    @property
    def post_url(self) -> str:
        """The address to post to (`DIGEST_WEBHOOK_URL`)."""
        return self.url + PATH

    @property
    def messages(self) -> list[WebhookMessage]:
        """Every mail taken, in order."""
        return [
            WebhookMessage(entry, post.headers.get("idempotency-key", ""), post.headers)
            for post in list(self.posts)
            for entry in post.entries
        ]

    def action_of(self, request: Request) -> str:
        """`post` for a POST to the webhook's path."""
        return "post" if (request.method, request.path) == ("POST", PATH) else "page"

    def fields_of(self, request: Request) -> dict[str, Any]:
        """The idempotency key and how many customers the POST is for."""
        entries = request.json()
        return {
            "idempotency_key": request.headers.get("Idempotency-Key", ""),
            "customers": len(entries) if isinstance(entries, list) else 0,
        }

    def answer(self, request: Request) -> Answer:
        """HTTP 200 when the mails were taken."""
        if self.action_of(request) != "post":
            return json_answer({"error": "Not Found"}, 404)
        entries = request.json()
        if request.headers.get_content_type() != "application/json" or not _are_mails(entries):
            return json_answer({"error": "Not a list of mails"}, 400)
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.posts.append(WebhookPost(entries, headers, time.time()))
        return json_answer({"status": "success", "messages": len(entries)})


def _are_mails(entries: Any) -> bool:
    return isinstance(entries, list) and all(_is_mail(entry) for entry in entries)


def _is_mail(entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("email"), dict):
        return False
    named = all(isinstance(entry.get(name), str) for name in ("full_name", "email_address"))
    mail = entry["email"]
    return named and all(isinstance(mail.get(name), kind) for name, kind in EMAIL_FIELDS.items())
