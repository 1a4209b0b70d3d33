"""Reports that nobody would write, for the readers of CSV, Excel and Google Sheets: do they ever do more than refuse?

`python -m benchmarks.fuzz_reports [--seconds 60] [--seed N]` mutates sound reports (bits, bytes, cells, XML, packed
sizes, encodings, JSON answers) and reads each as a run of the digest would. Exits with 1 when a reader raises anything
but `SourceUnreadable`, takes too long, or leaves memory behind.
"""

import argparse
import csv
import faulthandler
import io
import json
import random
import sys
import tempfile
import time
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.asymmetric import rsa

from app.digest.closings import group_by_customer
from app.digest.report.columns import HEADINGS
from app.digest.report.sources import SourceUnreadable, read_report
from app.digest.selection import Selection, select_closings
from benchmarks.usage import resident_megabytes
from tests.digest.report.google_server import GoogleServer

SINCE, TODAY = date(2026, 11, 1), date(2026, 11, 22)
LONGEST_SECONDS = 75.0
"""A workbook may take a minute of processor time in its own process before it is given up."""
MOST_MEGABYTES = 250.0
SPREADSHEET = "1aBc"
NASTY_CELLS = (
    "",
    "\x00",
    "\ufeff",
    "=cmd|' /C calc'!A0",
    "#REF!",
    "1e308",
    "-0",
    "99/99/9999",
    "31/02/2026",
    "14/11/26",
    "ada@example.com,ole@example.com",
    "a@b",
    "Closed\u200b",
    "\ud83d\ude00",
    "x" * 40_000,
    '"',
    "a\nb",
    "NaN",
)
NASTY_XML = (
    '<c r="XFD1048576"><v>1</v></c>',
    '<row r="1048576"><c r="A1048576" t="inlineStr"><is><t>far</t></is></c></row>',
    '<row r="99999999999999999999"><c r="A1"><v>1</v></c></row>',
    '<c r="A0"><v>1</v></c>',
    '<c t="s"><v>4294967296</v></c>',
    '<c t="d"><v>9999-99-99</v></c>',
    '<c s="1"><v>1e300</v></c>',
    '<c s="1"><v>-99999999</v></c>',
    "<a>" * 20_000,
    "&lol9;",
    "<![CDATA[",
    "\x00",
    "x" * 300_000,
)
BOMB = (
    '<!DOCTYPE lolz [<!ENTITY lol0 "lol">'
    + "".join(f'<!ENTITY lol{n} "{f"&lol{n - 1};" * 10}">' for n in range(1, 10))
    + "]>"
)


@dataclass
class Found:
    """The results: how many reports were read or refused, and what a reader did that it must never do."""

    read: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0


def sound_rows(dice: random.Random) -> list[list[str]]:
    """Headings and a few rows that can be reported."""
    people = (
        ("Ada", "Lind", "ada.lind@example.com"),
        ("Ole", "Berg", "ole@example.com"),
        ("Zoë", "Ö", "z@example.com"),
    )
    rows = [list(HEADINGS)]
    for number in range(dice.randint(1, 12)):
        rows.append([*dice.choice(people), f"TM-{number}", "Closed", f"{dice.randint(1, 22):02}/11/2026"])
    return rows


def spoiled_rows(dice: random.Random) -> list[list[str]]:
    """Sound rows with cells that somebody spoiled, columns that are missing, and rows that are ragged."""
    rows = sound_rows(dice)
    for _ in range(dice.randint(0, 4)):
        row = dice.choice(rows)
        if row:
            row[dice.randrange(len(row))] = dice.choice(NASTY_CELLS)
    if dice.random() < 0.2:
        dice.shuffle(rows)
    if dice.random() < 0.3:
        dice.choice(rows).extend(["more"] * dice.randint(1, 2000))
    if dice.random() < 0.3:
        row = dice.choice(rows)
        del row[dice.randrange(len(row) + 1) :]
    return rows


