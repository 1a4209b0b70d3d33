"""Mail: sent once to each recipient, safe to build from customers' data, and honest about what became of it."""

import re
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from email import message_from_bytes, policy
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import trustme
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.remote.mail import (
    Attachment,
    ContentRefused,
    Mail,
    Mailer,
    MailFailed,
    MailOutcomeUnknown,
    RecipientRefused,
    one_line,
)
from app.remote.mail import connection as mail
from app.remote.mail.messages import Message, compose, file_name
from config import load_settings
from sandbox import Mailbox

SENDER = "Fiber desk <fiber@example.com>"
PASSWORD = "mail-password-1"
MAIL = Mail("account:UIA-1", "Account created", "It is there.\n", "<p>It is there.</p>")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    mailbox.up()
    yield mailbox
    mailbox.stop()


def mailer_to(mailbox: Mailbox, app: Flask | None = None, **settings: Any) -> Mailer:
    values = {
        "utopia_url_endpoint": "https://utopia.example.com",
        "utopia_api_key": "utopia-key",
        "pc_url": "https://powercode.example.com",
        "pc_api_key": "powercode-key",
        "service_plan_mapping": {},
        "additional_service_plan_mapping": {},
        "mail_server": mailbox.host,
        "mail_port": mailbox.port,
        "email_sender": SENDER,
        "email_recipients": "office@example.com",
        "secret_key": "only-for-tests",
        **settings,
    }
    return Mailer(app or Flask("mail"), load_settings(**values))


def send(mailbox: Mailbox, mail: Mail = MAIL, *recipients: str, **settings: Any) -> None:
    with mailer_to(mailbox, **settings).connection() as post:
        for recipient in recipients or ("office@example.com",):
            post.send(mail, recipient)


def a_file(name: str, content: bytes) -> Attachment:
    """A file to go with a mail."""
    return Attachment(name, BytesIO(content))


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


@given(st.lists(st.binary(max_size=300), max_size=3), st.text("ab.\r\n", max_size=100))
def test_the_announced_size_is_that_of_the_pieces(files: list[bytes], text: str) -> None:
    message = Message(Mail("k", "s", text, text, [a_file("c.pdf", each) for each in files]), SENDER, "o@example.com")

    whole = b"".join(message.pieces())

    assert len(re.sub(rb"(?m)^\.\.", b".", whole)) == message.size
    assert whole.endswith(b"\r\n")
    parsed = message_from_bytes(whole, policy=policy.default)
    assert [part.get_payload(decode=True) for part in parsed.iter_attachments()] == files


@pytest.mark.sweep
def test_a_large_file_takes_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    path = tmp_path / "c.pdf"
    path.write_bytes(bytes(31_000_000))
    with path.open("rb") as file:
        tracemalloc.start()
        sent = sum(
            map(len, Message(Mail("k", "s", "t", "h", [Attachment("c.pdf", file)]), SENDER, "o@example.com").pieces())
        )
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert sent > 41_000_000
    assert peak < 3_000_000


def test_an_address_that_no_server_can_be_given_is_refused_by_itself(mailbox: Mailbox) -> None:
    with mailer_to(mailbox).connection() as post:
        for address in ("büro@example.com", "b\udce9ro@example.com"):
            with pytest.raises(RecipientRefused):
                post.send(MAIL, address)
        post.send(MAIL, "office@example.com")

    assert len(mailbox.messages) == 1


