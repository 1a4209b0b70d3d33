"""`POST /digest-source`: S3 says that the report was uploaded; the run that is still due this week is started.

The request comes through SNS, through EventBridge or straight from a store, with `CALLBACK_TOKEN` or SNS's signature.
"""

import json
import logging
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from flask.blueprints import BlueprintSetupState
from sqlalchemy.exc import SQLAlchemyError

from app.callbacks import admission, bodies, s3_events
from app.callbacks.bodies import CallbackRefused
from app.callbacks.refused_callbacks import refuse
from app.callbacks.sns import Sns, is_message
from app.digest.report_uploads import report_in_s3, start_for_upload
from app.durable.work_queue import EngineError
from app.services import Services, services_of

log = logging.getLogger(__name__)
report_uploads = Blueprint("report_uploads", __name__)

ADDRESS = "/digest-source: "
"""What begins the errors that are kept."""
NOT_ADMITTED = "The token is missing or wrong (see CALLBACK_TOKEN), and this is no message of Amazon SNS"
NOT_S3 = "REPORT_SOURCE is no S3 object, so no upload starts anything"


@report_uploads.record
def _wire(state: BlueprintSetupState) -> None:
    state.app.extensions["sns"] = Sns()


@report_uploads.post("/digest-source", strict_slashes=False)
def receive() -> Response:
    """Start the run that is still due this week; the answer says what came of it."""
    services = services_of(current_app)
    body, is_whole = bodies.read(request)
    try:
        content = _content(services, body, is_whole=is_whole)
        return jsonify(data=_heed(services, content))
    except CallbackRefused as refused:
        return refuse(refused, body, ADDRESS)
    except (SQLAlchemyError, EngineError, OSError):
        log.exception("A report's upload could not be noted and was answered 503")
        return refuse(CallbackRefused(503, "It could not be noted. Send it again in a minute"), body, ADDRESS)


def _content(services: Services, body: bytes, *, is_whole: bool) -> dict[str, Any]:
    """The request's content, after a check of who sent it. Raises `CallbackRefused`."""
    token = services.settings.callback_token
    has_token = token is not None and admission.has_token(request, token)
    try:
        if not is_whole:
            raise CallbackRefused(400, bodies.BROKEN_OFF)
        content = bodies.content_of(body, request.mimetype)
    except CallbackRefused as refused:
        raise refused if has_token else CallbackRefused(401, NOT_ADMITTED) from None
    if is_message(content):
        return _from_sns(content, has_token=has_token)
    if not has_token:
        raise CallbackRefused(401, NOT_ADMITTED)
    return content


def _from_sns(message: dict[str, Any], *, has_token: bool) -> dict[str, Any]:
    sns: Sns = current_app.extensions["sns"]
    topic = sns.check(message, has_token=has_token)
    if message["Type"] == "Notification":
        return _inside(message)
    if message["Type"] == "SubscriptionConfirmation":
        sns.confirm(topic, str(message.get("Token")))
    log.warning("Amazon SNS, topic %s: %s", topic.arn, message["Type"])
    return {"Event": "s3:TestEvent"}


def _inside(message: dict[str, Any]) -> dict[str, Any]:
    try:
        content = json.loads(str(message.get("Message")))
    except (ValueError, RecursionError):
        content = None
    return content if isinstance(content, dict) else {}


def _heed(services: Services, content: dict[str, Any]) -> str:
    uploads = s3_events.uploads(content)
    if uploads is None:
        raise CallbackRefused(400, "This is no event of S3's")
    if report_in_s3(services.settings.report_source) is None:
        raise CallbackRefused(409, NOT_S3)
    if not uploads:
        return "Understood; nothing is to be done"
    outcome = start_for_upload(services, uploads)
    log.info("A report's upload: %s", outcome)
    return outcome