def spoiled_bytes(content: bytes, dice: random.Random) -> bytes:
    """The content with a few bits, bytes or parts of it changed; at times cut, or doubled."""
    spoiled = bytearray(content)
    for _ in range(dice.choice((0, 0, 0, 1, 1, 2, 8, 40))):
        at = dice.randrange(len(spoiled) + 1)
        match dice.randrange(5):
            case 0 if at < len(spoiled):
                spoiled[at] ^= 1 << dice.randrange(8)
            case 1:
                spoiled[at:at] = dice.randbytes(dice.randint(1, 6))
            case 2:
                del spoiled[at : at + dice.randint(1, 40)]
            case 3:
                spoiled[at:at] = dice.choice((b'"', b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b",", b";"))
            case _:
                spoiled[at:at] = spoiled[: dice.randint(0, 200)]
    return bytes(spoiled[: dice.randrange(len(spoiled) + 1)] if dice.random() < 0.1 else spoiled)


def a_csv(dice: random.Random) -> bytes:
    """A damaged CSV file."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=dice.choice(",;\t|")).writerows(spoiled_rows(dice))
    encoding = dice.choice(("utf-8", "utf-8-sig", "utf-16", "cp1252", "utf-16-be", "utf-32", "utf-7"))
    return spoiled_bytes(text.getvalue().encode(encoding, "replace"), dice)


def a_workbook(dice: random.Random) -> bytes:
    """A damaged Excel file: in its cells, in its XML, or in its zip container."""
    written = io.BytesIO()
    with xlsxwriter.Workbook(written, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet("Sheet1")
        for place, row in enumerate(spoiled_rows(dice)):
            for column, cell in enumerate(row[:16_000]):
                sheet.write_string(place, column, cell[:32_000].encode("utf-8", "replace").decode())
        sheet.write_datetime(1, 5, TODAY, workbook.add_format({"num_format": "dd/mm/yyyy"}))
    content = written.getvalue()
    if dice.random() < 0.6:
        content = _repacked(content, dice)
    return content if dice.random() < 0.5 else _flipped(content, dice)


def _repacked(content: bytes, dice: random.Random) -> bytes:
    """With an XML part spoiled, left out, or there twice."""
    again = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as packed, zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as out:
        names = packed.namelist()
        favourite = dice.choice(["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", dice.choice(names)])
        for name in names:
            part = packed.read(name)
            if name == favourite:
                if dice.random() < 0.1:
                    continue
                part = _spoiled_xml(part, dice)
            out.writestr(name, part)
    return again.getvalue()


def _spoiled_xml(part: bytes, dice: random.Random) -> bytes:
    text = part.decode("utf-8", "replace")
    ends = [place + 1 for place, letter in enumerate(text) if letter == ">"]
    at = dice.choice(ends)
    match dice.randrange(5):
        case 0:
            return spoiled_bytes(part, dice)
        case 1:
            head, _, rest = text.partition("?>")
            return f"{head}?>{BOMB}{rest[: at // 2]}&lol9;{rest[at // 2 :]}".encode()
        case 2:
            return text.replace("UTF-8", dice.choice(("UTF-16", "ISO-8859-1", "EBCDIC", "x" * 500))).encode("utf-16")
        case 3:
            return b"\x00" * dice.randint(1, 50_000_000)
    return (text[:at] + dice.choice(NASTY_XML) * dice.randint(1, 3) + text[at:]).encode("utf-8", "replace")


def _flipped(content: bytes, dice: random.Random) -> bytes:
    """Bits of the packed file, the sizes that its entries name among them."""
    flipped = bytearray(content)
    for _ in range(dice.randint(1, 4)):
        flipped[dice.randrange(len(flipped))] ^= 1 << dice.randrange(8)
    return bytes(flipped)


def an_answer(dice: random.Random) -> tuple[int, bytes]:
    """What Google Sheets might answer on a bad day."""
    rows: list[Any] = list(spoiled_rows(dice))
    for _ in range(dice.choice((0, 0, 0, 1, 2))):
        odd: Any = dice.choice((None, 17, 1e308, True, {}, [], "text", [[1]], [None, 2.5, False]))
        rows.insert(dice.randrange(len(rows) + 1), odd)
    content: Any = {"range": dice.choice(("Sheet1!A1:F9", "A99999999999999999999", "", None, 5)), "values": rows}
    if dice.random() < 0.1:
        content = dice.choice((rows, {"values": "x"}, {"values": {"a": 1}}, None, 17))
    body = json.dumps(content).encode()
    if dice.random() < 0.1:
        body = b'{"values":' + b"[" * 200_000
    body = spoiled_bytes(body, dice) if dice.random() < 0.4 else body
    return (200 if dice.random() < 0.9 else dice.choice((204, 400, 403, 429, 500))), body


class Readers:
    """The three readers, each with what it needs: a folder for files, and a Google that answers what it is told."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # it is read again for each report
        self._google = GoogleServer(key)
        self._google.add(SPREADSHEET, [])
        self._key_file = self._google.key_file(folder)
        self.found = Found()

    def stop(self) -> None:
        """End Google."""
        self._google.stop()

    def read(self, dice: random.Random) -> None:
        """Read one report; a workbook seldom, as it starts a process for each file."""
        (kind,) = dice.choices(("csv", "sheets", "excel"), (12, 4, 1))
        if kind == "sheets":
            self._google.canned = an_answer(dice)
            self._judge(kind, f"sheets:{SPREADSHEET}!Sheet1!A:F")
            return
        file = self._folder / ("report.csv" if kind == "csv" else "report.xlsx")
        file.write_bytes(a_csv(dice) if kind == "csv" else a_workbook(dice))
        self._judge(kind, f"file:{file}")

    def _judge(self, kind: str, source: str) -> None:
        began = time.monotonic()
        try:
            self._read(source)
            self.found.read[kind] += 1
        except SourceUnreadable:
            self.found.refused[kind] += 1
        except Exception as error:
            self.found.faults.append(f"{kind}: {type(error).__name__}: {str(error)[:200]}")
        took = time.monotonic() - began
        self.found.slowest = max(self.found.slowest, took)
        if took > LONGEST_SECONDS:
            self.found.faults.append(f"{kind}: took {took:.0f} s")

    def _read(self, source: str) -> Selection:
        rows = read_report(source, google_credentials_file=self._key_file, sheets_endpoint=self._google.address)
        selection = select_closings(rows, since=SINCE, today=TODAY)
        for _ in group_by_customer(selection.closings):
            pass
        return selection


