"""One HTTP exchange with limits: a whole answer, or a failure that tells whether the request may have arrived.

Uses `requests`; one table here sorts its errors.
"""

import functools
import json
import ssl
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from gzip import GzipFile
from typing import Any, BinaryIO, TypedDict
from urllib.parse import quote_plus, urlencode, urlsplit

import certifi
from requests import PreparedRequest, Request, RequestException
from requests.utils import check_header_validity, default_user_agent
from urllib3 import BaseHTTPResponse, Timeout
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
)
from urllib3.util.ssl_match_hostname import CertificateError

from .connections import TRIES, Adapter, Deadline

JSON_LIMIT = 5 * 1024 * 1024
FILE_LIMIT = 32 * 1024 * 1024
CHUNK = 64 * 1024
LONGEST_WAIT_SECONDS = 86400.0
HEADERS = {"User-Agent": default_user_agent(), "Accept": "*/*", "Accept-Encoding": "gzip"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
TOO_LATE = "no complete answer in time"
# What went wrong, from the narrower class to the wider one; whether the request may have been sent; and how we say it.
VERDICTS: tuple[tuple[type[Exception], bool, str], ...] = (
    (LocationValueError, False, "the host name could not be resolved"),
    (NameResolutionError, False, "the host name could not be resolved"),
    (NewConnectionError, False, "no connection (refused, or no route)"),
    (ConnectTimeoutError, False, "no connection in time"),
    (ssl.SSLCertVerificationError, False, "the server's certificate is not trusted"),
    (CertificateError, False, "the server's certificate is for another host name"),
    (ReadTimeoutError, True, TOO_LATE),
    (TimeoutError, True, TOO_LATE),
    (ssl.SSLError, True, "the TLS connection broke"),
    (Exception, True, "the connection broke before the answer was complete"),
)


@dataclass(frozen=True)
class Reply:
    """A complete answer. `retry_after` is in seconds, or None when the server named no time.

    If the body went into a file, `body` is its beginning, and `in_file` its size in bytes.
    """

    status: int
    content_type: str
    body: bytes
    retry_after: float | None = None
    in_file: int | None = None

    def json(self) -> Any:
        """The body's JSON value; ValueError when it has none (an empty body, HTML, cut or too deeply nested JSON)."""
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("nested too deeply") from None


@dataclass(frozen=True)
class Failure:
    """No usable answer. `sent` is False only when the server can't have seen the request."""

    sent: bool
    detail: str


@dataclass(frozen=True)
class TooLong(Failure):
    """An answer that is larger than it may be; `size` is in bytes, or None when the server didn't say."""

    size: int | None = None


class _NotWritten(Exception):
    """The file that an answer goes into can't be written; the cause says why."""


def trusted_by_default() -> ssl.SSLContext:
    """A context that trusts the public authorities which `requests` brings; the environment can't change it."""
    return _trusting(certifi.where())


@functools.cache  # reading all authorities takes 20 ms, and contexts can be shared
def _trusting(authorities: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authorities)


class Limits(TypedDict, total=False):
    """Times in seconds: for a connection, between two packets, and for the whole exchange.

    At most `pool_size` idle connections are kept to each server.
    """

    connect_timeout: float
    read_timeout: float
    deadline: float
    pool_size: int


class Transport:
    """Sends requests over a few connections that are kept; one instance serves any number of threads.

    `connect_timeout` is in seconds, and shorter where three tries to connect would miss the deadline.
    """

    def __init__(
        self,
        *,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        deadline: float = 60.0,
        pool_size: int = 8,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """What `Limits` says, and who is trusted; ValueError for a limit that is not above 0."""
        if min(connect_timeout, read_timeout, deadline) <= 0 or pool_size < 1:
            raise ValueError("the timeouts, the deadline and the pool's size must be above 0")
        self.connect_timeout = min(connect_timeout, deadline / TRIES)
        self._timeout = Timeout(connect=self.connect_timeout, read=min(read_timeout, deadline))
        self._deadline = deadline
        self._adapter = Adapter(pool_size, tls or trusted_by_default())

    def exchange(self, request: Request, limit: int = JSON_LIMIT, into: BinaryIO | None = None) -> Reply | Failure:
        """Send `request` once and read an answer of at most `limit` bytes (unpacked). Raises nothing of the network.

        `into` is an empty file: any body is written there piece by piece, and not kept in memory. An `OSError` of that
        file is raised as it is.
        """
        try:
            prepared = _prepared(request)
        except (RequestException, ValueError):
            return Failure(False, "the request could not be built: its address or a header is not valid")
        with Deadline(self._deadline) as deadline:
            answer = self._exchange(prepared, limit, into)
        return Failure(True, TOO_LATE) if deadline.passed else answer

    def _exchange(self, prepared: PreparedRequest, limit: int, into: BinaryIO | None) -> Reply | Failure:
        try:
            answer: Any = self._adapter.send(prepared, stream=True, timeout=self._timeout)  # type: ignore[arg-type]
            try:
                return _read(answer, limit, into)
            finally:
                answer.close()
                answer.release_conn()
        except _NotWritten as full:
            raise full.__cause__ or full from None
        except (OSError, EOFError, HTTPError, zlib.error) as fault:  # requests' exceptions are OSErrors
            return _failure(fault)

    def close(self) -> None:
        """Close the idle connections."""
        self._adapter.close()


def _prepared(request: Request) -> PreparedRequest:
    """The request as it goes out; its body is a form, JSON, or bytes. It needs no session, which takes a third of a
    call's time for what is not used here: cookies, redirects, hooks, proxies and what the environment says.
    """
    prepared = PreparedRequest()
    prepared.prepare_method(request.method)
    prepared.url = _address(request.url or "")
    if request.params:
        prepared.prepare_url(prepared.url, request.params)
    for header in request.headers.items():
        check_header_validity(header)
    prepared.body, kind = _body(request)
    # requests' own kind of headers, which asks for no case, takes a tenth of a call's time.
    prepared.headers = {**HEADERS, **kind, **request.headers}  # type: ignore[assignment]
    prepared.prepare_content_length(prepared.body)
    if request.auth or "@" in prepared.url:
        prepared.prepare_auth(request.auth, prepared.url)
    return prepared


@functools.lru_cache(maxsize=64)  # each system is called at a few addresses
def _address(url: str) -> str:
    """The address as requests writes it; ValueError when it is none of http or https."""
    prepared = PreparedRequest()
    prepared.prepare_url(url, None)
    if not (prepared.url or "").startswith(("http://", "https://")):
        raise ValueError("no http or https address")
    return str(prepared.url)


_quoted = functools.lru_cache(maxsize=256)(quote_plus)  # forms have the same names and ids again and again


def _body(request: Request) -> tuple[Any, dict[str, str]]:
    """The body, which requests asks five times what it is, and the header that says it."""
    if request.files:
        raise ValueError("files are not sent")
    if isinstance(request.data, dict) and request.data:
        return urlencode(request.data, quote_via=_quoted).encode(), FORM
    if request.json is not None and not request.data:
        return json.dumps(request.json, allow_nan=False).encode(), JSON
    return request.data or None, {}


def _read(answer: BaseHTTPResponse, limit: int, into: BinaryIO | None) -> Reply | TooLong:
    """The answer; if it goes `into` a file, only its beginning."""
    encoding = answer.headers.get("Content-Encoding", "").strip().lower() or "identity"
    size, announced = 0, answer.length_remaining if encoding == "identity" else None
    if announced is not None and announced > limit:
        return _too_long(limit, announced)
    body = _unpacked(answer, encoding)
    kept: list[bytes] = []
    while part := body.read(CHUNK):
        size += len(part)
        if size > limit:
            return _too_long(limit, announced)
        if into is not None:
            _write(part, into)
        if into is None or size <= CHUNK or not kept:
            kept.append(part)
        if size == announced:  # to ask for the end takes as long as to read it all
            break
    content_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    wish = answer.headers.get("Retry-After")
    return Reply(
        answer.status, content_type, b"".join(kept), _seconds(wish) if wish else None, None if into is None else size
    )


def _too_long(limit: int, announced: int | None) -> TooLong:
    return TooLong(True, f"the answer is larger than {limit} bytes", announced)


def _unpacked(raw: Any, encoding: str) -> Any:
    """The body as a file, unpacked with gzip's own reader: urllib3's takes a truncated body for a whole one."""
    if encoding == "identity":
        return raw
    if encoding in ("gzip", "x-gzip"):
        return GzipFile(fileobj=raw, mode="rb")
    raise HTTPError(f"an encoding that was not asked for: {encoding}")


def _write(part: bytes, into: BinaryIO) -> None:
    try:
        into.write(part)
    except OSError as error:  # a full disk is no failure of the network
        raise _NotWritten from error


def _failure(fault: Exception) -> Failure:
    cause = _cause(fault)
    sent, detail = next((sent, detail) for kind, sent, detail in VERDICTS if isinstance(cause, kind))
    if isinstance(cause, ssl.SSLCertVerificationError):
        detail += f" ({cause.verify_message or cause.args[-1]})"
    return Failure(sent, detail)


def _cause(fault: Exception) -> Exception:
    """The innermost of the errors that `requests` and urllib3 put into one another."""
    inner = [fault.reason] if isinstance(fault, MaxRetryError) else [*fault.args]
    return next((_cause(each) for each in inner if isinstance(each, Exception)), fault)


def _seconds(retry_after: str) -> float | None:
    """Retry-After, which holds a number or a date, as seconds from now: a day at most."""
    value = retry_after.strip()
    if value.isascii() and value.isdecimal():
        return min(float(value), LONGEST_WAIT_SECONDS)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return min(max(0.0, (aware - datetime.now(UTC)).total_seconds()), LONGEST_WAIT_SECONDS)


def checked_url(name: str, url: str) -> str:
    """`url` without its trailing slash; ValueError naming `name` when it is not a plain http or https address."""
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or parts.username is not None:
        raise ValueError(f"{name} must be an http or https address without user name, query and fragment")
    return url.strip().rstrip("/")
