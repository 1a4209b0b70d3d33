"""Mail is sent once to each recipient, and what became of it is told as it is."""

import re
import socket
import threading
from contextlib import closing

import pytest

from app.remote.mail import ContentRefused, Mail, MailFailed, MailOutcomeUnknown, RecipientRefused
from app.remote.mail import connection as mail
from sandbox import Mailbox
from tests.remote.mails import MAIL, SENDER, a_file, mailer_to, send

# One message a recipient, once


def test_each_recipient_gets_a_message_of_its_own(mailbox: Mailbox) -> None:
    send(mailbox, MAIL, "office@example.com", "billing@example.com")

    assert [message.envelope.recipients for message in mailbox.messages] == [
        ("office@example.com",),
        ("billing@example.com",),
    ]
    assert [message["To"] for message in mailbox.messages] == ["office@example.com", "billing@example.com"]
    assert {message.envelope.sender for message in mailbox.messages} == {"fiber@example.com"}
    assert {message["From"] for message in mailbox.messages} == {SENDER}
    assert mailbox.connections == 1


def test_a_repeat_has_the_same_message_id_and_another_mail_another(mailbox: Mailbox) -> None:
    send(mailbox)
    send(mailbox)
    send(mailbox, MAIL, "billing@example.com")
    send(mailbox, Mail("account:UIA-2", "Account created", "", ""))

    ids = [message["Message-ID"] for message in mailbox.messages]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert all(re.fullmatch(r"<[0-9a-f]{32}@example\.com>", each) for each in ids)


def test_a_server_that_is_gone_after_it_took_the_mail_is_no_failure(mailbox: Mailbox) -> None:
    with mailer_to(mailbox).connection() as post:
        post.send(MAIL, "office@example.com")
        mailbox.down()  # quit() finds nobody

    assert len(mailbox.messages) == 1


def test_a_refused_recipient_does_not_keep_the_mail_from_the_others(mailbox: Mailbox) -> None:
    mailbox.rejected_recipients.add("gone@example.com")

    with mailer_to(mailbox).connection() as post:
        with pytest.raises(RecipientRefused, match="550"):
            post.send(MAIL, "gone@example.com")
        post.send(MAIL, "office@example.com")

    assert [message["To"] for message in mailbox.messages] == ["office@example.com"]


@pytest.mark.parametrize("action", ["MAIL", "DATA"])
def test_a_mail_that_is_too_large_does_not_keep_other_mails_waiting(mailbox: Mailbox, action: str) -> None:
    mailbox.fault(action, "reject", code=552, text="Message too large for office@example.com")

    with mailer_to(mailbox).connection() as post:
        with pytest.raises(RecipientRefused, match="552 Message too large") as refused:
            post.send(MAIL, "office@example.com")
        post.send(MAIL, "office@example.com")

    assert "office" not in str(refused.value)
    assert len(mailbox.messages) == 1


# What can go wrong


@pytest.mark.parametrize(("action", "code"), [("CONNECT", 554), ("MAIL", 550), ("MAIL", 451)])
def test_a_server_that_refuses_everything_for_now_is_a_failure(mailbox: Mailbox, action: str, code: int) -> None:
    mailbox.fault(action, "reject", code=code, text="Try later")

    with pytest.raises(MailFailed, match=str(code)) as failed:
        send(mailbox)

    assert not isinstance(failed.value, RecipientRefused)
    assert mailbox.messages == []


def test_a_server_that_is_down_is_a_failure_in_plain_words(mailbox: Mailbox) -> None:
    mailbox.down()

    with pytest.raises(MailFailed, match="nothing answers at MAIL_SERVER and MAIL_PORT"):
        send(mailbox)


@pytest.mark.parametrize("action", ["CONNECT", "MAIL", "RCPT", "DATA"])
def test_a_server_that_hangs_is_given_up(mailbox: Mailbox, action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "TIMEOUT_SECONDS", 0.2)
    mailbox.fault(action, "hang", seconds=3)

    with pytest.raises(MailFailed, match=r"no answer within 0\.2 seconds|can't be used"):
        send(mailbox)

    assert mailbox.messages == []


def test_a_server_that_never_greets_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "TIMEOUT_SECONDS", 0.2)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        mailbox = Mailbox(port=silent.getsockname()[1])
        for tls in ({}, {"mail_use_ssl": True}):
            with pytest.raises(MailFailed):
                send(mailbox, **tls)


@pytest.mark.parametrize("action", ["MAIL", "RCPT", "DATA"])
def test_a_connection_that_breaks_is_a_failure(mailbox: Mailbox, action: str) -> None:
    mailbox.fault(action, "refuse")

    with pytest.raises(MailFailed):
        send(mailbox)


