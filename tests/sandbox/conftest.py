"""The simulated PowerCode for each test, and how its two APIs are called."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox import PowerCode
from tests.sandbox.powercode_calls import Call, Uapi


@pytest.fixture
def powercode() -> Iterator[PowerCode]:
    server = PowerCode()
    server.ids_as_strings = False
    server.record_shape = "flat"
    server.up()
    yield server
    server.stop()


@pytest.fixture
def call(powercode: PowerCode) -> Call:
    def post(action: str, **fields: Any) -> Any:
        form = {"apiKey": powercode.api_key, "action": action, **fields}
        response = requests.post(powercode.api_url, data=form, timeout=5)
        assert response.status_code == 200
        return response.json()

    return post


@pytest.fixture
def uapi(powercode: PowerCode) -> Uapi:
    def send(method: str, path: str, key: str = powercode.api_key, **parameters: Any) -> requests.Response:
        token = base64.b64encode(key.encode()).decode()
        url = f"{powercode.uapi_url}/{path}"
        return requests.request(method, url, params=parameters, headers={"Authorization": f"Basic {token}"}, timeout=5)

    return send
