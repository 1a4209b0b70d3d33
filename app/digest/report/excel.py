"""The rows of an Excel workbook, parsed by `app.digest.report.excel_reader` in a process of its own with limits."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from datetime import date
from functools import lru_cache
from typing import Any, BinaryIO

from app.digest.report import excel_reader
from app.digest.report.cells import Cell
from app.digest.report.columns import EvenRows, RawRows
from app.digest.report.errors import SourceUnreadable
from app.digest.report.number_formats import shown


def workbook_rows(content: BinaryIO) -> Iterator[RawRows]:
    """The rows of the first sheet that is shown, blank ones left out. `content` must be a file of the system.

    Raises `SourceUnreadable`, at the latest after the last row when the sheet turns out to be incomplete.
    """
    with subprocess.Popen(
        [sys.executable, "-I", excel_reader.__file__],
        stdin=content,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_bare_environment(),
    ) as process:
        try:
            complete = yield from _received(process)
            if not complete:
                process.wait()
        finally:
            process.kill()
    if not complete:
        raise SourceUnreadable(_sentence(process.returncode))


def _bare_environment() -> dict[str, str]:
    """Only what Python needs to start: the process that parses a foreign file gets no settings and no keys."""
    return {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "LANG") if name in os.environ}


def _received(process: subprocess.Popen[bytes]) -> Generator[RawRows, None, bool]:
    """Yields the rows; returns whether the end mark came."""
    for line in process.stdout or ():
        if line == b'"end"\n':
            return True
        numbers, *columns = json.loads(line)
        yield numbers, EvenRows([*map(_column, columns)])
    return False


def _column(cells: list[Any]) -> list[Cell]:
    return cells if {*map(type, cells)} == {str} else [cell if type(cell) is str else _cell(cell) for cell in cells]


def _cell(written: Any) -> Cell:
    """The cell: text comes as it is; a list holds a real date, or a whole number and its format."""
    return _day(*written) if len(written) == 1 else shown(*written)


@lru_cache(maxsize=8192)
def _day(iso: str) -> date:
    return date.fromisoformat(iso)


def _sentence(exit_status: int) -> str:
    if exit_status in (excel_reader.TOO_BIG, -signal.SIGABRT):
        return (
            "The workbook unpacks to more than the memory set aside for it. Most often a stray cell far to the right "
            "or far down is the cause: delete the unused columns and rows, or save the report as .csv."
        )
    if exit_status in (-signal.SIGXCPU, -signal.SIGKILL):
        return "The workbook takes too long to read; save the report as .csv."
    if exit_status == excel_reader.NO_WORKBOOK:
        return "The report file is a packed file but no Excel workbook; save it as .xlsx or .csv."
    if exit_status == excel_reader.NO_SHEET:
        return "The workbook has no sheet that is shown; unhide the sheet with the report."
    return "The workbook is damaged and can't be read; save it again as .xlsx."