def test_after_a_broken_connection_nothing_more_is_sent_over_it(mailbox: Mailbox) -> None:
    mailbox.fault("DATA", "no_answer")

    with mailer_to(mailbox).connection() as post:
        for _ in range(2):
            with pytest.raises(MailFailed):
                post.send(MAIL, "office@example.com")

    assert len(mailbox.messages) == 1


def test_a_failure_names_nobodys_address(mailbox: Mailbox) -> None:
    mailbox.fault("RCPT", "reject", code=550, text="<ada.lind@example.com> unknown, ask root@example.com")

    with pytest.raises(RecipientRefused) as refused:
        send(mailbox, MAIL, "ada.lind@example.com")

    assert "@" not in refused.value.detail


def test_a_mail_that_is_refused_for_now_does_not_pass_for_a_server_that_is_down(mailbox: Mailbox) -> None:
    mailbox.fault("DATA", "reject", code=451, text="Try later")

    with pytest.raises(RecipientRefused, match="451") as refused:
        send(mailbox)

    assert refused.value.for_now


# What a session takes


def to_many(mailbox: Mailbox, number: int) -> list[type[MailFailed] | None]:
    """What became of each of so many mails that are sent over one connection."""
    outcomes: list[type[MailFailed] | None] = []
    with mailer_to(mailbox).connection() as post:
        for each in range(number):
            try:
                post.send(MAIL, f"c{each}@example.com")
            except MailFailed as failed:
                outcomes.append(type(failed))
            else:
                outcomes.append(None)
    return outcomes


def test_a_server_that_takes_two_mails_a_session_gets_two_a_session(mailbox: Mailbox) -> None:
    mailbox.most_a_session = 2

    assert to_many(mailbox, 5) == [None] * 5
    assert mailbox.connections == 3


@pytest.mark.parametrize("action", ["RCPT", "DATA"])
def test_after_421_the_next_mails_go_out_in_a_new_session(mailbox: Mailbox, action: str) -> None:
    mailbox.fault(action, "reject", code=421, text="Closing")

    assert to_many(mailbox, 3) == [RecipientRefused, None, None]


@pytest.mark.parametrize("action", ["RCPT", "DATA"])
def test_after_421_to_everything_nothing_is_in_doubt_and_the_server_is_left_alone(
    mailbox: Mailbox, action: str
) -> None:
    mailbox.fault(action, "reject", times=None, code=421, text="Closing")

    assert to_many(mailbox, 2) == [RecipientRefused, MailFailed]
    assert mailbox.connections == 2


@pytest.mark.parametrize("action", ["MAIL", "RCPT"])
def test_a_connection_cut_before_the_mail_was_sent_cannot_have_delivered_it(mailbox: Mailbox, action: str) -> None:
    mailbox.fault(action, "refuse", times=None)

    assert MailOutcomeUnknown not in to_many(mailbox, 2)


def test_a_connection_cut_amid_the_content_cannot_have_delivered_it() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        cutting = threading.Thread(target=_cut_after_the_first_bytes_of_data, args=[server])
        cutting.start()
        mailbox = Mailbox(port=server.getsockname()[1])
        with pytest.raises(ContentRefused):
            send(mailbox, Mail("k", "s", "t", "h", [a_file("c.pdf", bytes(20_000_000))]))
        cutting.join()


def _cut_after_the_first_bytes_of_data(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection, connection.makefile("rwb", buffering=0) as peer:
        peer.write(b"220 mail.example.com\r\n")
        while peer.readline().strip() != b"DATA":
            peer.write(b"250 OK\r\n")
        peer.write(b"354 go on\r\n")
        peer.readline()


@pytest.mark.parametrize(("code", "text"), [(552, "5.3.4 Too big"), (554, "5.7.1 Attachment not allowed")])
def test_a_file_that_the_server_does_not_take_is_told_from_a_refused_recipient(
    mailbox: Mailbox, code: int, text: str
) -> None:
    mailbox.fault("DATA", "reject", code=code, text=text)

    with pytest.raises(ContentRefused, match=str(code)):
        send(mailbox, Mail("k", "s", "t", "h", [a_file("c.pdf", b"%PDF")]))


def test_a_mail_above_the_announced_size_is_not_sent_at_all(mailbox: Mailbox) -> None:
    mailbox.largest = 100_000
    large = Mail("k", "s", "t", "h", [a_file("c.pdf", b"y" * 80_000)])

    with mailer_to(mailbox).connection() as post:
        with pytest.raises(ContentRefused, match="up to 100,000 bytes"):
            post.send(large, "office@example.com")
        post.send(MAIL, "office@example.com")

    assert len(mailbox.messages) == 1


def test_an_address_that_no_server_can_be_given_is_refused_by_itself(mailbox: Mailbox) -> None:
    with mailer_to(mailbox).connection() as post:
        for address in ("büro@example.com", "b\udce9ro@example.com"):
            with pytest.raises(RecipientRefused):
                post.send(MAIL, address)
        post.send(MAIL, "office@example.com")

    assert len(mailbox.messages) == 1