def fuzz(folder: Path, seed: int, *, seconds: float = 1e9, most: int = sys.maxsize, patience: float = 0) -> Found:
    """Reports for so long, or so many; with `patience`, a reader that hangs ends the program after so many seconds."""
    readers, number = Readers(folder), 0
    before, deadline = resident_megabytes(), time.monotonic() + seconds
    try:
        while number < most and time.monotonic() < deadline:
            if patience:
                faulthandler.dump_traceback_later(patience, exit=True)
            readers.read(random.Random(f"{seed} {number}"))
            number += 1
    finally:
        faulthandler.cancel_dump_traceback_later()
        readers.stop()
    grown = resident_megabytes() - before
    if grown > MOST_MEGABYTES:
        readers.found.faults.append(f"memory grew by {grown:.0f} MB")
    return readers.found


def main() -> None:
    """Run, print what came of it, and exit with 1 when a reader did what it must not."""
    parser = argparse.ArgumentParser(description="Reads mutated reports and counts what came of them")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000), help="the same seed, the same reports")
    options: Any = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = fuzz(Path(folder), options.seed, seconds=options.seconds, patience=2 * LONGEST_SECONDS)
    print(f"seed {options.seed}: read {dict(found.read)}, refused {dict(found.refused)}, slowest {found.slowest:.1f} s")
    for fault, times in Counter(found.faults).most_common(20):
        print(f"BROKEN ({times} times): {fault}")
    sys.exit(1 if found.faults else 0)


if __name__ == "__main__":
    main()
