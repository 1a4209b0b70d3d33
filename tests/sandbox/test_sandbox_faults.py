"""What a client sees of each fault, through the client library that the service uses."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import requests
import trustme

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


def test_calls_without_a_fault_share_one_connection(utopia: Utopia, session: requests.Session) -> None:
    for _ in range(3):
        assert look_up(session, utopia).json()["customer"]["firstname"] == "Ada"
    assert [call.number for call in utopia.calls] == [1, 2, 3]
    assert len({call.connection for call in utopia.calls}) == 1
    assert utopia.calls[0].orderref == ORDER
    assert "apikey" not in utopia.calls[0].fields


@pytest.mark.parametrize("action", ["*", "contractlookup", "contract*"])
def test_a_refused_call_is_closed_and_the_next_one_works(
    utopia: Utopia, session: requests.Session, action: str
) -> None:
    fault = utopia.fault(action, "refuse")
    with pytest.raises(requests.ConnectionError):
        look_up(session, utopia)
    assert fault.taken == 1
    assert look_up(session, utopia).ok


def test_a_fault_of_another_action_leaves_the_call_alone(utopia: Utopia, session: requests.Session) -> None:
    fault = utopia.fault("contractdownload", "reset")
    assert look_up(session, utopia).ok
    assert fault.taken == 0


def test_a_reset_reaches_the_client_as_a_reset(utopia: Utopia, session: requests.Session) -> None:
    utopia.fault("contractlookup", "reset")
    with pytest.raises(requests.ConnectionError, match="Connection reset"):
        look_up(session, utopia)
    assert utopia.calls[0].fault == "reset"


@pytest.mark.parametrize("status", [200, 500])
def test_garbage_is_an_html_page(utopia: Utopia, session: requests.Session, status: int) -> None:
    utopia.fault("contractlookup", "garbage", status=status)
    response = look_up(session, utopia)
    assert response.status_code == status
    assert "Fatal error" in response.text


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


def test_a_refusal_of_utopia_is_an_error_with_http_200(utopia: Utopia, session: requests.Session) -> None:
    utopia.fault("*", "status_code", message="Contract is locked")
    assert look_up(session, utopia).json() == {"error": "Contract is locked"}


def test_a_cut_body_is_shorter_than_announced(utopia: Utopia, session: requests.Session) -> None:
    utopia.fault("*", "cut")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        look_up(session, utopia)


@pytest.mark.long
def test_a_stalled_body_runs_into_the_read_timeout(utopia: Utopia, session: requests.Session) -> None:
    utopia.fault("*", "stall")
    with pytest.raises(requests.ConnectionError, match="timed out"):
        look_up(session, utopia, timeout=2.0)


def test_an_empty_answer_is_http_200_without_a_body(utopia: Utopia, session: requests.Session) -> None:
    utopia.fault("*", "empty")
    response = look_up(session, utopia)
    assert (response.status_code, response.content) == (200, b"")


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


def test_going_down_cuts_calls_in_progress(utopia: Utopia, session: requests.Session) -> None:
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


def test_powercode_speaks_tls_with_a_certificate_of_its_own(tmp_path: Path, session: requests.Session) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    paths = [tmp_path / name for name in ("ca.pem", "cert.pem", "key.pem")]
    authority.cert_pem.write_to_path(paths[0])
    certificate.cert_chain_pems[0].write_to_path(paths[1])
    certificate.private_key_pem.write_to_path(paths[2])
    with Sandbox(powercode_tls=(str(paths[1]), str(paths[2]))) as sandbox:
        url = sandbox.powercode.api_url
        assert url.startswith("https://")
        assert session.post(url, timeout=5, verify=str(paths[0])).json()["message"] == "Invalid API key"
        with pytest.raises(requests.exceptions.SSLError):
            session.post(url, timeout=5)
        sandbox.powercode.fault("*", "reset")
        with requests.Session() as other, pytest.raises(requests.ConnectionError):
            other.post(url, timeout=5, verify=str(paths[0]))
