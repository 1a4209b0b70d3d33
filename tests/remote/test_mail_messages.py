"""A message is safe to build from customers' data, and as large as it was announced."""

import re
import tracemalloc
from email import message_from_bytes, policy
from email.headerregistry import HeaderRegistry
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.remote.mail import Attachment, Mail
from app.remote.mail.messages import Message, compose, file_name, header_line
from sandbox import Mailbox
from tests.remote.mails import SENDER, a_file, send

# The announced size, and the memory


@pytest.mark.long
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


@given(st.text("ab1é,.(=?_ \t", min_size=1, max_size=250))
def test_any_subject_is_folded_as_the_library_folds_it(subject: str) -> None:
    folded = policy.SMTP.fold_binary("Subject", HeaderRegistry()("Subject", header_line(subject)))

    assert compose(Mail("k", subject, "t", "h"), SENDER, "o@example.com").as_bytes().startswith(folded)


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
    line = header_line(text)

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
    assert names == {"Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"}
