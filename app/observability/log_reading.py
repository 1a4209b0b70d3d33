"""Reads the log for people: from its end, in blocks, so that neither a large file nor a rare word costs much.

The lines are those that `logs` wrote, as text or as JSON, also mixed when LOG_FORMAT was changed. They are clean
already; nothing is taken out here and nothing is added.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

BLOCK_BYTES = 128 * 1024
LONGEST_LINE_BYTES = 512 * 1024
"""A line of the service is shorter; what is longer is cut in pieces, so that no file is ever in memory as a whole."""

SCANNED_BYTES = 12 * 1024 * 1024
"""How much one search looks through before it offers to go on."""

SHOWN_CHARACTERS = 100_000
SHOWN_CHARACTERS_A_LINE = 4_000
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_TEXT_LINE = re.compile(r"(\d{4}-\S+) ([A-Z]+) +\[([^\]]*)\] ([^\s:]+): (.*)", re.DOTALL)


@dataclass(frozen=True)
class LogPart:
    """A file of the log: the one that is written, or one that was rotated away. `number` 0 is the newest."""

    path: Path
    number: int
    size: int
    inode: int


@dataclass(frozen=True)
class LogLine:
    """One event; of a line that isn't the service's only `message` is known. `more` holds a traceback's lines."""

    message: str
    time: datetime | None = None
    level: str = ""
    orderref: str = ""
    logger: str = ""
    more: tuple[str, ...] = ()


@dataclass(frozen=True)
class Search:
    """What is looked for: an order, a text (any case) and the least level; "" for any."""

    orderref: str = ""
    text: str = ""
    level: str = ""


@dataclass(frozen=True)
class FoundLines:
    """The lines found, the newest first. `further` is where to go on with older ones; None at the log's beginning."""

    lines: tuple[LogLine, ...]
    further: str | None


Needles = tuple[tuple[bytes, ...], ...]
"""What a line must hold: of each entry one form, in lower case."""


class _Chunk(NamedTuple):
    """Some whole lines of a file, from `start` on."""

    part: LogPart
    start: int
    lines: bytes


class LogUnreadable(Exception):
    """The log can't be read; the text says why, and what to do."""


def parts(log_file: Path) -> tuple[LogPart, ...]:
    """The log's files, the newest first. Raises `LogUnreadable` when there is none."""
    numbered = {0: log_file}
    try:
        for path in log_file.parent.glob(f"{log_file.name}.*"):
            if (ending := path.name.removeprefix(f"{log_file.name}.")).isdecimal():
                numbered[int(ending)] = path
    except OSError as problem:
        raise _unreadable(log_file, problem) from None
    found = [part for number, path in sorted(numbered.items()) if (part := _part(path, number)) is not None]
    if not found:
        raise LogUnreadable(f"There is no log at {log_file} yet. It begins with the first event; see LOG_FILE.")
    return tuple(found)


def search(log_file: Path, wanted: Search, *, limit: int = 200, further: str = "") -> FoundLines:
    """The newest lines that match, at most `limit`; `further` goes on where an earlier search stopped.

    Looks through about `SCANNED_BYTES` at most. Raises `LogUnreadable`.
    """
    needles, lines = _needles(wanted), list[LogLine]()
    shown = scanned = 0
    for chunk in _backwards(_from(parts(log_file), further)):
        for start, line in _hits(chunk, needles):
            event = parsed(line)
            if _at_least(event, wanted.level):
                lines.append(event)
                shown += len(event.message) + sum(map(len, event.more))
            if len(lines) >= limit or shown >= SHOWN_CHARACTERS:
                return FoundLines(tuple(lines), f"{chunk.part.inode}-{start}")
        scanned += len(chunk.lines)
        if scanned >= SCANNED_BYTES:
            return FoundLines(tuple(lines), f"{chunk.part.inode}-{chunk.start}")
    return FoundLines(tuple(lines), None)


def content(chosen: tuple[LogPart, ...]) -> Iterator[bytes]:
    """The bytes of these files, the oldest first, in blocks: as far as they reach now.

    They are opened before the first block is taken. Raises `LogUnreadable`.
    """
    files: list[tuple[BinaryIO, int]] = []
    try:
        for part in reversed(chosen):
            try:
                files.append((part.path.open("rb"), part.size))
            except FileNotFoundError:
                continue
    except OSError as problem:
        for file, _ in files:
            file.close()
        raise _unreadable(part.path, problem) from None
    return _blocks(files)


def parsed(line: bytes) -> LogLine:
    """A line of the log, whichever format it has."""
    text = line.decode("utf-8", "replace").rstrip("\r")
    if text.startswith("{"):
        return _from_json(text)
    found = _TEXT_LINE.fullmatch(text)
    if found is None:
        return _line(text)
    time, level, orderref, logger, message = found.groups()
    return _line(message, time=time, level=level, orderref="" if orderref == "-" else orderref, logger=logger)


