"""UTOPIA's callback: check, store, answer. No remote system is called, whatever the callback says.

Source of the wire format: reference, "The callback that UTOPIA sends to us".
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import Blueprint, Request, Response, current_app, jsonify, request
from flask.blueprints import BlueprintSetupState
from sqlalchemy import Connection, insert
from sqlalchemy.exc import SQLAlchemyError

from app import notices
from app.aftercare import callback_messages
from app.callbacks import admission, bodies, refused_callbacks
from app.callbacks.bodies import CallbackRefused, kept, storable
from app.durable.work_queue import EngineError
from app.models import Callback, CallbackOutcome, NoticeKind, now
from app.provisioning import intake
from app.services import Services, services_of
from app.storage.database import GroupCommit, session_in
from config import Settings
from gunicorn_worker import take_what_is_here

log = logging.getLogger(__name__)
callbacks = Blueprint("callbacks", __name__)

TAKEN = b'{"data":"Information received"}\n'
"""Built once: building it for each callback took as long as a database statement."""
NEW_ORDER = "project new order"
TEST = "test"
FIELDS = ("event", "orderref", "msg")
ORDERREF = re.compile(r"(?=[^0-9]*[0-9])[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
"""Matches every reference seen so far; safe in commands and file names; never a word in the console's addresses."""

# Built once, and on the tables: built anew for each callback, and through the mapped classes, they took more
# time than SQLite needs to execute them.
INSERT_CALLBACK = insert(Callback.__table__)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Message:
    """A callback's content. `orderref` is None only in a test."""

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
    state.app.extensions["refusals_kept"] = refused_callbacks.Budget()
    state.app.extensions["callback_writer"] = GroupCommit(services.database, partial(store, services))


@callbacks.route("/api-callback", methods=["GET", "PUT", "PATCH"], strict_slashes=False)
def reachable() -> Response:
    """Answer UTOPIA's reachability probe. A GET with an order was a POST before a redirect, and is refused."""
    body, _ = bodies.read(request)
    body = body or _order_in_address(request)
    if not body and request.method in ("GET", "HEAD"):
        return Response("Utopia API Handler takes callbacks here by POST.\n", mimetype="text/plain")
    lost = f"A callback must come by POST; this one came by {request.method}, as after a redirect with 301 or 302"
    answer = _refuse(CallbackRefused(405, lost), body)
    answer.headers["Allow"] = "POST"
    return answer


def _order_in_address(incoming: Request) -> bytes:
    """The callback's fields in the query, and no others, so that a token stays out of the record."""
    fields = [(name, value) for name, value in incoming.args.items(multi=True) if name.casefold() in FIELDS]
    return urlencode(fields).encode()


@callbacks.post("/api-callback", strict_slashes=False)
def receive() -> Response:
    """Answer 200 once the callback is on disk, with its order and the start of its work."""
    services = services_of(current_app)
    try:
        _admit(request, services.settings)
    except CallbackRefused as refused:
        take_what_is_here()
        return _refuse(refused, bodies.read(request)[0])
    body, is_whole = bodies.read(request)
    try:
        if not is_whole:
            raise CallbackRefused(400, bodies.BROKEN_OFF)
        body = bodies.unpack(body, request.headers.get("Content-Encoding", ""))
        message = read_message(body, request.mimetype)
    except CallbackRefused as refused:
        return _refuse(refused, body)
    return _store(services, message)


def _refuse(refused: CallbackRefused, body: bytes) -> Response:
    budget: refused_callbacks.Budget = current_app.extensions["refusals_kept"]
    refused_callbacks.record(services_of(current_app), budget, refused, body, _sender(request))
    answer = jsonify(error=refused.error)
    answer.status_code = refused.status
    return answer


def _store(services: Services, message: Message) -> Response:
    try:
        writer: GroupCommit[Received, CallbackOutcome] = current_app.extensions["callback_writer"]
        outcome = writer.put(Received(message, _sender(request)))
    except (SQLAlchemyError, EngineError, OSError):
        log.exception("A callback could not be stored and was answered 503")
        services.metrics.callback(CallbackOutcome.NOT_STORED)
        answer = jsonify(error="The callback could not be stored. Send it again in a minute")
        answer.status_code = 503
        return answer
    services.metrics.callback(outcome)
    # A new order's first step writes the log line; writing it here would take a sixth of a callback's time.
    level = logging.DEBUG if outcome is CallbackOutcome.ORDER else logging.INFO
    log.log(level, "Callback %s: %s", message.orderref or "-", outcome)
    return Response(TAKEN, mimetype="application/json")


def _admit(incoming: Request, settings: Settings) -> None:
    networks = settings.callback_allowed_networks
    if networks and not admission.is_in(incoming.remote_addr, networks):
        raise CallbackRefused(403, "Callbacks are not taken from this address. See CALLBACK_ALLOWED_NETWORKS")
    if settings.callback_token and not admission.has_token(incoming, settings.callback_token):
        raise CallbackRefused(401, "The callback's token is missing or wrong. See CALLBACK_TOKEN")


def _sender(incoming: Request) -> str | None:
    """The address as it is stored; one that a proxy handed on can be any text."""
    return incoming.remote_addr and storable(incoming.remote_addr)[:64]


def read_message(body: bytes, content_type: str) -> Message:
    """The message in a callback's body; raises `CallbackRefused` with what is wrong."""
    return _message(bodies.content_of(body, content_type), body)


def _message(content: dict[str, Any], body: bytes) -> Message:
    msg, event, orderref = content.get("msg"), content.get("event"), content.get("orderref")
    if not isinstance(msg, str) or not msg.strip():
        raise CallbackRefused(400, "msg is missing, or not a text")
    message = Message(
        msg=storable(msg)[:200],
        event=storable(event)[:200] if isinstance(event, str) else None,
        orderref=orderref.strip() if isinstance(orderref, str) and orderref.strip() else None,
        body=kept(body),
    )
    if orderref is not None and not isinstance(orderref, str):
        raise CallbackRefused(400, "orderref must be a text")
    if message.orderref is None and message.kind != CallbackOutcome.TEST:
        raise CallbackRefused(400, "orderref is missing")
    if message.orderref is not None and not ORDERREF.fullmatch(message.orderref):
        raise CallbackRefused(400, "orderref must be 1 to 64 letters, digits and . _ : -, with a digit among them")
    return message


def store(services: Services, connection: Connection, group: Sequence[Received]) -> list[CallbackOutcome]:
    """Write callbacks, and for new orders their rows and the start of their work, in the caller's transaction."""
    orderrefs = [message.orderref for message, _ in group if message.kind is CallbackOutcome.ORDER and message.orderref]
    started = intake.take_in(services, connection, orderrefs, intake.room(connection)) if orderrefs else set()
    outcomes = []
    for message, remote_address in group:
        outcome = message.kind
        if outcome is CallbackOutcome.TEST:
            _tell_of_test(services, connection, remote_address)
        elif outcome is CallbackOutcome.ORDER and message.orderref in started:
            started.remove(message.orderref)  # a second callback for the order in this group is a repeat
        elif outcome is CallbackOutcome.ORDER:
            outcome = CallbackOutcome.REPEAT
        outcomes.append(outcome)
    rows = [_row(received, outcome) for received, outcome in zip(group, outcomes, strict=True)]
    connection.execute(INSERT_CALLBACK, rows)
    recorded = [message for message, _ in group if message.kind is CallbackOutcome.RECORDED]
    if recorded:
        callback_messages.take(services, connection, [(each.msg, each.orderref, each.event) for each in recorded])
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
