"""A simulated HTTP server on loopback: real sockets, kept-alive connections, recorded calls and faults on demand."""

import http
import socket
import threading
import time
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

from sandbox.faults import Fault, FaultPlan
from sandbox.http_messages import Answer, Call, Request, html_answer, json_answer
from sandbox.listener import Listener
from sandbox.ports import Switchable

CALLS_KEPT = 20_000
"""Calls that `calls` holds before the oldest are dropped, so that a soak run doesn't fill the memory."""

KINDS = {
    "refuse": frozenset[str](),
    "reset": frozenset({"processed"}),
    "garbage": frozenset({"status", "processed"}),
    "status_code": frozenset({"status_code", "message", "status", "processed"}),
    "http": frozenset({"status", "retry_after", "body", "processed"}),
    "no_answer": frozenset({"processed"}),
    "slow": frozenset({"seconds", "when"}),
    "empty": frozenset({"processed"}),
    "cut": frozenset({"processed"}),
    "stall": frozenset({"seconds", "processed"}),
}
PROCESSED_BY_DEFAULT = frozenset({"no_answer", "slow", "empty", "cut", "stall"})

PHP_ERROR_PAGE = (
    "<br />\n<b>Fatal error</b>:  Uncaught Exception: SQLSTATE[HY000]: General error: 1205 Lock wait timeout exceeded;"
    " try restarting transaction in /var/www/html/api/1/index.php:412\nStack trace:\n#0 {main}\n"
    "  thrown in <b>/var/www/html/api/1/index.php</b> on line <b>412</b><br />\n"
)


Moment = Literal["arrived", "processed", "answered"]
"""The call was read, and nothing is done yet; it was done, and is not answered yet; its answer was sent."""


class SimulatedServer(Switchable):
    """The base of the simulated HTTP servers. Subclasses say what a request means and what it is answered.

    `calls` records each request that was read, `latency` is added to each call (seconds), `lock` guards the state:
    hold it to read several things that belong together. `on_call` is called at each moment of each call, in the call's
    thread; when it raises ConnectionError, the connection is closed at that moment.
    """

    def __init__(self, host: str = "127.0.0.1", tls: tuple[str, str] | None = None) -> None:
        super().__init__(host, tls=tls)
        self.latency = 0.0
        self.lock = threading.RLock()
        self.calls: list[Call] = []
        self.call_counts: Counter[str] = Counter()
        self.on_call: Callable[[Call, Moment], None] = _take_no_notice
        self._faults = FaultPlan(KINDS)

    # What a subclass says

    @abstractmethod
    def action_of(self, request: Request) -> str:
        """The name under which a request is recorded and by which faults find it."""

    @abstractmethod
    def fields_of(self, request: Request) -> dict[str, Any]:
        """The request's parameters for the record, without the key."""

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """Process the request and return the answer; called with `lock` held."""

    def refusal(self, request: Request, fault: Fault) -> Answer:  # noqa: ARG002 (subclasses look at the request)
        """The server's own form of a refusal, for a `status_code` fault."""
        return json_answer({"error": fault.args.get("message", "Refused")}, fault.args.get("status", 200))

    @property
    def url(self) -> str:
        """Where the server listens, such as `http://127.0.0.1:40123`; the port stays the same over down and up."""
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}"

    def _listen(self, bound: socket.socket) -> Listener:
        listener = Listener(self, bound, self._tls)
        listener.listen()
        return listener

    # Faults

    def fault(self, action: str, kind: str, times: int | None = 1, **args: Any) -> Fault:
        """Arm a fault for the next `times` calls (None: until cleared) of `action` (`*` is a wildcard); returned.

        The first armed fault that matches a call is taken. Its `taken` counts the calls it hit.

        | kind | what the client sees | processed | arguments |
        | --- | --- | --- | --- |
        | `refuse` | connection closed: for `*` as soon as it is made, else once the call is known | no | |
        | `reset` | RST after the request was read | no | |
        | `garbage` | a PHP error page | no | `status` (200) |
        | `status_code` | the server's own refusal | no | `status_code` (1), `message`, `status` (200) |
        | `http` | an HTTP status | no | `status` (502), `retry_after`, `body` (text, or a value sent as JSON) |
        | `no_answer` | connection closed | yes | |
        | `slow` | the answer, late | yes | `seconds` (1), `when` (`before` or `after` it was processed) |
        | `empty` | HTTP 200 without a body | yes | |
        | `cut` | half of the body, then the connection is closed | yes | |
        | `stall` | headers, and never a body | yes | `seconds` until it closes (60) |

        Whether a call is processed can be turned round with `processed`, except for `refuse` and `slow`.
        """
        return self._faults.add(action, kind, times, args)

    def clear_faults(self) -> None:
        """Disarm every fault. Calls with a fault under way end as planned, and `latency` stays."""
        self._faults.clear()

    def count(self, action: str) -> int:
        """How many requests of that action were read, with and without a fault."""
        return self.call_counts[action]

    # Called by the listener's connections

    def refuses_connection(self) -> bool:
        """Whether a new connection is to be closed before anything is read from it."""
        return self._faults.take_refusal() is not None

    def arrived(self, request: Request, connection: int) -> tuple[Call, Fault | None]:
        """Record a request, and take the fault it gets."""
        action = self.action_of(request)
        with self.lock:
            fault = self._faults.take(action)
            self.call_counts[action] += 1
            call = Call(
                self.call_counts.total(),
                action,
                self.fields_of(request),
                time.time(),
                connection,
                fault.kind if fault else None,
            )
            self.calls.append(call)
            del self.calls[:-CALLS_KEPT]
        return call, fault

    def process(self, request: Request, fault: Fault | None) -> Answer:
        """Process the request, unless the fault prevents that, and return the answer to send."""
        answer = json_answer({})
        if fault is None or fault.args.get("processed", fault.kind in PROCESSED_BY_DEFAULT):
            with self.lock:
                answer = self.answer(request)
        return self._instead(request, fault) or answer if fault else answer

    def _instead(self, request: Request, fault: Fault) -> Answer | None:
        match fault.kind:
            case "garbage":
                return html_answer(PHP_ERROR_PAGE, fault.args.get("status", 200))
            case "status_code":
                return self.refusal(request, fault)
            case "http":
                return _http_answer(fault.args)
            case "empty":
                return html_answer("")
            case _:
                return None


def _take_no_notice(_call: Call, _moment: Moment) -> None:
    """The default of `on_call`: does nothing."""


def _http_answer(args: dict[str, Any]) -> Answer:
    status = args.get("status", 502)
    reason = http.HTTPStatus(status).phrase
    headers = {"Retry-After": str(args["retry_after"])} if "retry_after" in args else {}
    page = f"<html><head><title>{status} {reason}</title></head><body><h1>{status} {reason}</h1></body></html>\n"
    body = args.get("body", page)
    plain = html_answer(body, status) if isinstance(body, str) else json_answer(body, status)
    return Answer(status, plain.body, plain.content_type, headers)