def _from_json(text: str) -> LogLine:
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return _line(text)
    if not isinstance(event, dict):
        return _line(text)
    time, level, logger, orderref, message, exception = (
        str(event.pop(name, None) or "") for name in ("time", "level", "logger", "orderref", "message", "exception")
    )
    extras = "".join(f" {name}={value}" for name, value in event.items())
    whole = f"{message}{extras}" + (f"\n{exception}" if exception else "")
    return _line(whole.replace("\n", "\\n"), time=time, level=level, orderref=orderref, logger=logger)


def _line(message: str, *, time: str = "", level: str = "", orderref: str = "", logger: str = "") -> LogLine:
    """The event stands in one line; its line breaks are written as `\\n`."""
    cut = message[:SHOWN_CHARACTERS_A_LINE] + (" [cut]" if len(message) > SHOWN_CHARACTERS_A_LINE else "")
    first, *more = cut.split("\\n")
    return LogLine(first, time=_moment(time), level=level, orderref=orderref, logger=logger, more=tuple(more))


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _needles(wanted: Search) -> Needles:
    """What the bytes of a line must hold; for the level it is only a first sieve."""
    needles = [_forms(each) for each in (wanted.text, wanted.orderref) if each.strip()]
    if wanted.level in LEVELS[1:]:
        names = LEVELS[LEVELS.index(wanted.level) :]
        needles.append(tuple(form for name in names for form in (f" {name.lower()} ".encode(), _json_level(name))))
    return tuple(needles)


def _hits(chunk: _Chunk, needles: Needles) -> Iterator[tuple[int, bytes]]:
    """Where each line that holds the needles starts, and the line; the last first. Mostly the whole chunk has none."""
    lowered = chunk.lines.lower()
    if not all(any(form in lowered for form in forms) for forms in needles):
        return
    start = chunk.start + len(chunk.lines)
    for line, low in zip(reversed(chunk.lines.split(b"\n")), reversed(lowered.split(b"\n")), strict=True):
        start -= len(line)
        if line and _holds(low, needles):
            yield start, line
        start -= 1


def _holds(line: bytes, needles: Needles) -> bool:
    for forms in needles:
        for form in forms:
            if form in line:
                break
        else:
            return False
    return True


def _json_level(name: str) -> bytes:
    return f'"level": "{name}"'.lower().encode()


def _forms(text: str) -> tuple[bytes, ...]:
    """The text as a line of either format holds it; bytes are compared in lower case, which plain letters have."""
    plain = text.strip()
    return tuple({plain.encode("utf-8", "replace").lower(), json.dumps(plain)[1:-1].encode().lower()})


def _at_least(line: LogLine, level: str) -> bool:
    if level not in LEVELS:
        return True
    return line.level in LEVELS and LEVELS.index(line.level) >= LEVELS.index(level)


def _part(path: Path, number: int) -> LogPart | None:
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise _unreadable(path, problem) from None
    return LogPart(path, number, state.st_size, state.st_ino)


def _from(found: tuple[LogPart, ...], further: str) -> list[tuple[LogPart, int]]:
    """The parts to read and where each ends: all, or those from `further` (`inode-position`) on backwards.

    A file keeps its inode when it is rotated. One that is gone leaves nothing older to show.
    """
    inode, _, position = further.partition("-")
    if not (inode.isdecimal() and position.isdecimal()):
        return [(part, part.size) for part in found]
    numbers = [number for number, part in enumerate(found) if part.inode == int(inode)]
    if not numbers:
        return []
    first, *older = found[numbers[0] :]
    return [(first, min(int(position), first.size)), *((part, part.size) for part in older)]


def _backwards(older: list[tuple[LogPart, int]]) -> Iterator[_Chunk]:
    for part, end in older:
        try:
            with part.path.open("rb") as file:
                if os.fstat(file.fileno()).st_ino != part.inode:
                    continue  # rotated in this moment: its lines are found under another name next time
                for start, lines in _chunks_backwards(file, end):
                    yield _Chunk(part, start, lines)
        except FileNotFoundError:
            continue
        except OSError as problem:
            raise _unreadable(part.path, problem) from None


def _chunks_backwards(file: BinaryIO, end: int) -> Iterator[tuple[int, bytes]]:
    """Whole lines and where they start, from `end` to the file's beginning."""
    rest, position = b"", end
    while position > 0:
        size = min(BLOCK_BYTES, position)
        position -= size
        file.seek(position)
        block = file.read(size) + rest
        begun, line_break, whole = block.partition(b"\n")
        if position == 0 or (not line_break and len(block) > LONGEST_LINE_BYTES):
            yield position, block
            rest = b""
        elif line_break:
            yield position + len(begun) + 1, whole
            rest = begun
        else:
            rest = block


def _blocks(files: list[tuple[BinaryIO, int]]) -> Iterator[bytes]:
    try:
        for file, size in files:
            left = size
            while left > 0 and (block := file.read(min(BLOCK_BYTES, left))):
                left -= len(block)
                yield block
    finally:
        for file, _ in files:
            file.close()


def _unreadable(path: Path, problem: OSError) -> LogUnreadable:
    if isinstance(problem, PermissionError):
        return LogUnreadable(
            f"The log {path} may not be read by the user that runs this service. Let it read the file."
        )
    return LogUnreadable(f"The log {path} can't be read ({problem.strerror}). Check LOG_FILE and the disk.")
