"""The settings of the mail, over a real mail server: who it comes from, and how the service signs in."""

from collections.abc import Iterator

import pytest

from sandbox import Mailbox
from tests.test_mail import send


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    mailbox.up()
    yield mailbox
    mailbox.stop()


NAMES = [
    *("Fiber Desk, Example ISP", "Desk; Fiber", "Fiber @ Example", "Example: Fiber", "Desk (Fiber)", "[Fiber] <1>"),
    *("Büro, Größe & Söhne", 'Fiber "the" Desk', "O'Brien", "Fiber \\ Desk", "Desk, " * 9 + "Office"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_sender_whose_name_needs_quotes_sends_from_its_own_address(mailbox: Mailbox, name: str) -> None:
    send(mailbox, email_sender=f"{name} <fiber@example.com>")

    (mail,) = mailbox.messages
    (sender,) = mail["From"].addresses
    assert mail.envelope.sender == "fiber@example.com"
    assert (sender.addr_spec, sender.display_name) == ("fiber@example.com", name)
    assert mail["Message-ID"].endswith("@example.com>")
