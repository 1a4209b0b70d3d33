"""The plain synchronous design that the service is compared with: it does the whole of an order, call for call."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from benchmarks import synchronous
from benchmarks.accounts import left_behind
from config import PROJECT
from sandbox import Sandbox
from sandbox.state import state_of
from tests.conftest import Service, settings_for
from tests.tools.promises import contract_of

ORDER = "UIA202411-001186"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        sandbox.utopia.add_order(ORDER, **contract_of(1186))
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox, tmp_path: Path) -> FlaskClient:
    return synchronous.create_app(settings_for(sandbox, tmp_path)).test_client()


def callback(client: FlaskClient) -> Any:
    return client.post("/api-callback", json={"event": "Project Update", "orderref": ORDER, "msg": "Project New Order"})


def test_one_callback_makes_one_whole_account_and_one_mail_with_the_contract(
    sandbox: Sandbox, client: FlaskClient
) -> None:
    answer = callback(client)

    assert (answer.status_code, answer.json) == (200, {"data": "Information received"})
    assert left_behind(state_of(sandbox), [ORDER]) == {"whole": 1}
    (mail,) = sandbox.mailbox.messages
    assert mail.attachments[f"{ORDER}.pdf"].startswith(b"%PDF")


@pytest.mark.long
def test_it_makes_the_remote_calls_that_the_service_makes(
    sandbox: Sandbox, client: FlaskClient, service: Service
) -> None:
    callback(client)
    service.take(ORDER, **contract_of(1186))
    service.mail_settled()

    def calls(of: Sandbox) -> list[dict[str, int]]:
        return [dict(of.utopia.call_counts), dict(of.powercode.call_counts)]

    assert calls(sandbox) == calls(service.sandbox)


def test_a_later_callback_finds_the_customer(sandbox: Sandbox, client: FlaskClient) -> None:
    callback(client)
    callback(client)

    assert left_behind(state_of(sandbox), [ORDER]) == {"whole": 1}
    assert [mail["Subject"] for mail in sandbox.mailbox.messages] == [
        f"Account created: {ORDER}",
        f"Customer exists: {ORDER}",
    ]


def test_what_fails_is_answered_400(sandbox: Sandbox, client: FlaskClient) -> None:
    sandbox.powercode.fault("createTicket", "status_code")

    assert callback(client).status_code == 400
    assert left_behind(state_of(sandbox), [ORDER]) == {"in part": 1}


def test_it_runs_with_as_many_threads_as_the_service() -> None:
    (threads,) = re.findall(r"^threads = .*\b(\d+)$", (PROJECT / "gunicorn.conf.py").read_text(), re.MULTILINE)

    assert int(threads) == synchronous.THREADS
