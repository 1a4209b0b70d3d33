"""What a client sees of each fault, through the client library that the service uses."""

import socket
import threading
import time
from collections.abc import Iterator
from types import ModuleType

import pytest
import requests

from sandbox import Sandbox, Utopia

ORDER = "UIA202411-001186"


@pytest.fixture
def utopia() -> Iterator[Utopia]:
    server = Utopia()
    server.up()
    server.add_order(ORDER)
    yield server
    server.stop()


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def look_up(session: requests.Session | ModuleType, server: Utopia, timeout: float = 5.0) -> requests.Response:
    body = {"apikey": server.api_key, "orderref": ORDER}
    return session.post(f"{server.url}/spquery/contractlookup", json=body, timeout=timeout)


@pytest.mark.parametrize("action", ["*", "contractlookup", "contract*"])
def test_a_refused_call_is_closed_and_the_next_one_works(
    utopia: Utopia, session: requests.Session, action: str
) -> None:
    fault = utopia.fault(action, "refuse")
    with pytest.raises(requests.ConnectionError):
        look_up(session, utopia)
    assert fault.taken == 1
    assert look_up(session, utopia).ok


def test_an_http_fault_carries_status_retry_after_and_body(utopia: Utopia, session: requests.Session) -> None:
    utopia.fault("*", "http", status=429, retry_after=7, body={"error": "Too many requests"})
    response = look_up(session, utopia)
    assert (response.status_code, response.headers["Retry-After"]) == (429, "7")
    assert response.json() == {"error": "Too many requests"}


def test_an_http_fault_without_a_body_is_a_gateway_page(utopia: Utopia, session: requests.Session) -> None:
    utopia.fault("*", "http", status=502)
    response = look_up(session, utopia)
    assert response.status_code == 502
    assert "Bad Gateway" in response.text


@pytest.mark.long
def test_a_stalled_body_runs_into_the_read_timeout(utopia: Utopia, session: requests.Session) -> None:
    utopia.fault("*", "stall")
    with pytest.raises(requests.ConnectionError, match="timed out"):
        look_up(session, utopia, timeout=2.0)


def test_times_counts_calls_and_none_lasts_until_cleared(utopia: Utopia, session: requests.Session) -> None:
    utopia.fault("*", "http", times=2, status=503)
    utopia.fault("*", "http", times=None, status=504)
    assert [look_up(session, utopia).status_code for _ in range(4)] == [503, 503, 504, 504]
    utopia.clear_faults()
    assert look_up(session, utopia).status_code == 200


def test_a_misspelt_fault_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown fault kind"):
        Utopia().fault("*", "explode")
    with pytest.raises(ValueError, match="takes no minutes"):
        Utopia().fault("*", "slow", minutes=1)


def test_a_server_that_is_down_refuses_connections_and_keeps_its_port(
    utopia: Utopia, session: requests.Session
) -> None:
    look_up(session, utopia)
    port = utopia.port
    utopia.down()
    with pytest.raises(requests.ConnectionError, match="refused"):
        look_up(session, utopia)
    with pytest.raises(OSError, match="in use"), socket.socket() as other:
        other.bind((utopia.host, port))
    utopia.up()
    assert utopia.port == port
    assert look_up(session, utopia).ok


def test_a_server_that_goes_down_cuts_calls_in_progress(utopia: Utopia, session: requests.Session) -> None:
    utopia.fault("*", "slow", seconds=60)
    threading.Timer(0.1, utopia.down).start()
    with pytest.raises(requests.ConnectionError):
        look_up(session, utopia, timeout=30)


def test_stop_ends_kept_alive_and_stalled_connections_and_all_threads(session: requests.Session) -> None:
    before = set(threading.enumerate())
    with Sandbox() as sandbox:
        sandbox.utopia.add_order(ORDER)
        look_up(session, sandbox.utopia)
        sandbox.utopia.fault("*", "stall")
        with requests.Session() as other, pytest.raises((requests.ConnectionError, requests.Timeout)):
            look_up(other, sandbox.utopia, timeout=0.5)
    assert set(threading.enumerate()) <= before


def test_a_slow_call_does_not_hold_up_another(utopia: Utopia, session: requests.Session) -> None:
    utopia.fault("contractlookup", "slow", seconds=60)

    def wait_in_vain() -> None:
        with pytest.raises(requests.ConnectionError):
            look_up(requests, utopia)

    held = threading.Thread(target=wait_in_vain)
    held.start()
    while not utopia.calls:
        time.sleep(0.005)
    assert look_up(session, utopia).ok
    utopia.down()
    held.join()
