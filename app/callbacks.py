"""UTOPIA's callback: check, store, answer. No remote system is called, whatever the callback says.

Source of the wire format: reference, "The callback that UTOPIA sends to us".
"""

import hmac
import ipaddress
import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from flask import Blueprint, Request, Response, current_app, jsonify, request
from flask.blueprints import BlueprintSetupState
from sqlalchemy import Connection, insert
from sqlalchemy.exc import SQLAlchemyError

from app import notices
from app.database import Together, session_in
from app.engine import EngineError
from app.models import Callback, CallbackOutcome, NoticeKind, now
from app.provisioning import lifecycle
from app.services import Services, services_of
from config import Settings

log = logging.getLogger(__name__)
callbacks = Blueprint("callbacks", __name__)

BODY_LIMIT = 64 * 1024
KEPT_OF_BODY = 4 * 1024
TAKEN = b'{"data":"Information received"}\n'
"""Written once: made anew for each callback, it took as long as a statement."""
NEW_ORDER = "project new order"
TEST = "test"
ORDERREF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")
"""Wide enough for every reference seen, narrow enough for addresses, commands and file names."""

# Built once, and on the tables: built anew for each callback, and through the mapped classes, they took more
# time than SQLite needs to execute them.
INSERT_CALLBACK = insert(Callback.__table__)  # type: ignore[arg-type]


class Refused(Exception):
    """A callback that is not taken; the text is the answer and says what to do."""

    def __init__(self, status: int, error: str) -> None:
        self.status, self.error = status, error
        super().__init__(error)


@dataclass(frozen=True)
class Message:
    """A callback's content. `orderref` is None only where none is needed."""

    msg: str
    event: str | None
    orderref: str | None
    body: str

    @property
    def kind(self) -> CallbackOutcome:
        """What it asks for, before we know whether the order is new."""
        said = " ".join(self.msg.split()).casefold()
        if said == NEW_ORDER:
            return CallbackOutcome.ORDER
        return CallbackOutcome.TEST if said == TEST else CallbackOutcome.RECORDED


class Received(NamedTuple):
    """A callback that is to be stored, and the address it came from."""

    message: Message
    remote_address: str | None


@callbacks.record
def _wire(state: BlueprintSetupState) -> None:
    services: Services = state.app.extensions["services"]
    state.app.extensions["callback_writer"] = Together(services.database, partial(store, services))


@callbacks.get("/api-callback")
def reachable() -> Response:
    """For UTOPIA's reachability probe."""
    return Response("Utopia API Handler takes callbacks here by POST.\n", mimetype="text/plain")


@callbacks.post("/api-callback")
def receive() -> tuple[Response, int]:
    """Answer 200 once the callback is on disk, with its order and the start of its work."""
    services = services_of(current_app)
    body, is_whole = _body(request)
    try:
        _admit(request, services.settings)
        if not is_whole:
            raise Refused(400, "The body broke off, or its chunks are damaged")
        message = read_message(body, request.mimetype)
    except Refused as refused:
        _record_refused(services, refused, body)
        services.metrics.callback(CallbackOutcome.REJECTED)
        return jsonify(error=refused.error), refused.status
    try:
        writer: Together[Received, CallbackOutcome] = current_app.extensions["callback_writer"]
        outcome = writer.put(Received(message, _sender(request)))
    except (SQLAlchemyError, EngineError, OSError):
        log.exception("A callback could not be stored and was answered 503")
        services.metrics.callback(CallbackOutcome.NOT_STORED)
        return jsonify(error="The callback could not be stored. Send it again in a minute"), 503
    services.metrics.callback(outcome)
    # For a new order the step that begins it has the line; here it would be a sixth of a callback's time.
    level = logging.DEBUG if outcome is CallbackOutcome.ORDER else logging.INFO
    log.log(level, "Callback %s: %s", message.orderref or "-", outcome)
    return Response(TAKEN, mimetype="application/json"), 200


def _admit(incoming: Request, settings: Settings) -> None:
    networks = settings.callback_allowed_networks
    if networks and not _is_in(incoming.remote_addr, networks):
        raise Refused(403, "Callbacks are not taken from this address. See CALLBACK_ALLOWED_NETWORKS")
    if settings.callback_token and not _has_token(incoming, settings.callback_token.get_secret_value()):
        raise Refused(401, "The callback's token is missing or wrong. See CALLBACK_TOKEN")


def _sender(incoming: Request) -> str | None:
    """The address as it is stored; one that a proxy handed on can be any text."""
    return incoming.remote_addr and storable(incoming.remote_addr)[:64]


def _is_in(address: str | None, networks: tuple[Any, ...]) -> bool:
    try:
        caller: Any = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    caller = getattr(caller, "ipv4_mapped", None) or caller
    return any(caller in network for network in networks)


