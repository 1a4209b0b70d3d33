"""Faults on the way: what a caller of PowerCodeClient learns, what goes over the wire, and whom it trusts."""

import base64
import logging
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from powercode import NeverArrived, NewTicket, OutcomeUnknown, PowerCodeClient, PowerCodeError, Refused, Throttled
from tests.powercode.one_call import ADA, KEY
from tests.tools.raw_server import UNKNOWN, RawServer, answers, http
from tests.tools.wire_fixtures import Authority
from wire.observation import Observation

BASIC = base64.b64encode(KEY.encode()).decode()
OK = http({"statusCode": 0, "message": "Service added"})
TAGS = http({"Success": True, "Response": []})
PRIVATE = ("Ada", "Lind", "ada.lind@example.com", "4065550143", "EXAMPLE AVENUE", "portal-word-19", KEY, BASIC)

WRITES = {
    "createCustomer": lambda client: client.create_customer(ADA),
    "addCustomerService": lambda client: client.add_customer_service(7, 164),
    "createTicket": lambda client: client.create_ticket(NewTicket(customer_id="7", description="Welcome, Ada Lind")),
    "add tag": lambda client: client.add_customer_tag(7, 5),
}


def a_client(url: str, **changes: Any) -> PowerCodeClient:
    settings = {"connect_timeout": 5.0, "read_timeout": 10.0, "deadline": 20.0}
    return PowerCodeClient(f"{url}/api/1/index.php", f"{url}/uapi", KEY, **{**settings, **changes})


def assert_tells_nothing(error: PowerCodeError) -> None:
    """No key, no customer's data, and no exception of requests (which holds both) behind it."""
    assert error.__cause__ is None
    assert error.__context__ is None
    for shown in (str(error), repr(error), error.detail):
        assert not [secret for secret in PRIVATE if secret in shown]


@pytest.mark.parametrize("fault", UNKNOWN)
@pytest.mark.parametrize("write", ["createCustomer", "add tag"])
def test_a_write_without_a_usable_answer_is_unknown_and_sent_once(write: str, fault: str) -> None:
    with RawServer(UNKNOWN[fault]) as server, a_client(server.url, read_timeout=0.2) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            WRITES[write](client)
        assert len(server.arrived(1)) == 1
    assert_tells_nothing(caught.value)


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    ("address", "detail"),
    [("refusing_url", "no connection"), ("unanswering_url", "in time"), ("unresolvable_url", "resolved")],
)
def test_a_write_that_found_no_server_never_arrived(
    write: str, address: str, detail: str, request: pytest.FixtureRequest
) -> None:
    with (
        a_client(request.getfixturevalue(address), connect_timeout=0.05) as client,
        pytest.raises(NeverArrived, match=detail) as caught,
    ):
        WRITES[write](client)
    assert_tells_nothing(caught.value)


@pytest.mark.parametrize("write", WRITES)
def test_a_throttled_write_never_arrived(write: str) -> None:
    with RawServer(answers(http(b"", 429, Retry_After="3"))) as server, a_client(server.url) as client:
        with pytest.raises(Throttled) as caught:
            WRITES[write](client)
        assert len(server.arrived(1)) == 1
    assert caught.value.retry_after == 3.0


def test_calls_of_both_apis_share_a_connection() -> None:
    with RawServer(answers(OK, TAGS, OK)) as server, a_client(server.url) as client:
        client.add_customer_service(7, 164)
        client.customer_tags(7)
        client.add_customer_service(7, 172)
        assert (server.connections, len(server.requests)) == (1, 3)


def test_no_key_and_no_customer_shows_in_logs_and_reprs(caplog: pytest.LogCaptureFixture, refusing_url: str) -> None:
    caplog.set_level(logging.DEBUG)
    refusal = http({"statusCode": 4, "message": f"Key {KEY}: ADA LIND of 12 N Example Avenue, 4065550143, exists"})
    odd_header = b"HTTP/1.1 200 OK\r\nno header at all\r\nContent-Length: 2\r\n\r\n{}"
    with RawServer(answers(refusal), answers(odd_header)) as server:
        client = a_client(server.url)
        with pytest.raises(Refused) as caught:
            client.create_customer(ADA)
        assert caught.value.detail == "Key ***: *** of ***, ***, exists"
        client.close()
        with a_client(server.url, read_timeout=0.5) as hasty, pytest.raises(OutcomeUnknown):
            hasty.search_customers("Ada Lind")
    with pytest.raises(NeverArrived):
        a_client(refusing_url).search_customers("Ada Lind")
    shown = caplog.text + repr(client) + repr(ADA) + repr(NewTicket(customer_id="7", description="Welcome, Ada Lind"))
    assert not [secret for secret in (*PRIVATE, "Ada+Lind", "Ada%20Lind") if secret in shown]


