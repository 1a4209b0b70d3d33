"""A report in S3, against a local server that speaks its protocol."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from app.digest.report.sources import Limits, SourceUnreadable, read_report
from tests.digest.made_rows import read_rows
from tests.digest.report.bucket_server import BucketServer

CONTENT = b"Firstname,Lastname,Email,Ticket,Status,Date\nAda,Lind,ada.lind@example.com,TM-1,Closed,14/11/2026\n"


@pytest.fixture
def store(bucket: BucketServer) -> BucketServer:
    bucket.buckets["reports"] = {"weekly/report 46.csv": CONTENT}
    return bucket


@pytest.fixture
def own_temporary_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def refusal(source: str, **options: Any) -> str:
    with pytest.raises(SourceUnreadable) as caught:
        list(read_report(source, **options))
    assert "secret-1" not in str(caught.value)
    return str(caught.value)


def test_a_csv_object_is_read_and_leaves_no_file_behind(store: BucketServer, own_temporary_folder: Path) -> None:
    rows = read_report("s3://reports/weekly/report 46.csv")
    assert [*next(rows).tickets] == ["TM-1"]
    assert list(own_temporary_folder.iterdir()) == []
    assert list(rows) == []


@pytest.mark.long
def test_an_excel_object_is_read(store: BucketServer, tmp_path: Path, headings: list[str], ada: list[str]) -> None:
    with xlsxwriter.Workbook(tmp_path / "r.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, headings)
        sheet.write_row(1, 0, ada)
    store.buckets["reports"]["r.xlsx"] = Path(tmp_path / "r.xlsx").read_bytes()
    assert read_rows("s3://reports/r.xlsx") == [(2, *ada)]


@pytest.mark.long
def test_what_is_missing_or_denied_is_told_by_name(store: BucketServer) -> None:
    assert "no S3 bucket nowhere" in refusal("s3://nowhere/r.csv")
    assert "no object r.csv in the S3 bucket reports" in refusal("s3://reports/r.csv")
    store.denied.add("reports")
    assert "denies access to s3://reports/r.csv" in refusal("s3://reports/r.csv")


@pytest.mark.long
def test_wrong_and_missing_credentials_are_told(store: BucketServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
    assert "refuses the credentials (InvalidAccessKeyId)" in refusal("s3://reports/r.csv")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "AWS_ACCESS_KEY_ID" in refusal("s3://reports/r.csv")


def test_an_object_beyond_the_size_limit_is_refused(store: BucketServer) -> None:
    store.buckets["reports"]["big.csv"] = CONTENT * 20_000
    assert "larger than 1 MB" in refusal("s3://reports/big.csv", limits=Limits(max_bytes=2**20))


@pytest.mark.long
def test_a_download_that_breaks_off_is_no_shorter_report(store: BucketServer) -> None:
    store.cut_after = 60
    assert "broke off" in refusal("s3://reports/weekly/report 46.csv")


def test_a_store_that_is_down_is_told(store: BucketServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert "can't be reached" in refusal("s3://reports/r.csv", limits=Limits(connect_seconds=1))


def test_an_impossible_bucket_name_is_told(store: BucketServer) -> None:
    assert "no valid S3 address" in refusal("s3://Not A Bucket/r.csv")
