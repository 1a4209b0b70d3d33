"""The rows of a report file. Its name's ending says what it should be, its first bytes say what it is."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from app.digest.report.columns import RawRows
from app.digest.report.delimited import delimited_rows
from app.digest.report.errors import SourceUnreadable
from app.digest.report.excel import workbook_rows

WORKBOOK_ENDINGS = (".xlsx", ".xlsm")
TEXT_ENDINGS = (".csv", ".tsv", ".txt")
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def check_ending(name: str) -> str:
    """The file name's ending, in small letters. Raises `SourceUnreadable` for one that no report has."""
    ending = PurePosixPath(name).suffix.lower()
    if ending not in WORKBOOK_ENDINGS + TEXT_ENDINGS:
        raise SourceUnreadable(
            f"A report file ends in .xlsx or .csv, this one in {ending or 'nothing'}; save it as one of the two."
        )
    return ending


def file_rows(content: BinaryIO, name: str) -> Iterator[RawRows]:
    """The rows of an opened regular file. Raises `SourceUnreadable`, also while reading.

    The first bytes decide what kind of file it is; the error says so when the ending of `name` differs.
    """
    ending = PurePosixPath(name).suffix.lower()
    content.seek(0)
    start = content.read(8)
    if start.startswith(_ZIP):
        return workbook_rows(content)
    if start == _OLE:
        raise SourceUnreadable(_ole_sentence(content))
    if not start:
        raise SourceUnreadable("The report file is empty (0 bytes); have it written again.")
    if ending in WORKBOOK_ENDINGS:
        raise SourceUnreadable(
            "The report file is named like an Excel workbook but isn't one; save it as .xlsx, or name it .csv."
        )
    return delimited_rows(content)


def _ole_sentence(content: BinaryIO) -> str:
    """The error's text: a workbook with a password is in the same container as Excel files from before 2007."""
    if _ENCRYPTED in content.read(1024 * 1024):
        return "The workbook is protected by a password; save it without one."
    return "The report is a file of an old Excel (.xls); save it as .xlsx."
