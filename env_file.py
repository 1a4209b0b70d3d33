"""`.env`, read in the same way by all: a setting a line, its value as it is written.

`$` is a character like any other, and what programs read in two ways is a fault. So no setting is dropped, cut or
filled in without a word, and a quote that is not closed swallows no other line.
"""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)")
_BEGINNING = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)")
_QUOTED = re.compile(r"""(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)")(.*)""")
_REMARK = re.compile(r"\s*|\s+#.*")
_CONTROL = re.compile(r"(?:[^\\]|\\[^abfnrtv])*")


@dataclass(frozen=True)
class Unreadable:
    """A line that is no setting. `name` is what it begins with, "" for none; `words` show nothing of its value."""

    number: int
    name: str
    words: str


@dataclass(frozen=True)
class EnvFile:
    """Values by name, as the file spells it, and the lines that can't be read."""

    values: dict[str, str]
    faults: tuple[Unreadable, ...]


def read(path: Path | str | None) -> EnvFile:
    """What the file says; a file that isn't there says nothing. Raises `OSError`, and `ValueError` for no UTF-8."""
    try:
        return parse(Path(path).read_bytes().decode("utf-8-sig")) if path else EnvFile({}, ())
    except FileNotFoundError:
        return EnvFile({}, ())


def parse(text: str) -> EnvFile:
    """What the lines of a `.env` say; of a name that is there twice, the last one counts."""
    values, faults = {}, []
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            name, value = _setting(line)
            values[name] = value
        except ValueError as error:
            beginning = _BEGINNING.match(line)
            faults.append(Unreadable(number, beginning[1] if beginning else "", str(error)))
    return EnvFile(values, tuple(faults))


def _setting(line: str) -> tuple[str, str]:
    found = _LINE.fullmatch(line)
    if not found:
        raise ValueError("is not written as NAME=value")
    name, written = found.groups()
    if written.lstrip()[:1] in ("'", '"'):
        return name, _quoted(written.strip())
    if re.search(r"\s#", written):
        raise ValueError(
            "has a # after a blank, where programs disagree: write a remark on a line of its own, "
            "and a value that holds it in single quotes"
        )
    return name, written.strip()


def _quoted(written: str) -> str:
    found = _QUOTED.fullmatch(written)
    if not found:
        raise ValueError("has a quote at its beginning that is not closed on the same line")
    single, double, rest = found.groups()
    if not _REMARK.fullmatch(rest):
        raise ValueError("has more behind the quote that closes it: write the whole value in single quotes, NAME='...'")
    if double is None:
        return re.sub(r"\\(['\\])", r"\1", single)
    if not _CONTROL.fullmatch(double):
        raise ValueError("has a backslash that means a line break or the like in double quotes: use single quotes")
    return re.sub(r"\\(['\"\\])", r"\1", double)


def forget_what_flask_read(names: Iterable[str]) -> None:
    """Take out of the environment the settings that the process was not started with.

    The flask command puts there what it finds in a `.env`, after its own way of reading; ours reads the file itself.
    """
    with suppress(OSError):  # where the system doesn't tell, what flask read stays
        started_with = Path("/proc/self/environ").read_bytes().split(b"\0")
        given = {os.fsdecode(each).partition("=")[0] for each in started_with}
        ours = {name.upper() for name in names}
        for name in [each for each in os.environ if each.upper() in ours and each not in given]:
            del os.environ[name]
