"""What a callback says: its message, its order, and what it asks for.

Source of the wire format: reference, "The callback that UTOPIA sends to us".
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from app.callbacks import bodies
from app.callbacks.bodies import CallbackRefused, kept
from app.models import CallbackOutcome
from app.storage.storable_text import storable

NEW_ORDER = "project new order"
TEST = "test"
FIELDS = ("event", "orderref", "msg")
ORDERREF = re.compile(r"(?=[^0-9]*[0-9])[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
"""Matches every reference seen so far; safe in commands and file names; never a word in the console's addresses."""


@dataclass(frozen=True)
class CallbackContent:
    """A callback's content. `orderref` is None only in a test. `body` is "" where the fields say all of it."""

    msg: str
    event: str | None
    orderref: str | None
    body: str = ""

    @property
    def kind(self) -> CallbackOutcome:
        """What it asks for, before we know whether the order is new."""
        said = " ".join(self.msg.split()).casefold()
        if said == NEW_ORDER:
            return CallbackOutcome.ORDER
        return CallbackOutcome.TEST if said == TEST else CallbackOutcome.RECORDED


def read_message(body: bytes, content_type: str) -> CallbackContent:
    """The message in a callback's body; raises `CallbackRefused` with what is wrong."""
    content = bodies.content_of(body, content_type)
    msg, event, orderref = content.get("msg"), content.get("event"), content.get("orderref")
    if not isinstance(msg, str) or not msg.strip():
        raise CallbackRefused(400, "msg is missing, or not a text")
    message = CallbackContent(
        msg=storable(msg)[:200],
        event=storable(event)[:200] if isinstance(event, str) else None,
        orderref=orderref.strip() if isinstance(orderref, str) and orderref.strip() else None,
    )
    if _says_more(content, body, message):
        message = replace(message, body=kept(body))
    if orderref is not None and not isinstance(orderref, str):
        raise CallbackRefused(400, "orderref must be a text")
    if message.orderref is None and message.kind != CallbackOutcome.TEST:
        raise CallbackRefused(400, "orderref is missing")
    if message.orderref is not None and not ORDERREF.fullmatch(message.orderref):
        raise CallbackRefused(400, "orderref must be 1 to 64 letters, digits and . _ : -, with a digit among them")
    return message


def _says_more(content: dict[str, Any], body: bytes, message: CallbackContent) -> bool:
    """Whether a body holds anything besides the message's fields.

    Each of these has four quotation marks around it; a field that comes twice, or JSON in JSON, makes more of them.
    """
    told = {name: value for name in FIELDS if (value := getattr(message, name)) is not None}
    return content != told or body.count(b'"') != 4 * len(told)
