"""What an observer is told of a finished call: its outcome, and what went over the wire, without the secrets."""

import json
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic
from typing import Self
from urllib.parse import urlsplit

from requests import Request

from .errors import RemoteError
from .masking import json_text, masked, on_one_line
from .transport import Failure, Reply

log = logging.getLogger(__name__)

SHOWN_BYTES = 4096
READ_BYTES = 64 * 1024
"""Only this much of an answer is looked at: what is shown of it is shorter still."""
CUT = " [cut]"
TEXTUAL = re.compile(r"json|xml|html|^text/|javascript|^$")


@dataclass(frozen=True)
class Observation:
    """One finished call. The first four fields are fit for metrics: no names, no ids.

    `outcome` is one of ok, never_arrived, refused, unknown, throttled, not_ours, not_ready, too_large, not_found;
    `seconds` is the time that the whole call took.

    `sent` (`POST /path {"field": ...}`) and `answered` (`200 {"statusCode": ...}`, or the failure in words) are one
    line of at most 4 kB each. Keys and passwords are masked in them; they hold customers' data, and so don't belong
    into a log.
    """

    system: str
    action: str
    outcome: str
    seconds: float
    sent: str = ""
    answered: str = ""


Observer = Callable[[Observation], None]


class Call:
    """One call of a client: when the block ends, the observer is told of it.

    The block sets `reply`, and `outcome` when all went well. The outcome of a `RemoteError` is its own, and that of any
    other exception is unknown. `secrets` are masked in the texts, wherever they stand.
    """

    def __init__(
        self, observe: Observer | None, system: str, action: str, request: Request, secrets: Iterable[str]
    ) -> None:
        self.outcome = RemoteError.outcome
        self.reply: Reply | Failure | None = None
        self._observe = observe
        self._system, self._action = system, action
        self._request, self._secrets = request, tuple(secrets)
        self._started = monotonic()

    @property
    def seconds(self) -> float:
        """How long it has taken until now."""
        return monotonic() - self._started

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, RemoteError):
            self.outcome = error.outcome
        if self._observe is None:
            return
        try:
            self._observe(self._observation())
        except Exception as fault:  # an observer that fails must not turn a done call into a failed one
            log.warning("observer failed on %s: %s", self._action, type(fault).__name__)

    def _observation(self) -> Observation:
        return Observation(
            self._system,
            self._action,
            self.outcome,
            self.seconds,
            sent=_sent(self._request, self._secrets),
            answered=_answered(self.reply, self._secrets),
        )


def _sent(request: Request, secrets: tuple[str, ...]) -> str:
    """The request in one line: method, path, and its query, form or JSON fields; headers and the key stay out."""
    fields = {
        name: each
        for given in (request.params, request.data, request.json)
        if isinstance(given, dict)
        for name, each in given.items()
        if name.lower() != "apikey"
    }
    path = urlsplit(request.url or "").path
    return _one_line(f"{request.method} {path} {json_text(fields, secrets)}")


def _answered(reply: Reply | Failure | None, secrets: tuple[str, ...]) -> str:
    """The answer in one line: status and body (for a file, its type and size), or why there is no answer."""
    if reply is None:
        return "the call broke off"
    if isinstance(reply, Failure):
        return _one_line(reply.detail)
    if not TEXTUAL.search(reply.content_type):
        size = len(reply.body) if reply.in_file is None else reply.in_file
        return _one_line(f"{reply.status} {reply.content_type}, {size} bytes")
    return _one_line(f"{reply.status} {_body(reply.body, secrets)}")


def _body(body: bytes, secrets: tuple[str, ...]) -> str:
    if not body.strip():
        return "(empty)"
    if body.startswith((b"%PDF", b"PK\x03\x04", b"\x1f\x8b")):
        return f"(a file of {len(body)} bytes)"
    text = body[:READ_BYTES].decode("utf-8", "replace")
    if len(body) <= READ_BYTES:
        try:
            return json_text(json.loads(text), secrets)
        except (ValueError, RecursionError):  # what is no JSON is shown as it is
            pass
    return masked(text, secrets)


def _one_line(text: str) -> str:
    line = on_one_line(text)
    if len(line.encode()) <= SHOWN_BYTES:
        return line
    return line.encode()[: SHOWN_BYTES - len(CUT)].decode("utf-8", "ignore") + CUT
