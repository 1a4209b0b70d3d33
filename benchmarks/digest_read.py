"""How fast the weekly report is read, selected and grouped, and how much memory that takes.

`python -m benchmarks.digest_read [--quick]` writes reports of made-up tickets, half of them closed in the window, and
measures each in a process of its own (Linux). Seconds are the best of three, reading the bytes alone beside. Memory
is the peak of that process, the application's imports included (they stand beside, too), and, for Excel, of the process
that parses the workbook, added up.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import xlsxwriter  # type: ignore[import-untyped]

from app.digest.closings import group_by_customer
from app.digest.report import excel_reader
from app.digest.report.columns import HEADINGS
from app.digest.report.sources import read_report
from app.digest.selection import select_closings
from benchmarks.usage import resident_megabytes

TODAY = date(2026, 11, 16)
SINCE = date(2026, 11, 9)
TICKETS_A_CUSTOMER = 3
REPEATS = 3


class Report(NamedTuple):
    """A report to measure, with its aims in seconds and MB; None: no aim."""

    rows: int
    ending: str
    seconds: float | None
    megabytes: float | None


REPORTS = [
    Report(10_000, ".csv", None, None),
    Report(100_000, ".csv", 3, 300),
    Report(1_000_000, ".csv", 2.5, 150),
    Report(10_000, ".xlsx", None, None),
    Report(100_000, ".xlsx", 1.0, 226),
]


class Measured(NamedTuple):
    """One measurement: seconds for the bytes alone and for the whole reading, MB of imports, peak MB, what came out."""

    bytes_seconds: float
    seconds: float
    imports_megabytes: float
    megabytes: float
    closings: int
    customers: int


def tickets(count: int) -> Iterator[tuple[str, str, str, str, str, date]]:
    """Rows as the vendor writes them; every second ticket was closed in the window."""
    for number in range(count):
        customer = number // TICKETS_A_CUSTOMER
        day = SINCE + timedelta(days=number % 8) if number % 2 else SINCE - timedelta(days=1 + number % 300)
        status = "Closed" if number % 6 else "Open"
        yield f"Ada{customer % 977}", "Lind", f"customer{customer}@example.com", f"TM-{number}", status, day


def write_csv(path: Path, count: int) -> None:
    """Dates as `DD/MM/YYYY`."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        writer.writerows((*cells, f"{day:%d/%m/%Y}") for *cells, day in tickets(count))


def write_xlsx(path: Path, count: int) -> None:
    """Dates as real dates."""
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        as_day = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_row(0, 0, HEADINGS)
        for number, (*cells, day) in enumerate(tickets(count), start=1):
            sheet.write_row(number, 0, cells)
            sheet.write_datetime(number, len(cells), day, as_day)


def measure(path: Path) -> Measured:
    """Reads the report once in this process; its peak memory is the process's."""
    imports = resident_megabytes()
    began = time.perf_counter()
    with path.open("rb") as file:
        while file.read(2**20):
            pass
    bytes_seconds = time.perf_counter() - began
    began = time.perf_counter()
    selection = select_closings(read_report(f"file:{path}"), since=SINCE, today=TODAY)
    customers = sum(1 for _ in group_by_customer(selection.closings))
    seconds = time.perf_counter() - began
    megabytes = peak_megabytes(Path("/proc/self/status").read_text())
    return Measured(bytes_seconds, seconds, imports, megabytes, len(selection.closings), customers)


def reader_megabytes(path: Path) -> float:
    """The peak memory of the process that parses a workbook, run once more by itself."""
    report_peak = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__'); "
    report_peak += "sys.stderr.write(open('/proc/self/status').read())"
    with path.open("rb") as file:
        command = [sys.executable, "-I", "-c", report_peak, excel_reader.__file__]
        run = subprocess.run(command, check=True, stdin=file, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return peak_megabytes(run.stderr.decode())


def peak_megabytes(status: str) -> float:
    """The most memory that a process held, from its /proc status; getrusage's figure counts its parent's, too."""
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def measured_apart(path: Path) -> Measured:
    """The best of `REPEATS` measurements, each in a fresh process; the highest memory of all."""
    command = [sys.executable, "-m", "benchmarks.digest_read", "--measure", str(path)]
    outputs = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(REPEATS)]
    runs = [Measured(*json.loads(output)) for output in outputs]
    best = min(runs, key=lambda run: run.seconds)
    reader = reader_megabytes(path) if path.suffix == ".xlsx" else 0.0
    return best._replace(megabytes=max(run.megabytes for run in runs) + reader)


def line(report: Report, path: Path, result: Measured) -> str:
    """A line of the table."""
    allowed = "" if report.seconds is None else f"< {report.seconds:g} s, < {report.megabytes:g} MB"
    within = report.seconds is None or (result.seconds < report.seconds and result.megabytes < (report.megabytes or 0))
    return (
        f"{report.rows:>9,} {report.ending:<6}{path.stat().st_size / 2**20:>7.1f}{result.bytes_seconds:>10.3f}"
        f"{result.seconds:>9.2f}{report.rows / result.seconds:>11,.0f}"
        f"{result.imports_megabytes:>11.0f}{result.megabytes:>8.0f}"
        f"{result.closings:>10,}{result.customers:>11,}  {allowed}{'' if within else '  MISSED'}"
    )


def main() -> None:
    """Prints the table; `--quick` leaves out the largest reports of each kind."""
    parser = argparse.ArgumentParser(description="How fast the weekly report is read, selected and grouped")
    parser.add_argument("--quick", action="store_true", help="at most 10,000 rows")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    print("     rows kind       MB  bytes, s   all, s     rows/s imports MB peak MB  closings  customers  aim")
    with tempfile.TemporaryDirectory() as folder:
        for report in REPORTS:
            if options.quick and report.rows > 10_000:
                continue
            path = Path(folder) / f"report{report.rows}{report.ending}"
            (write_csv if report.ending == ".csv" else write_xlsx)(path, report.rows)
            print(line(report, path, measured_apart(path)), flush=True)


if __name__ == "__main__":
    main()
