"""The sandbox's mail server, for each test."""

from collections.abc import Iterator

import pytest

from sandbox import Mailbox


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    mailbox.up()
    yield mailbox
    mailbox.stop()
