"""The rows of a CSV file: UTF-8 with or without a mark, Windows-1252, or UTF-16 as Excel saves it."""

import codecs
import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

from app.digest.columns import HEADINGS, RawRow, heading_key
from app.digest.unreadable import SourceUnreadable

MAX_FIELD = 4 * 1024 * 1024
"""Characters in one cell; more means a quotation mark that is never closed."""

_DELIMITERS = ",;\t"
_HEAD = 64 * 1024
_CHUNK = 1024 * 1024

# One limit for the whole process. The default, 128 kB, would let one long cell stop the report.
csv.field_size_limit(MAX_FIELD)


def delimited_rows(content: BinaryIO) -> Iterator[RawRow]:
    """The rows, numbered as a spreadsheet numbers them: a blank row counts, a line break inside quotes doesn't.

    The delimiter is whichever of comma, semicolon and tab makes the most of the headings. Raises `SourceUnreadable`
    where the quotes don't match: what follows can't be told apart into rows, and guessing could lose some.
    """
    text = io.TextIOWrapper(content, encoding=_encoding(content), errors="replace", newline="")
    try:
        delimiter = _delimiter(text.read(_HEAD))
        text.seek(0)
        yield from _records(csv.reader(text, delimiter=delimiter, strict=True))
    finally:
        text.detach()


def _records(reader: Iterator[list[str]]) -> Iterator[RawRow]:
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            yield number, cells
    except csv.Error:
        raise SourceUnreadable(
            f"Row {number + 1} of the report can't be told apart from those below: a quotation mark is opened and "
            "not closed, or text follows a closing one. Correct that row."
        ) from None


def _encoding(content: BinaryIO) -> str:
    """Windows-1252 only when the whole file isn't UTF-8, so that one pass never changes its mind halfway."""
    content.seek(0)
    if content.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        encoding = "utf-16"
    else:
        encoding = "utf-8-sig" if _is_utf8(content) else "cp1252"
    content.seek(0)
    return encoding


def _is_utf8(content: BinaryIO) -> bool:
    content.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := content.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(head: str) -> str:
    return max(_DELIMITERS, key=lambda delimiter: _headings_found(head, delimiter))


def _headings_found(head: str, delimiter: str) -> int:
    known = {heading_key(heading) for heading in HEADINGS}
    for cells in csv.reader(io.StringIO(head, newline=""), delimiter=delimiter):
        if any(cell.strip(_DELIMITERS + " ") for cell in cells):
            return len(known & {heading_key(cell) for cell in cells})
    return 0
