"""Mail: sent once to each recipient, safe to build from customers' data, and honest about what became of it."""

import re
import socket
from collections.abc import Iterator
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app import mail
from app.mail import Attachment, Letter, Mailer, MailFailed, RecipientRefused, compose, file_name, one_line
from config import load_settings
from sandbox import Mailbox

SENDER = "Fiber desk <fiber@example.com>"
PASSWORD = "mail-password-1"
LETTER = Letter("account:UIA-1", "Account created", "It is there.\n", "<p>It is there.</p>")


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


def send(mailbox: Mailbox, letter: Letter = LETTER, *recipients: str, **settings: Any) -> None:
    with mailer_to(mailbox, **settings).connection() as post:
        for recipient in recipients or ("office@example.com",):
            post.send(letter, recipient)


# One message a recipient, once


def test_each_recipient_gets_a_message_of_its_own(mailbox: Mailbox) -> None:
    send(mailbox, LETTER, "office@example.com", "billing@example.com")

    assert [message.envelope.recipients for message in mailbox.messages] == [
        ("office@example.com",),
        ("billing@example.com",),
    ]
    assert [message["To"] for message in mailbox.messages] == ["office@example.com", "billing@example.com"]
    assert {message.envelope.sender for message in mailbox.messages} == {"fiber@example.com"}
    assert {message["From"] for message in mailbox.messages} == {SENDER}
    assert mailbox.connections == 1


def test_a_repeat_has_the_same_message_id_and_another_letter_another(mailbox: Mailbox) -> None:
    send(mailbox)
    send(mailbox)
    send(mailbox, LETTER, "billing@example.com")
    send(mailbox, Letter("account:UIA-2", "Account created", "", ""))

    ids = [message["Message-ID"] for message in mailbox.messages]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert all(re.fullmatch(r"<[0-9a-f]{32}@example\.com>", each) for each in ids)


def test_a_server_that_is_gone_after_it_took_the_mail_is_no_failure(mailbox: Mailbox) -> None:
    with mailer_to(mailbox).connection() as post:
        post.send(LETTER, "office@example.com")
        mailbox.down()  # quit() finds nobody

    assert len(mailbox.messages) == 1


def test_a_refused_recipient_does_not_keep_the_mail_from_the_others(mailbox: Mailbox) -> None:
    mailbox.rejected_recipients.add("gone@example.com")

    with mailer_to(mailbox).connection() as post:
        with pytest.raises(RecipientRefused, match="550"):
            post.send(LETTER, "gone@example.com")
        post.send(LETTER, "office@example.com")

    assert [message["To"] for message in mailbox.messages] == ["office@example.com"]


@pytest.mark.parametrize("action", ["MAIL", "DATA"])
def test_a_mail_that_is_too_large_does_not_keep_other_mails_waiting(mailbox: Mailbox, action: str) -> None:
    mailbox.fault(action, "reject", code=552, text="Message too large for office@example.com")

    with mailer_to(mailbox).connection() as post:
        with pytest.raises(RecipientRefused, match="552 Message too large") as refused:
            post.send(LETTER, "office@example.com")
        post.send(LETTER, "office@example.com")

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
                post.send(LETTER, "office@example.com")

    assert len(mailbox.messages) == 1


def test_a_failure_names_nobodys_address(mailbox: Mailbox) -> None:
    mailbox.fault("RCPT", "reject", code=550, text="<ada.lind@example.com> unknown, ask root@example.com")

    with pytest.raises(RecipientRefused) as refused:
        send(mailbox, LETTER, "ada.lind@example.com")

    assert "@" not in refused.value.detail


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
        post.send(LETTER, "office@example.com")

    printed = "".join(capfd.readouterr())
    assert len(mailbox.messages) == 1
    assert printed == ""


# What customers' data can do to a message


def test_a_line_break_in_a_name_neither_loses_the_mail_nor_adds_a_header(mailbox: Mailbox) -> None:
    name = "Ada\r\nBcc: thief@example.com\r\n\r\nLind\x00\u2028\ud800"

    send(mailbox, Letter("k", f"Account created: {name}", name, name, [Attachment(f"{name}.pdf", b"x")]))

    (message,) = mailbox.messages
    assert message["Bcc"] is None
    assert message.envelope.recipients == ("office@example.com",)
    assert message["Subject"] == "Account created: Ada Bcc: thief@example.com Lind"
    assert list(message.attachments) == ["Ada-Bcc-thief-example.com-Lind-.pdf"]


def test_letters_of_any_language_arrive(mailbox: Mailbox) -> None:
    text = "Grüße, Łukasz 李 👋\n"

    send(mailbox, Letter("k", "Grüße an Łukasz 李 👋", text, f"<p>{text}</p>"))

    (message,) = mailbox.messages
    assert message["Subject"] == "Grüße an Łukasz 李 👋"
    assert message.text == text
    assert text.strip() in str(message.get_body(("html",)).get_content())
    assert message.raw.isascii()


def test_no_line_is_longer_than_mail_servers_take(mailbox: Mailbox) -> None:
    long = "x" * 5000

    send(mailbox, Letter("k", long, f"{long}\n.\n..\nFrom me\n", f"<p>{long}</p>", [Attachment("c.pdf", b"y" * 5000)]))

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
    files = [Attachment("contract.pdf", b"%PDF-1.7 \x00\xff"), Attachment("rows.csv", b"a;b\n"), Attachment("x", b"")]

    send(mailbox, Letter("k", "s", "t", "h", files))

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
    assert all(letter.isprintable() for letter in line)


@given(st.text(ANY_LETTERS, max_size=300))
def test_any_text_makes_a_message_with_our_headers_only(text: str) -> None:
    letter = Letter("account:UIA-1", text, text, text, [Attachment(text, b"x")])

    message = compose(letter, SENDER, "office@example.com")

    assert isinstance(message, EmailMessage)
    head = message.as_bytes().partition(b"\r\n\r\n")[0].decode("ascii")
    names = {line.partition(":")[0] for line in re.split(r"\r\n(?![ \t])", head)}
    assert names == {*("Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type")}


def test_a_mail_that_is_refused_for_now_does_not_pass_for_a_server_that_is_down(mailbox: Mailbox) -> None:
    mailbox.fault("DATA", "reject", code=451, text="Try later")

    with pytest.raises(RecipientRefused, match="451") as refused:
        send(mailbox)

    assert refused.value.for_now
