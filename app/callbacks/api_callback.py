"""`POST /api-callback`: UTOPIA's callback is checked, stored and answered. No remote system is called."""

import logging
from functools import partial
from urllib.parse import urlencode

from flask import Blueprint, Request, Response, current_app, request
from flask.blueprints import BlueprintSetupState
from sqlalchemy.exc import SQLAlchemyError

from app.callbacks import admission, bodies
from app.callbacks.bodies import CallbackRefused
from app.callbacks.contents import FIELDS, CallbackContent, read_message
from app.callbacks.refused_callbacks import Budget, error_answer, refuse, sender
from app.callbacks.stored_callbacks import Received, store
from app.durable.work_queue import EngineError
from app.models import CallbackOutcome
from app.services import Services, services_of
from app.storage.group_commit import GroupCommit
from config import Settings
from gunicorn_worker import take_what_is_here

log = logging.getLogger(__name__)
callbacks = Blueprint("callbacks", __name__)

TAKEN = b'{"data":"Information received"}\n'
"""Built once: building it for each callback took as long as a database statement."""


@callbacks.record
def _wire(state: BlueprintSetupState) -> None:
    services: Services = state.app.extensions["services"]
    state.app.extensions["refusals_kept"] = Budget()
    state.app.extensions["callback_writer"] = GroupCommit(services.database, partial(store, services))


@callbacks.route("/api-callback", methods=["GET", "PUT", "PATCH"], strict_slashes=False)
def reachable() -> Response:
    """Answer UTOPIA's reachability probe. A GET with an order was a POST before a redirect, and is refused."""
    body, _ = bodies.read(request)
    body = body or _order_in_address(request)
    if not body and request.method in ("GET", "HEAD"):
        return Response("Utopia API Handler takes callbacks here by POST.\n", mimetype="text/plain")
    lost = f"A callback must come by POST; this one came by {request.method}, as after a redirect with 301 or 302"
    answer = refuse(CallbackRefused(405, lost), body)
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
        return refuse(refused, bodies.read(request)[0])
    body, is_whole = bodies.read(request)
    try:
        if not is_whole:
            raise CallbackRefused(400, bodies.BROKEN_OFF)
        body = bodies.unpack(body, request.headers.get("Content-Encoding", ""))
        message = read_message(body, request.mimetype)
    except CallbackRefused as refused:
        return refuse(refused, body)
    return _store(services, message)


def _store(services: Services, message: CallbackContent) -> Response:
    try:
        writer: GroupCommit[Received, CallbackOutcome] = current_app.extensions["callback_writer"]
        outcome = writer.put(Received(message, sender(request)))
    except (SQLAlchemyError, EngineError, OSError):
        log.exception("A callback could not be stored and was answered 503")
        services.metrics.callback(CallbackOutcome.NOT_STORED)
        return error_answer(503, "The callback could not be stored. Send it again in a minute")
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
