"""One HTTP exchange with limits: a whole answer, or a failure that tells whether the request may have arrived.

On http.client and not on `requests`, which hides what has been sent: of its errors one would have to guess it.
"""

import functools
import json
import socket
import ssl
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from time import monotonic
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import certifi
from requests import PreparedRequest, Request, RequestException
from requests.utils import default_user_agent
from urllib3.util.ssl_match_hostname import CertificateError

from .connections import TRIES, Deadline, Line, Lines, Server, connected

JSON_LIMIT = 5 * 1024 * 1024
FILE_LIMIT = 32 * 1024 * 1024
CHUNK = 64 * 1024
LONGEST_WAIT_SECONDS = 86400.0
PORTS = {"http": 80, "https": 443}
GZIP_OR_ZLIB = 47
"""zlib's `wbits` for a body in either format."""


@dataclass(frozen=True)
class Reply:
    """A complete answer. `retry_after` is in seconds, or None when the server named no time.

    Of a body that went into a file, `body` is the beginning, and `in_file` says how many bytes there are of it.
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


class Transport:
    """Sends requests over a few connections that are kept; one instance serves any number of threads.

    Times are in seconds: for a connection, between two packets, and for the whole exchange. At most `pool_size` idle
    connections are kept to each server.
    """

    def __init__(
        self,
        *,
        connect_timeout: float,
        read_timeout: float,
        deadline: float,
        pool_size: int,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        if min(connect_timeout, read_timeout, deadline) <= 0 or pool_size < 1:
            raise ValueError("the timeouts, the deadline and the pool's size must be above 0")
        self._connect_timeout = min(connect_timeout, deadline / TRIES)
        self._read_timeout = min(read_timeout, deadline)
        self._deadline = deadline
        self._tls = tls or trusted_by_default()
        self._lines = Lines(pool_size)

    def exchange(self, request: Request, limit: int = JSON_LIMIT, into: BinaryIO | None = None) -> Reply | Failure:
        """Send `request` once and read an answer of at most `limit` bytes (unpacked). Raises nothing of the network.

        `into` is an empty file: the body is written there piece by piece, whatever it is, and not kept in memory. An
        `OSError` of that file is raised as it is.
        """
        until = monotonic() + self._deadline
        try:
            prepared = request.prepare()
            server = _server(prepared)
        except (RequestException, ValueError):
            return Failure(False, "the request could not be built: its address or a header is not valid")
        try:
            line = self._lines.take(server) or connected(server, self._connect_timeout)
        except (OSError, UnicodeError) as fault:
            return Failure(False, _no_connection(fault))
        try:
            return self._exchange(line, prepared, limit, into, until)
        except _NotWritten as full:
            raise full.__cause__ or full from None

    def _exchange(
        self, line: Line, prepared: PreparedRequest, limit: int, into: BinaryIO | None, until: float
    ) -> Reply | Failure:
        deadline = Deadline(line, until - monotonic())
        reusable = False
        try:
            with deadline:
                response = _send(line.http(self._tls, self._read_timeout), prepared)
                answer: Reply | Failure = _read(response, limit, into)
                reusable = response.isclosed() and not response.will_close
        except (OSError, HTTPException, CertificateError, zlib.error) as fault:
            answer = _failure(fault)
        finally:
            if reusable and not deadline.passed:
                self._lines.put(line)
            else:
                line.close()
        return Failure(True, "no complete answer in time") if deadline.passed else answer

    def close(self) -> None:
        """Close the idle connections."""
        self._lines.close()


def _server(prepared: PreparedRequest) -> Server:
    """Whom the request goes to; ValueError when its address is not usable."""
    address = urlsplit(prepared.url or "")
    port = address.port or PORTS.get(address.scheme)
    if not address.hostname or port is None:
        raise ValueError("an http or https address is needed")
    return Server(address.scheme == "https", address.hostname, port)


def _send(http: HTTPConnection, prepared: PreparedRequest) -> HTTPResponse:
    headers = {"User-Agent": default_user_agent(), "Accept": "*/*", "Accept-Encoding": "gzip", **prepared.headers}
    with suppress(BrokenPipeError):  # a server may answer before it has read everything, and say why
        http.request(prepared.method or "GET", prepared.path_url, prepared.body, headers)
    return http.getresponse()


def _read(response: HTTPResponse, limit: int, into: BinaryIO | None) -> Reply | TooLong:
    """The answer; of one that goes `into` a file, the beginning."""
    size, announced = 0, _announced_size(response)
    too_long = TooLong(True, f"the answer is larger than {limit} bytes", announced)
    if announced is not None and announced > limit:
        return too_long
    kept: list[bytes] = []
    for part in _parts(response):
        size += len(part)
        if size > limit:
            return too_long
        if into is not None:
            _write(part, into)
        if into is None or size <= CHUNK or not kept:
            kept.append(part)
    content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    wish = _seconds(response.headers.get("Retry-After"))
    return Reply(response.status, content_type, b"".join(kept), wish, None if into is None else size)


def _announced_size(response: HTTPResponse) -> int | None:
    """The size of a body that is not compressed, where the server names it."""
    return None if response.headers.get("Content-Encoding") else response.length


def _parts(response: HTTPResponse) -> Iterator[bytes]:
    """The body piece by piece, unpacked. Raises HTTPException when it is cut."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("gzip", "x-gzip", "deflate"):
        yield from _unpacked(_pieces(response))
    elif encoding in ("", "identity"):
        yield from _pieces(response)
    else:
        raise HTTPException(f"an encoding that was not asked for: {encoding}")


def _pieces(response: HTTPResponse) -> Iterator[bytes]:
    while piece := response.read(CHUNK):
        yield piece
    if response.length:
        raise IncompleteRead(b"", response.length)


def _unpacked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Never more than `CHUNK` bytes at a time: a small body may unpack to gigabytes."""
    unpacking = zlib.decompressobj(GZIP_OR_ZLIB)
    begun = False
    for piece in pieces:
        begun, packed = True, piece
        while part := unpacking.decompress(packed, CHUNK):
            yield part
            packed = unpacking.unconsumed_tail
    if begun and not unpacking.eof:
        raise HTTPException("a compressed body that is cut")


def _write(part: bytes, into: BinaryIO) -> None:
    try:
        into.write(part)
    except OSError as error:  # a full disk is no failure of the network
        raise _NotWritten from error


def _no_connection(fault: Exception) -> str:
    if isinstance(fault, (socket.gaierror, UnicodeError)):
        return "the host name could not be resolved"
    return "no connection in time" if isinstance(fault, TimeoutError) else "no connection (refused, or no route)"


def _failure(fault: Exception) -> Failure:
    """The verdict on a broken exchange: with a server that is not trusted, the request was not sent yet."""
    if isinstance(fault, ssl.SSLCertVerificationError):
        return Failure(False, f"the server's certificate is not trusted ({fault.verify_message or fault.args[-1]})")
    if isinstance(fault, CertificateError):
        return Failure(False, "the server's certificate is for another host name")
    if isinstance(fault, TimeoutError):
        return Failure(True, "no complete answer in time")
    if isinstance(fault, ssl.SSLError):
        return Failure(True, "the TLS connection broke")
    return Failure(True, "the connection broke before the answer was complete")


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After, which holds a number or a date, as seconds from now: a day at most."""
    value = (retry_after or "").strip()
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
