"""The kinds of texts, by the file's name: what each may hold, and the faults of a text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.digest import mails
from app.provisioning import ticket_text
from app.wording.placeholders import Fault


class TextKind(StrEnum):
    """What a text is for."""

    TICKET = "welcome ticket"
    DIGEST_TEXT = "digest, as plain text"
    DIGEST_HTML = "digest, as HTML"


@dataclass(frozen=True)
class FaultAt:
    """A fault, and the text of its line; no line for a fault of the whole text."""

    fault: Fault
    quoted: str


LONGEST_QUOTE = 300


def kind_of(name: str) -> TextKind:
    """What the file of this name is for."""
    digest_kinds = {mails.TEXT_TEMPLATE: TextKind.DIGEST_TEXT, mails.HTML_TEMPLATE: TextKind.DIGEST_HTML}
    return digest_kinds.get(name, TextKind.TICKET)


def placeholders_of(kind: TextKind) -> Mapping[str, str]:
    """The placeholders of a kind, with what each stands for."""
    return ticket_text.PLACEHOLDERS if kind is TextKind.TICKET else mails.PLACEHOLDERS


def faults_of(name: str, text: str) -> Sequence[FaultAt]:
    """Everything that keeps the text from being used, each with its line."""
    lines = text.split("\n")
    return [FaultAt(fault, _quoted(lines, fault.line)) for fault in _faults(name, text)]


def _faults(name: str, text: str) -> Sequence[Fault]:
    if kind_of(name) is TextKind.TICKET:
        return ticket_text.check_template(text)
    if len(text) > ticket_text.MAX_CHARACTERS:
        return [Fault(0, f"the text has {len(text):,} characters, more than {ticket_text.MAX_CHARACTERS:,}")]
    return mails.check_text(name, text)


def _quoted(lines: Sequence[str], number: int) -> str:
    return lines[number - 1][:LONGEST_QUOTE] if 1 <= number <= len(lines) else ""
