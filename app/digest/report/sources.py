"""Reads the report from wherever REPORT_SOURCE says: a Google spreadsheet, a file, or an S3 object."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.digest.report.columns import RawRows, ReportRows, report_rows
from app.digest.report.errors import Limits, SourceUnreadable
from app.digest.report.files import check_ending, file_rows
from app.digest.report.s3 import S3Object, fetched
from app.digest.report.sheets import GOOGLE, SheetRange, sheet_rows

__all__ = ["FilePath", "Limits", "ReportRows", "SourceUnreadable", "parse_source", "read_report"]

FORMS = "sheets:<id>!Sheet1!A:F, file:/path/report.xlsx (or .csv), or s3://bucket/report.xlsx (or .csv)"


@dataclass(frozen=True, slots=True)
class FilePath:
    """A report file of this machine."""

    path: Path


def read_report(
    source: str,
    *,
    google_credentials_file: str | Path | None = None,
    sheets_endpoint: str = GOOGLE,
    limits: Limits | None = None,
) -> Iterator[ReportRows]:
    """The report's rows below its headings, some hundreds at a time; `source` as in REPORT_SOURCE.

    Raises `SourceUnreadable` when the source's address is wrong, and also while the rows are read: a report is valid
    only once it was read to its end. A caller that stops earlier closes the iterator, which closes files and processes.
    """
    where = parse_source(source)
    limits = limits or Limits()
    if isinstance(where, SheetRange):
        key_file = Path(google_credentials_file) if google_credentials_file else None
        return report_rows(sheet_rows(where, key_file=key_file, endpoint=sheets_endpoint, limits=limits))
    rows = _local_rows(where) if isinstance(where, FilePath) else _s3_rows(where, limits)
    return report_rows(_told(rows))


def parse_source(source: str) -> SheetRange | FilePath | S3Object:
    """Parse `source`. Raises `SourceUnreadable`, which names the valid forms; nothing is opened or fetched."""
    kind, _, rest = source.strip().partition(":")
    kind = kind.lower()
    if kind == "sheets":
        spreadsheet_id, _, cells = rest.partition("!")
        if spreadsheet_id and cells:
            return SheetRange(spreadsheet_id, cells)
    if kind == "file" and rest:
        check_ending(rest)
        return FilePath(Path(rest.removeprefix("//")))
    if kind == "s3" and rest.startswith("//"):
        bucket, _, key = rest.removeprefix("//").partition("/")
        if bucket and key:
            return S3Object(bucket, key)
    raise SourceUnreadable(f"REPORT_SOURCE is not an address of a report. It is written {FORMS}.")


def _local_rows(where: FilePath) -> Iterator[RawRows]:
    with _opened(where.path) as content:
        yield from file_rows(content, where.path.name)


def _s3_rows(where: S3Object, limits: Limits) -> Iterator[RawRows]:
    with fetched(where, limits) as content:
        yield from file_rows(content, where.key)


def _told(rows: Iterator[RawRows]) -> Iterator[RawRows]:
    """The rows; errors of this machine while reading (disk full, memory, a lost drive) become `SourceUnreadable`."""
    try:
        yield from rows
    except OSError as error:
        raise SourceUnreadable(f"Reading the report failed on this machine ({error.strerror}).") from None


def _opened(path: Path) -> BinaryIO:
    """The file, opened for reading. Without O_NONBLOCK a named pipe would hold the run forever."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        fault = f"There is no report file at {path}; put it there or correct REPORT_SOURCE."
    except PermissionError:
        fault = f"The report file {path} may not be read; let the user that runs this service read it."
    except (OSError, ValueError):
        fault = f"The report file {path} can't be opened; check REPORT_SOURCE."
    else:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return os.fdopen(descriptor, "rb")
        os.close(descriptor)
        fault = f"{path} is not a file; REPORT_SOURCE names the report file itself."
    raise SourceUnreadable(fault)
