"""A call against a server that gives one answer, and servers that give none."""

from collections.abc import Callable
from typing import Any

import pytest

from powercode import PowerCodeClient
from tests.powercode.one_call import KEY, Said
from tests.tools.raw_server import RawServer, answers, http
from tests.tools.wire_fixtures import authority, refusing_url, unanswering_url, unresolvable_url

__all__ = ["authority", "refusing_url", "unanswering_url", "unresolvable_url"]


@pytest.fixture
def said() -> Said:
    """Run a call against a server that gives one answer; returns the call's result and the request's text."""

    def run(call: Callable[[PowerCodeClient], Any], content: object, status: int = 200) -> tuple[Any, str]:
        with RawServer(answers(http(content, status))) as server:
            client = PowerCodeClient(f"{server.url}/api/1/index.php", f"{server.url}/uapi/", KEY, read_timeout=5)
            result = call(client)
            return result, server.requests[0].decode()

    return run
