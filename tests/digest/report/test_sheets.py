"""Reading a Google spreadsheet, against a local server that speaks Google's protocol."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from app.digest.report.columns import ReportRow
from app.digest.report.sources import Limits, SourceUnreadable, read_report
from tests.digest.made_rows import apart
from tests.digest.report.google_server import ACCOUNT, SCOPE, GoogleServer

Refusal = Callable[..., str]

Read = Callable[..., list[ReportRow]]

SOURCE = "sheets:an-id!Sheet1!A:F"


@pytest.fixture
def read(google: GoogleServer, tmp_path: Path) -> Read:
    """Reads `source` from the local Google as its service account."""

    def rows(source: str = SOURCE, *, key_file: Path | None = None, limits: Limits | None = None) -> list[ReportRow]:
        return apart(
            read_report(
                source,
                google_credentials_file=key_file or google.key_file(tmp_path),
                sheets_endpoint=google.address,
                limits=limits,
            )
        )

    return rows


@pytest.fixture
def refusal(read: Read) -> Refusal:
    def text(source: str = SOURCE, **options: Any) -> str:
        with pytest.raises(SourceUnreadable) as caught:
            read(source, **options)
        return str(caught.value)

    return text


def test_rows_are_read_with_a_signed_token_request_and_one_get(
    google: GoogleServer, read: Read, headings: list[str], ada: list[str]
) -> None:
    google.add("an-id", [headings, ada, [], [*ada[:3]]])
    assert read() == [(2, *ada), (3, *[""] * 6), (4, *ada[:3], "", "", "")]
    (claims,) = google.claims
    assert claims["scope"] == SCOPE
    token_request, get = google.paths
    assert token_request == "/token"
    assert parse_qs(urlsplit(get).query)["valueRenderOption"] == ["FORMATTED_VALUE"]


def test_rows_keep_the_numbers_they_have_in_the_sheet_when_the_range_begins_lower(
    google: GoogleServer, read: Read, headings: list[str], ada: list[str]
) -> None:
    google.add("an-id", [["Tickets of the week"], [], headings, ada])
    assert [row.number for row in read("sheets:an-id!Sheet1!A3:F")] == [4]


@pytest.mark.parametrize("sheet", ["Week 46", "Übersicht/2", "a!b", "50%"])
def test_any_sheet_name_finds_its_sheet(
    google: GoogleServer, read: Read, headings: list[str], ada: list[str], sheet: str
) -> None:
    google.add("an-id", [headings, ada], sheet=sheet)
    assert len(read(f"sheets:an-id!'{sheet}'!A:F")) == 1


def test_a_spreadsheet_that_is_not_shared_is_told_with_the_account_to_share_it_with(
    google: GoogleServer, refusal: Refusal, headings: list[str]
) -> None:
    google.add("an-id", [headings], shared=False)
    assert f"share it with {ACCOUNT}" in refusal()


def test_a_spreadsheet_that_does_not_exist_is_told(google: GoogleServer, refusal: Refusal) -> None:
    assert "no spreadsheet with the id" in refusal()


def test_a_sheet_that_does_not_exist_is_told_by_its_range(
    google: GoogleServer, refusal: Refusal, headings: list[str]
) -> None:
    google.add("an-id", [headings])
    assert "no sheet or range Sheet2!A:F" in refusal("sheets:an-id!Sheet2!A:F")


def test_an_empty_sheet_is_told(google: GoogleServer, refusal: Refusal) -> None:
    google.add("an-id", [])
    assert refusal().startswith("The report is empty")


def test_a_key_that_google_does_not_know_is_told_without_the_key(
    google: GoogleServer, refusal: Refusal, tmp_path: Path
) -> None:
    other = google.key_file(tmp_path, key=rsa.generate_private_key(public_exponent=65537, key_size=2048))
    text = refusal(key_file=other)
    assert f"refuses the key of the service account {ACCOUNT} (invalid_grant)" in text
    assert "PRIVATE" not in text


def test_a_missing_key_file_is_told(refusal: Refusal, tmp_path: Path) -> None:
    assert "no service account key file" in refusal(key_file=tmp_path / "none.json")


def test_an_unset_key_file_is_told(google: GoogleServer) -> None:
    with pytest.raises(SourceUnreadable, match="GOOGLE_SERVICE_ACCOUNT_FILE is not set"):
        list(read_report(SOURCE, sheets_endpoint=google.address))


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "no JSON: secret-1", '{"client_email": "a", "private_key": "secret-1"}']
)
def test_a_file_that_is_no_key_is_told_without_its_content(refusal: Refusal, tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(content)
    text = refusal(key_file=path)
    assert "not a service account's key file" in text
    assert "secret-1" not in text


@pytest.mark.parametrize(
    ("status", "body", "part"),
    [
        (403, b'{"error": {"details": [{"reason": "SERVICE_DISABLED"}]}}', "API is not enabled"),
        (400, b'{"error": {"status": "FAILED_PRECONDITION"}}', "no Google spreadsheet"),
        (401, b"{}", "does not accept"),
        (429, b"{}", "too many requests"),
        (500, b"secret-1", "HTTP 500"),
        (503, b"", "HTTP 503"),
        (302, b"", "HTTP 302"),
        (200, b"<html>", "can't be read"),
        (200, b"[]", "can't be read"),
        (200, b'{"values": {"a": 1}}', "can't be read"),
        (200, b'{"values": [null]}', "can't be read"),
    ],
)
def test_every_other_answer_is_told_in_words(
    google: GoogleServer, refusal: Refusal, status: int, body: bytes, part: str
) -> None:
    google.canned = (status, body)
    text = refusal()
    assert part in text
    assert "secret-1" not in text


@pytest.mark.parametrize("answer", [(200, b"<html>"), (200, b"{}"), (302, b""), (403, b"no"), (200, b"[]")])
def test_a_sign_in_that_answers_nonsense_is_told(
    google: GoogleServer, refusal: Refusal, answer: tuple[int, bytes]
) -> None:
    google.canned_token = answer
    assert "Google" in refusal()
    assert google.paths == ["/token"]


def test_a_server_that_is_down_is_told(google: GoogleServer, refusal: Refusal, tmp_path: Path) -> None:
    key_file = google.key_file(tmp_path)
    google.stop()
    assert "can't be reached" in refusal(key_file=key_file)


def test_a_sheets_address_that_is_down_is_told(google: GoogleServer, tmp_path: Path) -> None:
    rows = read_report(SOURCE, google_credentials_file=google.key_file(tmp_path), sheets_endpoint="http://127.0.0.1:1")
    with pytest.raises(SourceUnreadable, match="Google Sheets can't be reached"):
        list(rows)


def test_an_answer_that_drips_in_ends_at_the_total_limit(
    google: GoogleServer, refusal: Refusal, headings: list[str], ada: list[str]
) -> None:
    google.add("an-id", [headings, *[ada] * 10])
    google.canned_token = (200, json.dumps({"access_token": "t", "expires_in": 9}).encode())
    google.tokens.add("t")
    google.seconds_between_bytes = 0.01
    google.canned = (200, b" " * 5_000)
    assert "in time" in refusal(limits=Limits(total_seconds=0.2, read_seconds=2))


def test_an_answer_beyond_the_size_limit_is_refused(
    google: GoogleServer, refusal: Refusal, headings: list[str], ada: list[str]
) -> None:
    google.add("an-id", [headings, *[ada] * 1_000])
    assert "too large" in refusal(limits=Limits(max_bytes=10_000))


def test_a_packed_answer_in_chunks_is_read(
    google: GoogleServer, read: Read, headings: list[str], ada: list[str]
) -> None:
    google.add("an-id", [headings, *[[*ada[:3], f"TM-{number}", *ada[4:]] for number in range(3_000)]])
    google.packed = True
    assert [row.ticket for row in read()] == [f"TM-{number}" for number in range(3_000)]


def test_an_answer_that_is_cut_off_is_no_shorter_report(
    google: GoogleServer, refusal: Refusal, headings: list[str], ada: list[str]
) -> None:
    google.add("an-id", [headings, *[ada] * 1_000])
    google.cut_after = 20_000
    assert "Google Sheets" in refusal()


def test_numbers_and_gaps_in_an_answer_become_text(
    google: GoogleServer, read: Read, headings: list[str], ada: list[str]
) -> None:
    google.canned = (200, json.dumps({"range": "Sheet1!A1:F9", "values": [headings, [*ada[:3], 20391, None]]}).encode())
    assert read() == [(2, *ada[:3], "20391", "", "")]
