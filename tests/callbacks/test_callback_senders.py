"""Who may send callbacks: tokens, networks and proxies."""

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.models import Order
from sandbox import Sandbox
from tests.conftest import Service, settings_for
from tests.tools.callback_requests import NEW, TAKEN, count, from_address, post, stored, threaded_server


@pytest.fixture
def port(service: Service) -> Iterator[int]:
    """The service on a real, threaded server."""
    with threaded_server(service) as port:
        yield port


TOKEN = "tok-5f1c9e"


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"utopia:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        (f"?token={TOKEN}", {}),
        ("", {"X-Callback-Token": TOKEN}),
        ("", basic(TOKEN)),
        ("?token=wrong", {"X-Callback-Token": TOKEN}),
    ],
)
def test_the_token_is_taken_from_query_header_or_basic_auth(service: Service, query: str, headers: Any) -> None:
    with service.changed(callback_token=SecretStr(TOKEN)):
        answer = service.client.post(f"/api-callback{query}", json={**NEW, "msg": "Project Update"}, headers=headers)

    assert (answer.status_code, answer.json) == (200, TAKEN)


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {}),
        ("?token=", {}),
        (f"?token={TOKEN}x", {}),
        (f"?TOKEN={TOKEN}", {}),
        ("?token=%ff%ed%a0%80", {}),
        ("", {"X-Callback-Token": TOKEN[:-1]}),
        ("", {"X-Callback-Token": "ü"}),
        ("", basic("wrong")),
        ("", {"Authorization": "Basic !!!"}),
        ("", {"Authorization": f"Bearer {TOKEN}"}),
    ],
)
def test_without_the_right_token_a_callback_is_401_and_recorded(service: Service, query: str, headers: Any) -> None:
    with service.changed(callback_token=SecretStr(TOKEN)):
        answer = service.client.post(f"/api-callback{query}", json=NEW, headers=headers)

    assert (answer.status_code, list(answer.json)) == (401, ["error"])
    assert TOKEN not in answer.text
    assert [(callback.status, json.loads(callback.body)) for callback in stored(service)] == [(401, NEW)]
    assert count(service, Order) == 0


def test_a_stranger_cannot_fill_the_memory_with_an_endless_body(service: Service, port: int) -> None:
    with service.changed(callback_token=SecretStr(TOKEN)):
        status, _answer = post(port, (b"x" * 50_000 for _ in range(100)))

    assert status == 401
    assert len(stored(service)[0].body) == 4096


@pytest.fixture
def networks(sandbox: Sandbox, tmp_path: Path) -> Iterator[Any]:
    """Builds a service that takes callbacks from some networks only; executes nothing."""
    built = []

    def build(allowed: str, proxies: int = 0) -> Service:
        settings = settings_for(sandbox, tmp_path, callback_allowed_networks=allowed, trusted_proxies=proxies)
        built.append(Service(sandbox, settings))
        return built[-1]

    yield build
    for service in built:
        service.services.database.dispose()


def test_callbacks_come_from_the_allowed_networks_only(networks: Any) -> None:
    service = networks("203.0.113.0/24, 2001:db8::/32")

    taken = ["203.0.113.7", "::ffff:203.0.113.7", "2001:db8::1"]
    refused = ["203.0.114.7", "::ffff:198.51.100.1", "2001:db9::1", "127.0.0.1", "", "unknown", None]
    assert [from_address(service, address) for address in taken] == [200] * len(taken)
    assert [from_address(service, address) for address in refused] == [403] * len(refused)
    assert [callback.status for callback in stored(service)] == [200] * len(taken) + [403] * len(refused)


def test_without_trusted_proxies_a_forwarded_address_is_not_believed(networks: Any) -> None:
    service = networks("203.0.113.0/24")

    assert from_address(service, "198.51.100.1", X_Forwarded_For="203.0.113.7") == 403
    assert from_address(service, "203.0.113.7", X_Forwarded_For="198.51.100.1") == 200
    assert [callback.remote_address for callback in stored(service)] == ["198.51.100.1", "203.0.113.7"]


def test_behind_one_trusted_proxy_the_last_forwarded_address_counts(networks: Any) -> None:
    service = networks("203.0.113.0/24", proxies=1)

    assert from_address(service, "127.0.0.1", X_Forwarded_For="203.0.113.7") == 200
    assert from_address(service, "127.0.0.1", X_Forwarded_For="203.0.113.7, 198.51.100.1") == 403
    assert from_address(service, "127.0.0.1") == 403
    addresses = [callback.remote_address for callback in stored(service)]
    assert addresses == ["203.0.113.7", "198.51.100.1", "127.0.0.1"]


def test_a_forwarded_address_of_any_length_can_be_stored(networks: Any) -> None:
    service = networks("", proxies=1)

    assert from_address(service, "127.0.0.1", X_Forwarded_For="a" * 3000) == 200
    assert stored(service)[0].remote_address == "a" * 64
