"""The simulated mail webhook takes the digest's mails and mails them as often as it gets them."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox import Webhook

ENTRY = {
    "full_name": "Ada LIND",
    "email_address": "ada.lind@example.com",
    "ready_to_send": True,
    "email": {
        "subject": "Ticket status report",
        "to_address": ["ada.lind@example.com"],
        "cc_address": [""],
        "body": "Ticket no. TM-20391 was closed on 14-Nov-2026\n",
    },
}


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    server = Webhook()
    server.up()
    yield server
    server.stop()


def post(webhook: Webhook, entries: Any, **options: Any) -> requests.Response:
    return requests.post(webhook.post_url, json=entries, timeout=5, **options)


def test_a_post_is_kept_with_its_key_a_message_a_customer(webhook: Webhook) -> None:
    response = post(webhook, [ENTRY, ENTRY], headers={"Idempotency-Key": "digest-2026-W46-1"})
    assert response.status_code == 200
    assert [message.to for message in webhook.messages] == ["ada.lind@example.com"] * 2
    assert webhook.messages[0].body == ENTRY["email"]["body"]
    assert webhook.messages[0].idempotency_key == "digest-2026-W46-1"
    assert webhook.calls[0].fields == {"idempotency_key": "digest-2026-W46-1", "customers": 2}


def test_the_same_post_twice_is_mailed_twice(webhook: Webhook) -> None:
    for _ in range(2):
        post(webhook, [ENTRY], headers={"Idempotency-Key": "same"})
    assert len(webhook.messages) == 2


@pytest.mark.parametrize("entries", [{}, ["Ada"], [{**ENTRY, "email": {}}], [{"email": ENTRY["email"]}], None])
def test_what_is_not_a_list_of_mails_is_not_taken(webhook: Webhook, entries: object) -> None:
    assert post(webhook, entries).status_code == 400
    assert webhook.posts == []


@pytest.mark.parametrize(("kind", "taken"), [("no_answer", 1), ("reset", 0), ("cut", 1)])
def test_a_lost_answer_tells_nothing_of_what_was_taken(webhook: Webhook, kind: str, taken: int) -> None:
    webhook.fault("post", kind)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        post(webhook, [ENTRY])
    assert len(webhook.messages) == taken


@pytest.mark.parametrize("status", [202, 204, 500])
def test_another_status_can_come_with_the_mails_taken(webhook: Webhook, status: int) -> None:
    webhook.fault("post", "http", status=status, processed=True, body="")
    assert post(webhook, [ENTRY]).status_code == status
    assert len(webhook.messages) == 1
