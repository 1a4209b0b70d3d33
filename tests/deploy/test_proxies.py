"""The examples for nginx and Caddy, as they are, in front of the real service; and the service without a proxy."""

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from sandbox import Sandbox
from tests.conftest import settings_for
from tests.tools.callback_requests import TAKEN
from tests.tools.processes import ServiceProcess
from tests.tools.proxies import HALF, HALF_A_BODY, INSTALLED_BY, NAME, NO_PROXY, PROXIES, Door, is_installed, opened

pytestmark = pytest.mark.sweep

STALLED = 200


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """The service by itself, as in production."""
    folder = tmp_path_factory.mktemp("service")
    with Sandbox() as sandbox, ServiceProcess(settings_for(sandbox, folder, trusted_proxies=1), folder) as process:
        process.start()
        yield process


@pytest.fixture(scope="module", params=[NO_PROXY, *PROXIES])
def door(
    request: pytest.FixtureRequest, service: ServiceProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    """The service's own port, and each example."""
    if not is_installed(request.param):
        pytest.skip(f"{request.param} is not installed: apt-get install {INSTALLED_BY[request.param]}")
    with opened(request.param, service, tmp_path_factory.mktemp("proxy")) as way_in:
        yield way_in


def test_a_callback_gets_through_with_and_without_a_slash_and_nothing_else_does(door: Door) -> None:
    assert door.callback("UIA-1") == door.callback("UIA-1", "/api-callback/") == (200, TAKEN)
    assert door.ask("/api-callback")[0] == 200
    status, headers, _ = door.ask("/")
    assert (status, headers["Location"]) == (303, "/console")
    assert door.ask("/digest-source", {"Event": "s3:TestEvent"})[0] == 401
    assert door.ask("/healthz")[0] == 200
    assert door.ask("/api-callback/more")[0] == 404


def test_plain_http_is_led_on_without_losing_the_body(door: Door) -> None:
    if door.secure is None:
        return  # the service by itself is not led on to anywhere
    status, headers, _ = door.ask("/api-callback?token=x", {"msg": "Test"}, secure=False)

    assert status == 308  # and not 301, after which a caller comes back with GET
    assert re.fullmatch(rf"https://{re.escape(NAME)}(:\d+)?/api-callback\?token=x", headers["Location"])


@pytest.mark.parametrize("sent", HALF)
def test_two_hundred_stalled_connections_hold_nobody_up(door: Door, service: ServiceProcess, sent: bytes) -> None:
    with ExitStack() as open_ones:
        stalled = [open_ones.enter_context(door.open(sent)) for _ in range(STALLED)]
        for number in range(5):
            assert door.callback(f"UIA-{number}") == (200, TAKEN)
        assert door.ask("/healthz")[0] == 200
        for connection in stalled:
            connection.setblocking(False)
        assert sum(is_waiting(each) for each in stalled) > STALLED / 2, "they were waited out, and not served beside"


def is_waiting(connection: socket.socket) -> bool:
    """Whether neither an answer nor an end has come."""
    try:
        connection.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False
    return False


def test_a_stalled_connection_is_ended(door: Door) -> None:
    with door.open(HALF_A_BODY) as connection:
        while connection.recv(1000):
            pass
