"""What the digest's tests share: builders of rows and report files, the local Google, and a service that digests."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import select

from app.digest import run_json, run_starts
from app.models import DigestMessage, DigestRun, DigestWindow
from tests.conftest import Service, wait_for
from tests.digest.report.bucket_server import ACCESS_KEY, BucketServer
from tests.digest.report.google_server import GoogleServer

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


class CsvFile:
    """Writes rows as CSV, or a file's bytes as they are, and returns the source that names the file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, rows: list[list[str]], *, encoding: str = "utf-8", **dialect: Any) -> str:
        text = io.StringIO(newline="")
        csv.writer(text, **dialect).writerows(rows)
        return self.content(text.getvalue().encode(encoding))

    def content(self, content: bytes, name: str = "report.csv") -> str:
        path = self._folder / name
        path.write_bytes(content)
        return f"file:{path}"


@pytest.fixture
def csv_file(tmp_path: Path) -> CsvFile:
    return CsvFile(tmp_path)


UNDER_WAY = ("running", "waiting")


class Office:
    """A service that digests a report file, with the verbs that tests of whole runs need."""

    texts: Path
    """The folder of its templates, where a test has its own."""
    bucket: BucketServer
    """Where its report lies, when it lies in S3."""

    def __init__(self, service: Service, folder: Path) -> None:
        self.service = service
        self.database = service.services.database
        self.webhook = service.sandbox.webhook
        self.path = folder / "weekly.csv"

    @property
    def today(self) -> date:
        return datetime.now(self.service.services.settings.zone).date()

    def row(self, ticket: str, email: str = "ada.lind@example.com", days_ago: int = 1, **cells: str) -> list[str]:
        """A ticket of Ada Lind's, closed yesterday, unless told otherwise."""
        day = self.today - timedelta(days=days_ago)
        usual = {"first": "Ada", "last": "Lind", "status": "Closed", "date": f"{day:%d/%m/%Y}"} | cells
        return [usual["first"], usual["last"], email, ticket, usual["status"], usual["date"]]

    def many(self, customers: int) -> list[list[str]]:
        """A row for each of so many customers."""
        return [self.row(f"TM-{number}", f"c{number:04}@example.com") for number in range(customers)]

    def reports(self, *rows: list[str]) -> None:
        """What the vendor's report says from now on."""
        with self.path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([HEADINGS, *rows])

    def start(self, key: str = "", **options: Any) -> int:
        """Start a run; returns its number."""
        key = key or f"command {datetime.now().isoformat()}"
        return run_starts.start(self.service.services, key=key, started_by="alice", **options)

    def run(self, *rows: list[str], **options: Any) -> dict[str, Any]:
        """The run over a report of these rows (of the last report, without any), once it is over."""
        if rows:
            self.reports(*rows)
        return self.over(self.start(**options))

    def over(self, run_id: int) -> dict[str, Any]:
        """A run once it is completed or failed."""
        wait_for(lambda: self.show(run_id)["state"] not in UNDER_WAY)
        return self.show(run_id)

    def waits(self, run_id: int) -> dict[str, Any]:
        """A run once it waits for another try."""
        return wait_for(lambda: (run := self.show(run_id))["state"] == "waiting" and run)

    def show(self, run_id: int) -> dict[str, Any]:
        """A run as `digest show --json` prints it."""
        with self.database.read() as session:
            return run_json.whole(session, session.get_one(DigestRun, run_id))

    def runs(self) -> list[int]:
        """The numbers of all runs."""
        with self.database.read() as session:
            return list(session.scalars(select(DigestRun.id).order_by(DigestRun.id)))

    def a_week_passes(self) -> None:
        """What was sent this week was sent in another."""
        with self.database.write() as session:
            for message in session.scalars(select(DigestMessage).where(DigestMessage.slot.is_not(None))):
                message.slot = f"1999-W01 {message.id} {message.email_key}"

    def window(self) -> date | None:
        """The stored start of the window."""
        with self.database.read() as session:
            window = session.get(DigestWindow, 1)
            return window.starts_on if window else None

    @property
    def told(self) -> list[tuple[str, list[str]]]:
        """What the webhook mailed, in order: the address and the tickets of each mail."""
        return [(mail.to, [line.split()[2] for line in mail.body.splitlines()]) for mail in self.webhook.messages]

    def changed(self, **settings: Any) -> Any:
        """Other settings during the block."""
        return self.service.changed(**settings)


@contextmanager
def office_of(service: Service, folder: Path) -> Iterator[Office]:
    """The service with a report of its own and the sandbox's webhook."""
    office = Office(service, folder)
    settings = {"report_source": f"file:{office.path}", "digest_webhook_url": service.sandbox.webhook.post_url}
    with service.changed(**settings):
        yield office
        service.empty()  # while the settings are those of the runs that are still waiting


@pytest.fixture
def office(service: Service, tmp_path: Path) -> Iterator[Office]:
    """The service with a report of its own and the sandbox's webhook."""
    with office_of(service, tmp_path) as office:
        yield office


def google_settings(google: GoogleServer, folder: Path) -> dict[str, Any]:
    """Settings for a whole run from the spreadsheet `1aBc`."""
    return {
        "report_source": "sheets:1aBc!Sheet1!A:F",
        "google_service_account_file": google.key_file(folder),
        "google_sheets_endpoint": google.address,
    }


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[BucketServer]:
    server = BucketServer()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    yield server
    server.stop()
