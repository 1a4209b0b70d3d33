"""Callbacks as the tests send them, over a real connection where it matters, and what was kept of them."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import func, select
from werkzeug.serving import WSGIRequestHandler, make_server

from app.models import Callback
from tests.conftest import Service
from tests.tools.loopback import serving

ORDER = "UIA202411-001186"
NEW = {"event": "Project Update", "orderref": ORDER, "msg": "Project New Order"}
TAKEN = {"data": "Information received"}
FORM = "application/x-www-form-urlencoded"


def stored(service: Service) -> list[Callback]:
    return service.rows(select(Callback).order_by(Callback.id))


def count(service: Service, table: type) -> int:
    return service.scalar(select(func.count()).select_from(table)) or 0


def remote_calls(service: Service) -> int:
    return sum(service.sandbox.utopia.call_counts.values()) + sum(service.sandbox.powercode.call_counts.values())


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, kind: str, message: str, *args: Any) -> None:
        """Nothing on stderr."""


@contextmanager
def threaded_server(service: Service) -> Iterator[int]:
    """The service on a real, threaded server; yields its port."""
    server = make_server("127.0.0.1", 0, service.app, threaded=True, request_handler=_Quiet)
    with serving(server):
        yield server.server_port


def post(port: int, body: Any, **headers: str) -> tuple[int, Any]:
    """A request of its own connection; an iterable body goes out chunked."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", "/api-callback", body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def from_address(service: Service, address: str | None, **headers: str) -> int:
    return service.client.post(
        "/api-callback",
        json={**NEW, "msg": "Project Update"},
        environ_overrides={"REMOTE_ADDR": address},
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    ).status_code
