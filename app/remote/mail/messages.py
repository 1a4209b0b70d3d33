"""What goes out: a mail, and the message that it becomes for one recipient.

Each message has one recipient: among several, a refused recipient would go unnoticed. Messages are safe to build from
customers' data: header values are single lines, bodies quoted-printable. Files are read and encoded while they go out,
so that a large one takes no more memory than a small one.
"""

import base64
import hashlib
import mimetypes
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import policy
from email.headerregistry import BaseHeader, HeaderRegistry
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from functools import lru_cache
from textwrap import wrap
from typing import BinaryIO

from app.wording.invisible_characters import one_line

LINE = 57
"""How many bytes of a file make one line of base64."""
PIECE = 1024 * LINE
TEXTS, FILES = "=_texts", "=_files"
"""Boundaries that no text can hold: in quoted-printable, nothing else than a line's end or two digits follows a `=`."""
NEW_IN_EACH = ("Subject", "Message-ID", "Content-Disposition")
FULL = policy.SMTP.max_line_length or 78
"""How many characters of a header go into a line."""
START_OF_A_LINE = re.compile(rb"^\.", re.MULTILINE)


class _Headers(HeaderRegistry):
    """The standard library's parsed headers. Mails have mostly the same ones, and parsing takes long.

    So does a header's class, which the library makes anew each time.
    """

    def __call__(self, name: str, value: str) -> BaseHeader:
        return _parsed(name, value)

    def __getitem__(self, name: str) -> type[BaseHeader]:
        return _class_of(name)


class _Lines(policy.EmailPolicy):
    """The library's policy for SMTP, which folds the same header once, and one that is new in each mail sooner."""

    def header_store_parse(self, name: str, value: str) -> tuple[str, str]:
        """A header as it is kept: parsed, or folded already, where plain text only has to be folded at its blanks."""
        is_plain = value.isascii() and value.isprintable() and "=?" not in value and value[-1:].strip()
        if name in NEW_IN_EACH and is_plain:
            begun = f"{name}: "
            if len(value) <= FULL - len(begun):
                return name, value
            lines = wrap(begun + value, FULL, subsequent_indent=" ", break_long_words=False, break_on_hyphens=False)
            moves_down = len(value) < FULL  # whole, onto a line of its own
            if lines[0].startswith(begun) and max(map(len, lines)) <= FULL and not moves_down:
                return name, "\r\n".join(lines).removeprefix(begun)
        return super().header_store_parse(name, value)

    def fold_binary(self, name: str, value: str) -> bytes:
        """The header as it goes out."""
        return _folded(name, value)


_parsed = lru_cache(maxsize=128)(HeaderRegistry())
_class_of = lru_cache(maxsize=128)(HeaderRegistry().__getitem__)
_folded = lru_cache(maxsize=128)(policy.SMTP.fold_binary)
SMTP = _Lines(linesep=policy.SMTP.linesep, header_factory=_Headers())


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    file: BinaryIO


@dataclass(frozen=True)
class Mail:
    """A mail before it has a recipient; `key` makes its Message-ID, so that a repeat can be recognised."""

    key: str
    subject: str
    text: str
    html: str
    attachments: Sequence[Attachment] = ()


class Message:
    """A mail as it goes out to one recipient; `size` is in bytes."""

    def __init__(self, mail: Mail, sender: str, recipient: str) -> None:
        composed = compose(mail, sender, recipient)
        whole = _written(composed)
        self.files = [attachment.file for attachment in mail.attachments]
        self._boundary = f"\r\n--{FILES if self.files else TEXTS}".encode()
        self._parts = whole.split(self._boundary)
        self.size = len(whole) + sum(_encoded_size(file) for file in self.files)

    def pieces(self) -> Iterator[bytes]:
        """The message as SMTP takes it, with each dot at a line's start doubled, in pieces of a bounded size."""
        ending = self._parts[-len(self.files) - 1 :]
        before = START_OF_A_LINE.sub(b"..", self._boundary.join(self._parts[: -len(ending)]))
        for part, file in zip(ending, [*self.files, None], strict=True):
            before += self._boundary + part
            for piece in _in_base64(file) if file is not None else ():
                yield before + piece
                before = b""
        yield before


def compose(mail: Mail, sender: str, recipient: str) -> EmailMessage:
    """The message without its files' content: text and HTML, and a Message-ID that is the same on a repeat."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = header_line(mail.subject)
    message["From"] = sender
    message["To"] = recipient
    message["Date"] = formatdate(localtime=False)
    domain = address_in(sender).rpartition("@")[2]
    message["Message-ID"] = f"<{hashlib.sha256(f'{mail.key} {recipient}'.encode()).hexdigest()[:32]}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_whole_characters(mail.text), cte="quoted-printable")
    message.make_alternative(TEXTS)
    message.add_alternative(_whole_characters(mail.html), subtype="html", cte="quoted-printable")
    if mail.attachments:
        message.make_mixed(FILES)
    for attachment in mail.attachments:
        kind = mimetypes.guess_type(attachment.name)[0] or "application/octet-stream"
        main, _, sub = kind.partition("/")
        message.add_attachment(b"", maintype=main, subtype=sub, filename=file_name(attachment.name))
    return message


@lru_cache(maxsize=16)
def address_in(sender: str) -> str:
    """The address alone, of a sender with a name."""
    return parseaddr(sender)[1]


def _written(composed: EmailMessage) -> bytes:
    """The message as bytes. Its two texts are put in at the end: the library would write each line by itself."""
    texts = [part for part in composed.walk() if not part.is_multipart()][:2]
    bodies = [str(part.get_payload()).replace("\n", "\r\n").encode() for part in texts]
    for part in texts:
        part.set_payload("")
    end = f"\r\n--{TEXTS}".encode()
    parts = composed.as_bytes().split(end)
    return end.join(part + body for part, body in zip(parts, [b"", *bodies, b""], strict=True))


def header_line(text: str) -> str:
    """A header's value: one line of at most 200 characters."""
    return one_line(text)[:200]


def _whole_characters(text: str) -> str:
    """Without half characters, which JSON can bring and no mail can carry."""
    return text.encode("utf-8", "replace").decode("utf-8")


def file_name(text: str) -> str:
    """A file's name that can't break a header or a folder."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "attachment"


def without_addresses(text: str) -> str:
    """A server's words in one line, without mail addresses, which may be a customer's."""
    return re.sub(r"\S+@\S+", "...", header_line(text))


def _encoded_size(file: BinaryIO) -> int:
    """In bytes, of base64 in lines of 76 characters."""
    size = file.seek(0, os.SEEK_END)
    return (size + 2) // 3 * 4 + 2 * ((size + LINE - 1) // LINE)


def _in_base64(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(PIECE):
        yield base64.encodebytes(piece).replace(b"\n", b"\r\n")