def test_an_observer_hears_the_outcome_of_each_call() -> None:
    heard: list[Observation] = []
    replies = [
        OK,
        http({"statusCode": 4, "message": "No customers found"}),
        http({"statusCode": "5", "message": "Invalid"}),
    ]
    replies += [http(b"")]
    with RawServer(answers(*replies)) as server, a_client(server.url, observe=heard.append) as client:
        client.add_customer_service(7, 164)
        assert client.read_customer(customer_id=9) is None
        with pytest.raises(Refused):
            client.add_customer_service(7, 999)
        with pytest.raises(OutcomeUnknown):
            client.customer_tags(7)
    assert [(each.system, each.action, each.outcome) for each in heard] == [
        ("powercode", "addCustomerService", "ok"),
        ("powercode", "readCustomer", "not_found"),
        ("powercode", "addCustomerService", "refused"),
        ("powercode", "GET customer/tags/customer", "unknown"),
    ]


def test_an_observer_that_fails_does_not_hide_a_done_write(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_observation: Observation) -> None:
        raise RuntimeError("no metrics today")

    with RawServer(answers(OK)) as server, a_client(server.url, observe=broken) as client:
        assert client.add_customer_service(7, 164) == "Service added"
    assert "observer failed on addCustomerService: RuntimeError" in caplog.text


# Whom it trusts


@pytest.fixture
def own(tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    """A server whose certificate stands in a file, carries a foreign name, and was signed by an unknown authority."""
    issued = trustme.CA().issue_cert("appliance.example.com")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    issued.cert_chain_pems[0].write_to_path(tmp_path / "server.pem")
    return context, str(tmp_path / "server.pem")


def test_a_server_that_presents_the_pinned_certificate_is_trusted_under_any_name(
    own: tuple[ssl.SSLContext, str],
) -> None:
    context, path = own
    with RawServer(answers(OK), tls=context) as server, a_client(server.url, verify=path) as client:
        assert client.add_customer_service(7, 164) == "Service added"


def test_a_self_signed_certificate_can_be_pinned(tmp_path: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "self-signed.pem")
    ca.private_key_pem.write_to_path(tmp_path / "key.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "self-signed.pem", tmp_path / "key.pem")
    with RawServer(answers(OK), tls=context) as server:
        client = a_client(server.url, verify=str(tmp_path / "self-signed.pem"))
        assert client.add_customer_service(7, 164) == "Service added"


def test_another_certificate_than_the_pinned_one_never_gets_the_request(
    own: tuple[ssl.SSLContext, str], authority: Authority
) -> None:
    with RawServer(answers(OK), tls=authority.server) as server:
        with pytest.raises(NeverArrived, match="not trusted") as caught:
            a_client(server.url, verify=own[1]).create_customer(ADA)
        assert server.requests == []
    assert_tells_nothing(caught.value)


def test_a_certificate_of_the_given_authority_needs_the_servers_name(authority: Authority) -> None:
    with RawServer(answers(OK), tls=authority.server) as server:
        assert a_client(server.url, verify=authority.ca_file).add_customer_service(7, 164)
    with RawServer(answers(OK), tls=authority.server_context("other.example.com")) as server:
        with pytest.raises(NeverArrived, match="another host name"):
            a_client(server.url, verify=authority.ca_file).create_customer(ADA)
        assert server.requests == []


def test_a_private_authority_is_not_trusted_by_default_whatever_the_environment_says(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, refusing_url: str
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, authority.ca_file)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, refusing_url)
    with RawServer(answers(OK), tls=authority.server) as server:
        with pytest.raises(NeverArrived, match="not trusted"):
            a_client(server.url).create_customer(ADA)
        assert a_client(server.url, verify=authority.ca_file).add_customer_service(7, 164)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_verification_switched_off_is_said_loudly_once_and_works(
    own: tuple[ssl.SSLContext, str], caplog: pytest.LogCaptureFixture
) -> None:
    with RawServer(answers(OK), tls=own[0]) as server, a_client(server.url, verify=False) as client:
        for _ in range(3):
            client.add_customer_service(7, 164)
    warnings = [each for each in caplog.records if each.name.startswith("powercode")]
    assert [(each.levelname, "NOT verified" in each.message) for each in warnings] == [("WARNING", True)]


@pytest.mark.parametrize(
    "content", [None, "", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_an_unusable_certificate_file_is_refused_at_construction(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "server.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match=r"certificate file .*server\.pem"):
        a_client("https://127.0.0.1", verify=str(path))


def test_a_folder_is_no_certificate_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="can't be read"):
        a_client("https://127.0.0.1", verify=str(tmp_path))


@pytest.mark.parametrize(
    ("api", "uapi", "named"), [("", "http://h/uapi", "api_url"), ("http://h/api", "h/uapi", "uapi_url")]
)
def test_an_unusable_address_is_refused_at_construction(api: str, uapi: str, named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named} must"):
        PowerCodeClient(api, uapi, KEY)


def test_an_empty_key_is_refused_at_construction() -> None:
    with pytest.raises(ValueError, match="api_key"):
        PowerCodeClient("http://h/api", "http://h/uapi", "")
