"""Reads the log for people: from its end, in blocks, so that neither a large file nor a rare word costs much.

Lines are shown as they were written: secrets were taken out before that.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

BLOCK_BYTES = 128 * 1024
LONGEST_LINE_BYTES = 512 * 1024
"""The service's lines are shorter. A longer line is cut into pieces, so that no whole file is ever in memory."""
SCANNED_BYTES = 12 * 1024 * 1024
"""How much one search looks through: a rare word must not keep the page waiting."""
SHOWN_CHARACTERS = 100_000
SHOWN_CHARACTERS_A_LINE = 4_000


@dataclass(frozen=True)
class LogPart:
    """A file of the log: the one that is written, or one that was rotated away."""

    path: Path
    size: int


@dataclass(frozen=True)
class FoundLines:
    """The lines that match, the newest first; `is_all`: the log has no others."""

    lines: Sequence[str]
    is_all: bool


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
    found = [part for _, path in sorted(numbered.items()) if (part := _part(path)) is not None]
    if not found:
        raise LogUnreadable(f"There is no log at {log_file} yet. It begins with the first event; see LOG_FILE.")
    return tuple(found)


def search(log_file: Path, *texts: str, limit: int = 200) -> FoundLines:
    """The newest lines, at most `limit`, that hold each of the texts (any case, blank: any line).

    Looks through about `SCANNED_BYTES` at most. Raises `LogUnreadable`.
    """
    needles, lines = [_forms(text) for text in texts if text.strip()], list[str]()
    shown = scanned = 0
    for chunk in _backwards(parts(log_file)):
        for line in _hits(chunk, needles):
            if len(lines) >= limit or shown >= SHOWN_CHARACTERS:
                return FoundLines(lines, is_all=False)
            lines.append(_shown(line))
            shown += len(lines[-1])
        scanned += len(chunk)
        if scanned >= SCANNED_BYTES:
            return FoundLines(lines, is_all=False)
    return FoundLines(lines, is_all=True)


def content(chosen: Sequence[LogPart]) -> Iterator[bytes]:
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


def _forms(text: str) -> set[bytes]:
    """The text in the forms that either log format gives it; bytes are compared in lower case (ASCII letters only)."""
    plain = text.strip()
    return {plain.encode("utf-8", "replace").lower(), json.dumps(plain)[1:-1].encode().lower()}


def _hits(chunk: bytes, needles: Sequence[set[bytes]]) -> Iterator[bytes]:
    """Each line that holds the needles, the last first. Mostly the whole chunk has none."""
    if not _holds(chunk.lower(), needles):
        return
    for line in reversed(chunk.split(b"\n")):
        if line and _holds(line.lower(), needles):
            yield line


def _holds(lowered: bytes, needles: Sequence[set[bytes]]) -> bool:
    return all(any(form in lowered for form in forms) for forms in needles)


def _shown(line: bytes) -> str:
    text = line.decode("utf-8", "replace").rstrip("\r")
    return text[:SHOWN_CHARACTERS_A_LINE] + (" [cut]" if len(text) > SHOWN_CHARACTERS_A_LINE else "")


def _part(path: Path) -> LogPart | None:
    try:
        return LogPart(path, path.stat().st_size)
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise _unreadable(path, problem) from None


def _backwards(found: Sequence[LogPart]) -> Iterator[bytes]:
    """Whole lines of all files, the last ones first."""
    for part in found:
        try:
            with part.path.open("rb") as file:
                yield from _chunks_backwards(file, os.fstat(file.fileno()).st_size)
        except FileNotFoundError:
            continue
        except OSError as problem:
            raise _unreadable(part.path, problem) from None


def _chunks_backwards(file: BinaryIO, end: int) -> Iterator[bytes]:
    """Whole lines, from `end` to the file's beginning."""
    rest, position = b"", end
    while position > 0:
        size = min(BLOCK_BYTES, position)
        position -= size
        file.seek(position)
        block = file.read(size) + rest
        begun, line_break, whole = block.partition(b"\n")
        if position == 0 or (not line_break and len(block) > LONGEST_LINE_BYTES):
            yield block
            rest = b""
        elif line_break:
            yield whole
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
