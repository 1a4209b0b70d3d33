"""What the digest's reading tests share: builders of rows and report files, and the local Google."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from .google_server import GoogleServer

HEADINGS = ["Firstname", "Lastname", "Email", "Ticket", "Status", "Date"]
ADA = ["Ada", "Lind", "ada.lind@example.com", "TM-20391", "Closed", "14/11/2026"]


@pytest.fixture(scope="session")
def google_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def google(google_key: rsa.RSAPrivateKey) -> Iterator[GoogleServer]:
    server = GoogleServer(google_key)
    yield server
    server.stop()


@pytest.fixture
def headings() -> list[str]:
    return list(HEADINGS)


@pytest.fixture
def ada() -> list[str]:
    return list(ADA)


@pytest.fixture
def csv_file(tmp_path: Path):
    """Writes rows as CSV and returns the source that names the file."""

    def write(rows: list[list[str]], *, encoding: str = "utf-8", name: str = "report.csv", **dialect) -> str:
        text = io.StringIO(newline="")
        csv.writer(text, **dialect).writerows(rows)
        return source_of(text.getvalue().encode(encoding))

    def source_of(content: bytes, name: str = "report.csv") -> str:
        path = tmp_path / name
        path.write_bytes(content)
        return f"file:{path}"

    write.content = source_of
    return write
