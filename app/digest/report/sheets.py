"""The rows of a Google spreadsheet, read as a service account. One token request, one GET, nothing else.

reference: Google Sheets API v4, spreadsheets.values.get; OAuth 2.0 for service accounts.

google-auth signs, and `wire` sends both. google-auth's own `AuthorizedSession` also starts a thread that sends the
token to a second Google address (regional access boundaries), which can't be switched off.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from app.digest.report.cells import Cell
from app.digest.report.columns import ROWS_AT_ONCE, RawRows
from app.digest.report.errors import Limits, SourceUnreadable
from wire import Failure, Reply, Request, TooLong, Transport

if TYPE_CHECKING:  # importing google-auth takes a tenth of the start, and few installations need it
    from google.auth import exceptions
    from google.oauth2.service_account import Credentials

GOOGLE = "https://sheets.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/spreadsheets.readonly"


class SheetRange(NamedTuple):
    """Which cells: `Sheet1!A:F` of the spreadsheet with this id."""

    spreadsheet_id: str
    cells: str


def sheet_rows(where: SheetRange, *, key_file: Path | None, endpoint: str, limits: Limits) -> Iterator[RawRows]:
    """The rows of the range with their numbers in the sheet; cells are the texts that the sheet shows.

    The token's address comes from the key file. Raises `SourceUnreadable`.
    """
    credentials = _credentials(key_file)
    transport = Transport(
        connect_timeout=limits.connect_seconds,
        read_timeout=limits.read_seconds,
        deadline=limits.total_seconds,
        pool_size=1,
    )
    _fetch_token(credentials, transport)
    answer = _get_values(where, credentials, transport, endpoint, limits)
    first = _first_row_number(answer.get("range"))
    values = _values(answer)
    for at in range(0, len(values), ROWS_AT_ONCE):
        rows = [[_text(cell) for cell in cells] for cells in values[at : at + ROWS_AT_ONCE]]
        yield range(first + at, first + at + len(rows)), rows


def _credentials(key_file: Path | None) -> "Credentials":
    """The service account. An error about its file quotes nothing from it."""
    if key_file is None:
        raise SourceUnreadable("GOOGLE_SERVICE_ACCOUNT_FILE is not set; it names the service account's key file.")
    from google.auth import exceptions  # noqa: PLC0415 - as above

    try:
        return _account(json.loads(key_file.read_bytes()))
    except FileNotFoundError:
        fault = f"There is no service account key file at {key_file}; put it there or set GOOGLE_SERVICE_ACCOUNT_FILE."
    except OSError as error:
        fault = f"The service account key file {key_file} can't be opened ({error.strerror}); check its permissions."
    except (ValueError, TypeError, AttributeError, RecursionError, exceptions.GoogleAuthError):
        fault = f"{key_file} is not a service account's key file; download a new JSON key from the Google console."
    raise SourceUnreadable(fault)


def _account(content: Any) -> "Credentials":
    if not isinstance(content, dict):
        raise TypeError("a key file holds one JSON object")
    from google.oauth2.service_account import Credentials  # noqa: PLC0415

    account: Credentials = Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
        content, scopes=[SCOPE]
    )
    return account


class _TokenAnswer(NamedTuple):
    """An answer as google-auth reads it."""

    status: int
    headers: Mapping[str, str]
    data: bytes


def _asking(transport: Transport) -> Callable[..., _TokenAnswer]:
    """What google-auth calls to ask for a token."""
    from google.auth import exceptions  # noqa: PLC0415

    def ask(
        url: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> _TokenAnswer:
        answer = transport.exchange(Request(method, url, data=body, headers=headers))
        if isinstance(answer, Failure):
            raise exceptions.TransportError(answer.detail)  # type: ignore[no-untyped-call]
        return _TokenAnswer(answer.status, {}, answer.body)

    return ask


def _fetch_token(credentials: "Credentials", transport: Transport) -> None:
    from google.auth import exceptions  # noqa: PLC0415

    try:
        credentials.refresh(_asking(transport))  # type: ignore[no-untyped-call]
    except exceptions.RefreshError as error:
        raise SourceUnreadable(_refused_key(credentials.service_account_email, error)) from None
    except (exceptions.GoogleAuthError, ValueError, TypeError):
        raise SourceUnreadable(_unreachable("Google's sign-in")) from None


def _refused_key(account: str, error: "exceptions.RefreshError") -> str:
    if error.retryable:
        return _unreachable("Google's sign-in")
    answer = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], dict) else {}
    code = re.sub(r"[^a-z_]", "", str(answer.get("error", "")))[:40] or "no usable answer"
    return (
        f"Google refuses the key of the service account {account} ({code}). The key may be deleted or expired, or this "
        "server's clock wrong: check the clock, then make a new key and set GOOGLE_SERVICE_ACCOUNT_FILE."
    )


def _unreachable(whom: str) -> str:
    return f"{whom} can't be reached or doesn't answer in time; check this server's network. It is tried again later."


def _get_values(
    where: SheetRange, credentials: "Credentials", transport: Transport, endpoint: str, limits: Limits
) -> dict[str, Any]:
    headers: dict[str, str] = {}
    credentials.apply(headers)  # type: ignore[no-untyped-call]
    address = f"{endpoint.rstrip('/')}/v4/spreadsheets/{quote(where.spreadsheet_id, safe='')}/values"
    request = Request(
        "GET",
        f"{address}/{quote(where.cells, safe='!:')}",
        params={"majorDimension": "ROWS", "valueRenderOption": "FORMATTED_VALUE"},
        headers=headers,
    )
    answer = transport.exchange(request, limits.max_bytes)
    if isinstance(answer, TooLong):
        raise SourceUnreadable("The spreadsheet's range is too large to read; name a smaller range.")
    if isinstance(answer, Failure):
        raise SourceUnreadable(_unreachable("Google Sheets"))
    if answer.status != HTTPStatus.OK:
        raise SourceUnreadable(_refusal(answer.status, answer.body, where, credentials.service_account_email))
    return _parsed(answer)


def _refusal(status: int, body: bytes, where: SheetRange, account: str) -> str:
    """What Google's answer means, in words for staff. Google's own text is not shown."""
    if status == HTTPStatus.FORBIDDEN and (b"SERVICE_DISABLED" in body or b"accessNotConfigured" in body):
        return "The Google Sheets API is not enabled for the service account's project; enable it there."
    if status == HTTPStatus.BAD_REQUEST and b"FAILED_PRECONDITION" in body:
        return "The document is no Google spreadsheet (an Excel file on Drive?); save it as a Google spreadsheet."
    sentences = {
        400: f"The spreadsheet has no sheet or range {where.cells}; check the sheet's name, as in Sheet1!A:F.",
        401: f"Google Sheets does not accept the service account {account}; make a new key for it.",
        403: f"The spreadsheet is not shared with the service account: share it with {account} (viewer is enough).",
        404: "There is no spreadsheet with the id in REPORT_SOURCE; copy the id from the spreadsheet's address.",
        429: "Google Sheets has had too many requests from this project. It is tried again later.",
    }
    return sentences.get(status, f"Google Sheets answered with an error (HTTP {status}). It is tried again later.")


def _parsed(reply: Reply) -> dict[str, Any]:
    try:
        answer = reply.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise SourceUnreadable("Google Sheets gave an answer that can't be read. It is tried again later.")
    return answer


def _values(answer: dict[str, Any]) -> list[list[Any]]:
    """The rows of the answer: of unequal length, without trailing blank rows. An empty range has no `values` at all."""
    values = answer.get("values", [])
    if not isinstance(values, list) or not all(isinstance(cells, list) for cells in values):
        raise SourceUnreadable("Google Sheets gave an answer that can't be read. It is tried again later.")
    return values


def _first_row_number(range_read: object) -> int:
    """`Sheet1!A5:F1000` begins at row 5."""
    found = re.search(r"(?:^|!)\$?[A-Z]*\$?([0-9]+)(?::|$)", range_read if isinstance(range_read, str) else "")
    return int(found[1]) if found else 1


def _text(cell: object) -> Cell:
    return cell if isinstance(cell, str) else "" if cell is None else str(cell)