# Encryption and signing in


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> trustme.CA:
    """A certificate authority that this machine trusts."""
    trusted = trustme.CA()
    trusted.cert_pem.write_to_path(str(tmp_path / "trusted.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    return trusted


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[Any]:
    """Builds mail servers with a certificate of an authority."""
    started: list[Mailbox] = []

    def build(authority: trustme.CA, name: str = "127.0.0.1", **options: Any) -> Mailbox:
        issued = authority.issue_cert(name)
        certificate, key = tmp_path / f"{len(started)}.pem", tmp_path / f"{len(started)}.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(key))
        started.append(Mailbox(tls=(str(certificate), str(key)), **options))
        started[-1].up()
        return started[-1]

    yield build
    for mailbox in started:
        mailbox.stop()


@pytest.mark.parametrize("way", ["mail_use_tls", "mail_use_ssl"])
def test_mail_goes_out_encrypted_after_signing_in(authority: trustme.CA, encrypted: Any, way: str) -> None:
    mailbox = encrypted(authority, implicit_tls=way == "mail_use_ssl", credentials=("fiber", PASSWORD))

    send(mailbox, mail_username="fiber", mail_password=PASSWORD, **{way: True})

    assert len(mailbox.messages) == 1


@pytest.mark.parametrize("way", ["mail_use_tls", "mail_use_ssl"])
@pytest.mark.parametrize("wrong", ["authority", "name"])
def test_a_certificate_that_is_not_trusted_gets_neither_password_nor_mail(
    authority: trustme.CA, encrypted: Any, way: str, wrong: str
) -> None:
    issuer, name = (trustme.CA(), "127.0.0.1") if wrong == "authority" else (authority, "mail.example.com")
    mailbox = encrypted(issuer, name, implicit_tls=way == "mail_use_ssl", credentials=("fiber", PASSWORD))

    with pytest.raises(MailFailed, match=r"(?i)certificate"):
        send(mailbox, mail_username="fiber", mail_password=PASSWORD, **{way: True})

    assert mailbox.messages == []


def test_mail_is_not_sent_in_the_clear_when_the_server_offers_no_encryption(mailbox: Mailbox) -> None:
    with pytest.raises(MailFailed):
        send(mailbox, mail_use_tls=True)

    assert mailbox.messages == []


def test_a_wrong_password_is_a_failure_that_does_not_show_it(
    authority: trustme.CA, encrypted: Any, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    mailbox = encrypted(authority, credentials=("fiber", "another"))

    with pytest.raises(MailFailed, match="535") as failed:
        send(mailbox, mail_use_tls=True, mail_username="fiber", mail_password=PASSWORD)

    printed = "".join(capfd.readouterr())
    assert PASSWORD not in printed + caplog.text + str(failed.value)


def test_a_password_is_not_printed_even_while_debugging(
    authority: trustme.CA, encrypted: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    mailbox = encrypted(authority, credentials=("fiber", PASSWORD))
    app = Flask("mail")
    app.debug = True
    app.config["MAIL_DEBUG"] = True
    signs_in = {"mail_use_tls": True, "mail_username": "fiber", "mail_password": PASSWORD}

    with mailer_to(mailbox, app, **signs_in).connection() as post:
        post.send(MAIL, "office@example.com")

    printed = "".join(capfd.readouterr())
    assert len(mailbox.messages) == 1
    assert printed == ""


# What customers' data can do to a message


def test_a_line_break_in_a_name_neither_loses_the_mail_nor_adds_a_header(mailbox: Mailbox) -> None:
    name = "Ada\r\nBcc: thief@example.com\r\n\r\nLind\x00\u2028\ud800"

    send(mailbox, Mail("k", f"Account created: {name}", name, name, [a_file(f"{name}.pdf", b"x")]))

    (message,) = mailbox.messages
    assert message["Bcc"] is None
    assert message.envelope.recipients == ("office@example.com",)
    assert message["Subject"] == "Account created: Ada Bcc: thief@example.com Lind"
    assert list(message.attachments) == ["Ada-Bcc-thief-example.com-Lind-.pdf"]


def test_mails_of_any_language_arrive(mailbox: Mailbox) -> None:
    text = "Grüße, Łukasz 李 👋\n"

    send(mailbox, Mail("k", "Grüße an Łukasz 李 👋", text, f"<p>{text}</p>"))

    (message,) = mailbox.messages
    assert message["Subject"] == "Grüße an Łukasz 李 👋"
    assert message.text == text
    assert text.strip() in str(message.get_body(("html",)).get_content())
    assert message.raw.isascii()


def test_no_line_is_longer_than_mail_servers_take(mailbox: Mailbox) -> None:
    long = "x" * 5000

    send(mailbox, Mail("k", long, f"{long}\n.\n..\nFrom me\n", f"<p>{long}</p>", [a_file("c.pdf", b"y" * 5000)]))

    (message,) = mailbox.messages
    assert max(map(len, message.raw.split(b"\r\n"))) <= 998
    assert message.text == f"{long}\n.\n..\nFrom me\n"
    assert message["Subject"] == "x" * 200
    assert message.attachments == {"c.pdf": b"y" * 5000}


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("contract-UIA202411-001186.pdf", "contract-UIA202411-001186.pdf"),
        ("../../etc/passwd", "etc-passwd"),
        ('a"; name="b.exe', "a-name-b.exe"),
        ("Ada\r\nX: y.pdf", "Ada-X-y.pdf"),
        ("Łukasz", "ukasz"),
        ("...", "attachment"),
        ("", "attachment"),
    ],
)
def test_a_files_name_cannot_break_a_header_or_a_folder(name: str, safe: str) -> None:
    assert file_name(name) == safe


def test_attachments_arrive_with_their_kind(mailbox: Mailbox) -> None:
    files = [a_file("contract.pdf", b"%PDF-1.7 \x00\xff"), a_file("rows.csv", b"a;b\n"), a_file("x", b"")]

    send(mailbox, Mail("k", "s", "t", "h", files))

    (message,) = mailbox.messages
    assert message.attachments == {"contract.pdf": b"%PDF-1.7 \x00\xff", "rows.csv": b"a;b\n", "x": b""}
    kinds = [part.get_content_type() for part in message.iter_attachments()]
    assert kinds == ["application/pdf", "text/csv", "application/octet-stream"]


ANY_LETTERS = st.characters() | st.sampled_from("\ud800\udfff\x00\r\n\u2028\x85 ")
"""Half characters, NUL and everything that ends a line among them."""


@given(st.text(ANY_LETTERS))
def test_a_header_is_always_one_printable_line(text: str) -> None:
    line = one_line(text)

    assert line == line.strip()
    assert len(line) <= 200
    assert all(character.isprintable() for character in line)


@given(st.text(ANY_LETTERS, max_size=300))
def test_any_text_makes_a_message_with_our_headers_only(text: str) -> None:
    mail = Mail("account:UIA-1", text, text, text, [a_file(text, b"x")])

    message = compose(mail, SENDER, "office@example.com")

    assert isinstance(message, EmailMessage)
    head = message.as_bytes().partition(b"\r\n\r\n")[0].decode("ascii")
    names = {line.partition(":")[0] for line in re.split(r"\r\n(?![ \t])", head)}
    assert names == {*("Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type")}


def test_a_mail_that_is_refused_for_now_does_not_pass_for_a_server_that_is_down(mailbox: Mailbox) -> None:
    mailbox.fault("DATA", "reject", code=451, text="Try later")

    with pytest.raises(RecipientRefused, match="451") as refused:
        send(mailbox)

    assert refused.value.for_now
