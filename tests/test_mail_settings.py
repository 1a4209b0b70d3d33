"""The settings of the mail, over a real mail server: who it comes from, and how the service signs in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.remote.mail import MailFailed
from sandbox import Mailbox
from tests.remote.mails import send


@contextmanager
def a_mailbox(**options: Any) -> Iterator[Mailbox]:
    mailbox = Mailbox(**options)
    mailbox.up()
    try:
        yield mailbox
    finally:
        mailbox.stop()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with a_mailbox() as mailbox:
        yield mailbox


NAMES = [
    "Fiber Desk, Example ISP",
    "Desk; Fiber",
    "Fiber @ Example",
    "Example: Fiber",
    "Desk (Fiber)",
    "[Fiber] <1>",
    "Büro, Größe & Söhne",
    'Fiber "the" Desk',
    "O'Brien",
    "Fiber \\ Desk",
    "Desk, " * 9 + "Office",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_sender_whose_name_needs_quotes_sends_from_its_own_address(mailbox: Mailbox, name: str) -> None:
    send(mailbox, email_sender=f"{name} <fiber@example.com>")

    (mail,) = mailbox.messages
    (sender,) = mail["From"].addresses
    assert mail.envelope.sender == "fiber@example.com"
    assert (sender.addr_spec, sender.display_name) == ("fiber@example.com", name)
    assert mail["Message-ID"].endswith("@example.com>")


@pytest.mark.parametrize(
    "credentials", [("fiber", "pässwörd €"), ("büro@example.com", "plain"), ("büro", "größe"), ("fiber", "plain")]
)
def test_a_password_outside_ascii_signs_in_where_the_server_takes_utf_8(credentials: tuple[str, str]) -> None:
    with a_mailbox(credentials=credentials) as mailbox:
        send(mailbox, mail_username=credentials[0], mail_password=credentials[1])

        assert len(mailbox.messages) == 1


def test_a_wrong_password_outside_ascii_is_told_as_any_other() -> None:
    with a_mailbox(credentials=("fiber", "größe")) as mailbox, pytest.raises(MailFailed, match="535") as failed:
        send(mailbox, mail_username="fiber", mail_password="grösse")

    assert "grösse" not in str(failed.value)


@pytest.mark.parametrize("mechanisms", [("LOGIN",), ()])
def test_a_password_that_the_server_can_not_be_told_is_named_and_no_traceback(mechanisms: tuple[str, ...]) -> None:
    with (
        a_mailbox(credentials=("fiber", "größe"), mechanisms=mechanisms) as mailbox,
        pytest.raises(MailFailed, match="MAIL_PASSWORD has letters outside ASCII") as failed,
    ):
        send(mailbox, mail_username="fiber", mail_password="größe")

    assert "größe" not in str(failed.value)