def _has_token(incoming: Request, token: str) -> bool:
    authorization = incoming.authorization
    basic = authorization.password if authorization and authorization.type == "basic" else None
    given = (incoming.args.get("token"), incoming.headers.get("X-Callback-Token"), basic)
    return any(hmac.compare_digest(each.encode(), token.encode()) for each in given if each)


def _body(incoming: Request) -> tuple[bytes, bool]:
    """The body, or of one that is too large the beginning: no stranger fills our memory; and whether it is whole.

    A body that breaks off is an error of the server's own kind, whose text has a part of the body in it.
    """
    body = b""
    try:
        while len(body) <= BODY_LIMIT and (part := incoming.stream.read(BODY_LIMIT + 1 - len(body))):
            body += part
    except Exception:
        return body, False
    return body, True


def read_message(body: bytes, content_type: str) -> Message:
    """The message in a callback's body; raises `Refused` with what is wrong.

    A JSON object is taken under any content type, since a wrong one has been seen and an order must not be
    lost over it.
    """
    if len(body) > BODY_LIMIT:
        raise Refused(413, f"The body is larger than {BODY_LIMIT // 1024} kB")
    if not body.strip():
        raise Refused(400, "The body is empty; a JSON object is needed")
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        if "json" not in content_type:
            raise Refused(415, "The body must be JSON, sent as Content-Type: application/json") from None
        raise Refused(400, "The body is not valid JSON") from None
    if not isinstance(content, dict):
        raise Refused(400, 'The body must be a JSON object such as {"orderref": "...", "msg": "..."}')
    return _message(content, body)


def _message(content: dict[str, Any], body: bytes) -> Message:
    msg, event, orderref = content.get("msg"), content.get("event"), content.get("orderref")
    if not isinstance(msg, str) or not msg.strip():
        raise Refused(400, "msg is missing, or not a text")
    message = Message(
        msg=storable(msg)[:200],
        event=storable(event)[:200] if isinstance(event, str) else None,
        orderref=orderref.strip() if isinstance(orderref, str) and orderref.strip() else None,
        body=_kept(body),
    )
    if orderref is not None and not isinstance(orderref, str):
        raise Refused(400, "orderref must be a text")
    if message.orderref is None and message.kind != CallbackOutcome.TEST:
        raise Refused(400, "orderref is missing")
    if message.orderref is not None and not ORDERREF.fullmatch(message.orderref):
        raise Refused(400, "orderref must be 1 to 64 letters, digits and . _ : / -")
    return message


def storable(text: str) -> str:
    """Without what a database can't hold: NUL and half characters."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")


def store(services: Services, connection: Connection, group: Sequence[Received]) -> list[CallbackOutcome]:
    """Write callbacks, and for new orders their rows and the start of their work, in the caller's transaction."""
    orderrefs = [message.orderref for message, _ in group if message.kind is CallbackOutcome.ORDER and message.orderref]
    started = lifecycle.take_in(services, connection, orderrefs)
    outcomes = []
    for message, remote_address in group:
        outcome = message.kind
        if outcome is CallbackOutcome.TEST:
            _tell_of_test(services, connection, remote_address)
        elif outcome is CallbackOutcome.ORDER and message.orderref in started:
            started.remove(message.orderref)  # another one for it in this group repeats it
        elif outcome is CallbackOutcome.ORDER:
            outcome = CallbackOutcome.REPEAT
        outcomes.append(outcome)
    rows = [_row(received, outcome) for received, outcome in zip(group, outcomes, strict=True)]
    connection.execute(INSERT_CALLBACK, rows)
    return outcomes


def _row(received: Received, outcome: CallbackOutcome) -> dict[str, Any]:
    message, remote_address = received
    return {
        "remote_address": remote_address,
        "outcome": outcome,
        "status": 200,
        "orderref": message.orderref,
        "event": message.event,
        "msg": message.msg,
        "body": message.body,
    }


def _tell_of_test(services: Services, connection: Connection, remote_address: str | None) -> None:
    """At most one notice a minute, however many tests come."""
    key = f"{NoticeKind.TEST_CALLBACK}:{now():%Y-%m-%dT%H:%M}"
    with session_in(connection) as session:
        notices.record(services.work_queue, session, NoticeKind.TEST_CALLBACK, key, remote_address=remote_address)


def _record_refused(services: Services, refused: Refused, body: bytes) -> None:
    """Keep a refused callback for whoever looks for it; the answer doesn't depend on that."""
    try:
        with services.database.write() as session:
            session.execute(
                insert(Callback).values(
                    remote_address=_sender(request),
                    outcome=CallbackOutcome.REJECTED,
                    status=refused.status,
                    body=_kept(body),
                    error=refused.error,
                )
            )
    except (SQLAlchemyError, OSError):
        log.exception("A refused callback could not be recorded")
    log.warning("Callback refused with %d: %s", refused.status, refused.error)


def _kept(body: bytes) -> str:
    return storable(body[:KEPT_OF_BODY].decode("utf-8", "replace"))
