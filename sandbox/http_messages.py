"""What goes over the wire of a simulated HTTP server: a request, an answer, and the record of a call."""

import json
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import parse_qs


@dataclass(frozen=True)
class Request:
    """One HTTP request as it arrived; `path` is without the query string."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Message
    body: bytes

    def json(self) -> Any:
        """The body read as JSON; None when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def json_object(self) -> dict[str, Any]:
        """The body read as a JSON object; empty when it is anything else."""
        value = self.json()
        return value if isinstance(value, dict) else {}

    def form(self) -> dict[str, str]:
        """The body's form fields (the last value of a repeated one); empty unless it is form-encoded."""
        if self.headers.get_content_type() != "application/x-www-form-urlencoded":
            return {}
        pairs = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[-1] for name, values in pairs.items()}

    def form_or_json(self) -> dict[str, str]:
        """The form's fields, or those of a JSON object as strings."""
        return self.form() or {name: str(value) for name, value in self.json_object().items()}

    def parameter(self, name: str) -> str:
        """The first value of a query parameter; empty when it is absent."""
        return self.query.get(name, [""])[0]


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes
    content_type: str
    headers: dict[str, str] = field(default_factory=dict)


def json_answer(value: Any, status: int = 200) -> Answer:
    """`value` as a JSON answer."""
    return Answer(status, json.dumps(value).encode(), "application/json")


def html_answer(page: str, status: int = 200) -> Answer:
    """`page` as an HTML answer."""
    return Answer(status, page.encode(), "text/html; charset=UTF-8")


@dataclass
class Call:
    """The record of one request that a simulated server read.

    `number` counts arrivals from 1, `at` and `ended` are seconds since the epoch (`ended` is None while the call is in
    progress), `connection` is the client's port (calls on one kept-alive connection share it), `fault` the kind of the
    fault that it got. `fields` are the call's parameters without the key.
    """

    number: int
    action: str
    fields: dict[str, Any]
    at: float
    connection: int
    fault: str | None = None
    ended: float | None = None

    @property
    def orderref(self) -> str:
        """The order that the call is about; empty when it names none."""
        return str(self.fields.get("orderref") or "")
