"""The entries found in the files, and what became of each."""

import json
import os
import stat
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from app.wording.invisible_characters import one_line

MOST_BYTES = 8 * 1024 * 1024
SHOWN = 100
"""Characters shown of a text from a file."""


class Became(StrEnum):
    """What became of an entry. Only `NOT_TAKEN` is a failure: the entry should have been taken over, and was not."""

    TAKEN = "taken"
    HERE = "here already"
    LEFT_OUT = "left out"
    """This is right: nothing here needs the entry."""
    NOT_TAKEN = "not taken"
    AS_IT_IS = "taken as it is"
    STANDS_FOR = "stands for"
    UNUSED = "not used any more"
    ANEW = "must be set anew"
    """The last four values are about settings, which a person takes over by hand."""


@dataclass(frozen=True)
class Entry:
    """One thing in a file: what it is, what became of it, and why."""

    subject: str
    became: Became
    why: str = ""

    @classmethod
    def about(cls, subject: object, became: Became, why: str = "") -> "Entry":
        """An entry whose subject is a text from the file, made safe for a terminal."""
        return cls(shown(subject), became, why)


@dataclass(frozen=True)
class FileFound:
    """A file's entries; `is_there` is False when the file isn't in the folder."""

    name: str
    is_there: bool
    entries: list[Entry]

    def counts(self) -> dict[str, int]:
        """The number of entries by what became of them; each entry is counted once."""
        return dict(Counter(entry.became.value for entry in self.entries))


class NotReadable(Exception):
    """A file that can't be read at all; the text says why."""


def content_of(file: Path) -> bytes:
    """The file's bytes. Raises `NotReadable` (also for a folder or device), and `FileNotFoundError`."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise NotReadable(f"it can't be opened ({error.strerror})") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotReadable("it is no file")
    with os.fdopen(descriptor, "rb") as opened:
        content = opened.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise NotReadable(f"it is larger than {MOST_BYTES // 1024 // 1024} MB")
    return content


def text_of(file: Path) -> str:
    """The file's text. Raises as `content_of`."""
    content = content_of(file)
    with suppress(UnicodeDecodeError):
        return content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    raise NotReadable("it is no text in UTF-8")


def json_of(file: Path) -> Any:
    """The file's JSON, or a list of its lines where each line is JSON by itself. Raises as `content_of`."""
    text = text_of(file)
    if not text.strip():
        return []
    with suppress(ValueError, RecursionError):
        return json.loads(text)
    with suppress(ValueError, RecursionError):
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    raise NotReadable("it is not JSON")


def key_of(name: object) -> str:
    """`orderref`, `order_ref` and `OrderRef` are one name."""
    return str(name).replace("_", "").replace("-", "").replace(" ", "").casefold()


def unwrapped(content: Any, names: Iterable[str]) -> Any:
    """What is in a file, without an object around it that has nothing else, under one of the names."""
    if isinstance(content, dict) and len(content) == 1 and key_of(next(iter(content))) in names:
        return next(iter(content.values()))
    return content


def value_of(record: dict[str, Any], names: Iterable[str]) -> Any:
    """The value that a record has under one of the names; None when it has none, or several that differ."""
    wanted = set(names)
    found = [value for name, value in record.items() if key_of(name) in wanted and value is not None]
    return found[0] if found and all(value == found[0] for value in found) else None


def shown(text: object) -> str:
    """A text from a file, safe for a terminal: one line, not too long."""
    line = one_line(str(text).encode("utf-8", "replace").decode())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"
