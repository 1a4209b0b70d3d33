"""The rows of a CSV file: UTF-8 or UTF-16, with or without a mark, or Windows-1252."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import BinaryIO

from app.digest.report.columns import HEADINGS, ROWS_AT_ONCE, EvenRows, RawRows, heading_key
from app.digest.report.errors import SourceUnreadable

MAX_FIELD = 4 * 1024 * 1024
"""Characters in one cell; more means a quotation mark that is never closed."""

_DELIMITERS = ",;\t"
_HEAD = 64 * 1024
_CHUNK = 1024 * 1024
_BLOCK = 32 * 1024
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16: this mark begins with UTF-16's
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Excel's own line above the headings, which it doesn't show and doesn't count as a row.
_NAMED_DELIMITER = re.compile(r'"?sep=(?P<delimiter>[^"\r\n])"?[,;\t]*(?:\r\n|\r|\n|\Z)', re.IGNORECASE)
_QUOTE_AND_BLANK = re.compile(rb'"\0{0,3} ')
# One limit for the whole process. The default, 128 kB, would let one long cell stop the report.
csv.field_size_limit(MAX_FIELD)


def delimited_rows(content: BinaryIO) -> Iterator[RawRows]:
    """The rows, numbered as a spreadsheet numbers them: a blank row counts, a line break inside quotes doesn't.

    The delimiter is the one that a first line `sep=;` names, or whichever of comma, semicolon and tab makes the most of
    the headings. Raises `SourceUnreadable` where the quotes don't match: what follows can't be told apart into rows,
    and guessing could lose some.
    """
    text = io.TextIOWrapper(content, encoding=_encoding(content), errors="replace", newline="")
    loose = _has_blanks_after_quotes(content)
    try:
        head = text.read(_HEAD)
        named = _NAMED_DELIMITER.match(head)
        delimiter = named["delimiter"] if named else _delimiter(head)
        text.seek(0)
        text.read(named.end() if named else 0)
        yield from _records(_reader(_closed_up(text, delimiter), delimiter)) if loose else _rows(text, delimiter)
    finally:
        text.detach()


def _rows(text: io.TextIOWrapper, delimiter: str) -> Iterator[RawRows]:
    """The rows, block by block. Most blocks are even and only cut up, which saves a third of the reading time."""
    first = 1
    while block := text.read(_BLOCK):
        block += text.readline()
        try:
            rows = _even_rows(block, delimiter) or [*_reader(io.StringIO(block, newline=""), delimiter)]
        except csv.Error:  # a cell in quotes goes on behind the block, or is never closed
            yield from _records(_reader(chain(io.StringIO(block, newline=""), text), delimiter), first)
            return
        yield range(first, first + len(rows)), rows
        first += len(rows)


def _even_rows(block: str, delimiter: str) -> EvenRows | None:
    """The rows, where each has as many cells and ends in the same way, with no quotes and no blanks before a cell."""
    count, end = block.count("\n"), "\r\n" if "\r" in block else "\n"
    if '"' in block or not block.endswith(end) or len(block) > MAX_FIELD or _has_blanks_before_cells(block, delimiter):
        return None
    cells = block.replace("\n", f"\n{delimiter}").split(delimiter)[:-1]
    width = len(cells) // count
    last = "".join(cells[width - 1 :: width])
    ended = last.split(end)[:-1]
    if len(cells) == width * count and len(ended) == last.count("\n") == count and block.count("\r") in (0, count):
        return EvenRows([*(cells[at::width] for at in range(width - 1)), ended])
    return None


def _has_blanks_before_cells(block: str, delimiter: str) -> bool:
    return any(part.endswith((delimiter, "\n", "\r")) for part in f"\n{block}".split(" ")[:-1])


def _reader(lines: Iterable[str], delimiter: str, *, strict: bool = True) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=strict)


def _closed_up(lines: Iterable[str], delimiter: str) -> Iterator[str]:
    """The lines without blanks between a quoted cell and its delimiter, which the csv module does not accept there.

    The pattern matches whole quoted cells, so text in quotes stays. It reads each character once, so that hostile lines
    take no longer.
    """
    quoted, inside = r'"(?:[^"]|"")*+', False
    tokens = re.compile(rf'({quoted}") +(?={re.escape(delimiter)}|[\r\n]|\Z)|{quoted}"?|[^"]+')
    for line in lines:
        if '"' not in line:
            yield line
            continue
        begins, inside = '"' * inside, inside != (line.count('"') % 2 == 1)
        yield tokens.sub(_without_blanks, begins + line)[len(begins) :] if '" ' in line else line


def _has_blanks_after_quotes(content: BinaryIO) -> bool:
    content.seek(0)
    found, last = False, b""
    while not found and (chunk := content.read(_CHUNK)):
        found = _QUOTE_AND_BLANK.search(last + chunk) is not None
        last = chunk[-4:]
    content.seek(0)
    return found


def _without_blanks(token: re.Match[str]) -> str:
    return token[1] or token[0]


def _records(reader: Iterator[list[str]], first: int = 1) -> Iterator[RawRows]:
    rows = [[""]]
    try:
        while rows:
            rows = []
            rows.extend(islice(reader, ROWS_AT_ONCE))
            yield range(first, first + len(rows)), rows
            first += len(rows)
    except csv.Error:
        yield range(first, first + len(rows)), rows  # so missing headings are reported before a fault further down
        raise SourceUnreadable(
            f"Row {first + len(rows)} of the report can't be told apart from those below: a quotation mark is opened "
            "and not closed, or text follows a closing one. Correct that row."
        ) from None


def _encoding(content: BinaryIO) -> str:
    """The file's encoding. The whole file is checked for UTF-8 first, so that reading never changes it halfway."""
    content.seek(0)
    head = content.read(_HEAD)
    marked = next((encoding for mark, encoding in _MARKS.items() if head.startswith(mark)), None)
    encoding = marked or _unmarked_utf16(head) or ("utf-8" if _is_utf8(content) else "cp1252")
    content.seek(0)
    return encoding


def _unmarked_utf16(head: bytes) -> str | None:
    """The kind of UTF-16 without a mark: in text, every second byte of nearly all characters is zero."""
    zeros, most = (head[0::2].count(0), head[1::2].count(0)), len(head) // 2
    if zeros[1] > most * 0.7 and zeros[0] < most * 0.1:
        return "utf-16-le"
    return "utf-16-be" if zeros[0] > most * 0.7 and zeros[1] < most * 0.1 else None


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
    for cells in _reader(_closed_up(io.StringIO(head, newline=""), delimiter), delimiter, strict=False):
        if any(cell.strip(_DELIMITERS + " ") for cell in cells):
            return len(known & {heading_key(cell) for cell in cells})
    return 0
