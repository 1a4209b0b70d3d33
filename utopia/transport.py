"""One HTTP exchange with limits: a whole answer, or a failure that tells whether the request may have arrived.

`utopia` and `powercode` each carry this file, word for word, so that either can be used without the other.
"""

import functools
import io
import json
import re
import socket
import ssl
import time
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.util.ssl_match_hostname import CertificateError

# A connection that was idle for longer is replaced before use: servers close idle ones after 2 seconds or more
# (gunicorn 2, Apache 5, nginx 75), and a request sent into that moment would end with an unknown outcome.
IDLE_SECONDS = 1.0
JSON_LIMIT = 5 * 1024 * 1024
FILE_LIMIT = 32 * 1024 * 1024
CHUNK = 64 * 1024
SHOWN_CHARACTERS = 200
CUT = "…"
LONGEST_WAIT_SECONDS = 86400.0
# From the narrower class to the wider one.
NEVER_CONNECTED: tuple[tuple[type[HTTPError], str], ...] = (
    (NameResolutionError, "the host name could not be resolved"),
    (NewConnectionError, "no connection (refused, or no route)"),
    (ConnectTimeoutError, "no connection in time"),
)
# What trouble of the server's own sounds like. Read as "no such customer", it would make a second one; read as a
# refusal of a change that was done all the same, it would be billed twice.
ABOUT_TROUBLE = re.compile(
    r"\b(lock|deadlock|time[d]? ?out|timeout|unavailable|not available|maintenance|errors?|exception|databases?|\w*sql"
    r"|transaction|duplicate entry|constraint|connections?|server|busy|overload\w*|too many|try(ing)? again|retry"
    r"|restart\w*|failed|failure|fatal|internal|down|temporar\w*|crash\w*|memory|disk)\b",
    re.IGNORECASE,
)
MASK = "***"
# What stands under a secret's name in a text: in JSON that was cut, or in a page or a sentence that quotes the request.
NAMED_SECRET = re.compile(
    r"""((?:passw|passphrase|passcode|pwd|secret|token|api_?key|authorization|credential)\w*["']?\s*[:=]\s*)"""
    r"""("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|(?:Basic\s+|Bearer\s+)?[^\s&,;<>"']+)""",
    re.I,
)
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


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


@dataclass(frozen=True)
class _Call:
    """What the connection needs to know about the call that uses it just now."""

    until: float
    read_timeout: float
    target: str


_current: ContextVar[_Call] = ContextVar("current_call")


class _TimedReader(io.RawIOBase):
    """Reads a socket until the call's deadline: a read timeout alone counts anew with each packet."""

    def __init__(self, sock: socket.socket, call: _Call) -> None:
        self._sock = sock
        self._call = call
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining = self._call.until - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("deadline")
        self._sock.settimeout(min(self._call.read_timeout, remaining))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedSource:
    """What `HTTPResponse` asks of a socket: one file to read from."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._sock, _current.get()))


class _TimedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(_TimedSource(sock), *args, **kwargs)  # type: ignore[arg-type]


class _Connection(HTTPConnection):
    """A connection that keeps the deadline, is not used again after a pause, and hides the query from logs.

    The adapter hands urllib3 the path alone, because urllib3 logs it; the query is put back here.
    """

    response_class = _TimedResponse
    _used_at = 0.0

    @property
    def is_connected(self) -> bool:
        return time.monotonic() - self._used_at < IDLE_SECONDS and super().is_connected

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - the path alone
        super().putrequest(method, _current.get().target, *args, **kwargs)

    def getresponse(self) -> Any:
        response = super().getresponse()
        self._used_at = time.monotonic()
        return response


class _TLSConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class _Adapter(HTTPAdapter):
    def __init__(self, pool_size: int, tls: ssl.SSLContext, checks_names: bool) -> None:
        self._tls: dict[str, Any] = {"ssl_context": tls} | ({"assert_hostname": False} if checks_names else {})
        # Any looser form sends a POST more than once; only an attempt that never connected is repeated.
        retries = Retry(total=None, connect=2, read=False, redirect=0, status=0, other=0)
        super().__init__(pool_connections=4, pool_maxsize=pool_size, max_retries=retries)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, self._tls if host["scheme"] == "https" else {}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing to set: the context decides what is trusted."""

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        return super().request_url(request, proxies).partition("?")[0]


class _Session(requests.Session):
    def get_redirect_target(self, _response: requests.Response) -> str | None:
        """None: a redirect is an answer like any other (requests would read its body without a limit)."""
        return None


def trusted_by_default() -> ssl.SSLContext:
    """A context that trusts the public authorities which `requests` brings; the environment can't change it."""
    return _trusting(certifi.where())


@functools.cache  # reading all authorities takes 20 ms, and contexts can be shared
def _trusting(authorities: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authorities)


class Transport:
    """Sends requests over one pool of connections; one instance serves any number of threads.

    Times are in seconds. `checks_names` says that `tls` compares the certificate's host name itself.
    """

    def __init__(
        self,
        *,
        connect_timeout: float,
        read_timeout: float,
        deadline: float,
        pool_size: int,
        tls: ssl.SSLContext | None = None,
        checks_names: bool = False,
    ) -> None:
        if min(connect_timeout, read_timeout, deadline) <= 0 or pool_size < 1:
            raise ValueError("the timeouts, the deadline and the pool's size must be above 0")
        self._connect_timeout = min(connect_timeout, deadline / 3)  # a connection is tried three times
        self._read_timeout = min(read_timeout, deadline)
        self._deadline = deadline
        self._session = _Session()
        self._session.trust_env = False
        # A PHP session's cookie would make the server handle the threads' calls one after the other.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = _Adapter(pool_size, tls or trusted_by_default(), checks_names)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def exchange(
        self, request: requests.Request, limit: int = JSON_LIMIT, into: BinaryIO | None = None
    ) -> Reply | Failure:
        """Send `request` once and read an answer of at most `limit` bytes (unpacked). Raises nothing of the network.

        `into` is an empty file: the body is written there piece by piece, whatever it is, and not kept in memory. An
        `OSError` of that file is raised as it is.
        """
        until = time.monotonic() + self._deadline
        try:
            prepared = self._session.prepare_request(request)
            token = _current.set(_Call(until, self._read_timeout, prepared.path_url))
            try:
                return self._exchange(prepared, limit, into)
            finally:
                _current.reset(token)
        except _NotWritten as full:
            raise full.__cause__ or full from None
        except (OSError, HTTPError, HTTPException) as fault:  # requests' exceptions are OSErrors
            return _failure(fault)

    def _exchange(self, prepared: requests.PreparedRequest, limit: int, into: BinaryIO | None) -> Reply | Failure:
        timeout = (self._connect_timeout, self._read_timeout)
        response = self._session.send(prepared, stream=True, timeout=timeout, allow_redirects=False)
        announced = _announced_size(response)
        try:
            body = None if announced and announced > limit else _read(response, limit, into)
        finally:
            response.close()
        if body is None:
            return TooLong(True, f"the answer is larger than {limit} bytes", announced)
        content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        wish = _seconds(response.headers.get("Retry-After"))
        return Reply(response.status_code, content_type, body, wish, into.tell() if into else None)

    def close(self) -> None:
        """Close the idle connections."""
        self._session.close()


def _announced_size(response: requests.Response) -> int | None:
    """The size of a body that is not compressed, where the server names it."""
    length = response.headers.get("Content-Length", "")
    return (
        int(length) if length.isascii() and length.isdecimal() and "Content-Encoding" not in response.headers else None
    )


def _read(response: requests.Response, limit: int, into: BinaryIO | None) -> bytes | None:
    """The body, or the beginning of one that goes `into` a file; None when it is larger than `limit`."""
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(CHUNK):
        size += len(part)
        if size > limit:
            return None
        if into is not None:
            _write(part, into)
        if into is None or size <= CHUNK or not parts:
            parts.append(part)
    return b"".join(parts)


def _write(part: bytes, into: BinaryIO) -> None:
    try:
        into.write(part)
    except OSError as error:  # a full disk is no failure of the network
        raise _NotWritten from error


def _failure(fault: Exception) -> Failure:
    """The verdict on a failed exchange: only what happens before the first byte goes out counts as not sent."""
    if isinstance(fault, (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader)):
        return Failure(False, "the request could not be built: its address or a header is not valid")
    inner = fault.args[0] if fault.args else None
    reason = inner.reason if isinstance(inner, MaxRetryError) else None
    for kind, detail in NEVER_CONNECTED:
        if isinstance(reason, kind):
            return Failure(False, detail)
    if isinstance(reason, SSLError):
        return _tls_failure(reason.args[0] if reason.args else None)
    if isinstance(fault, (requests.Timeout, TimeoutError)) or isinstance(inner, (ReadTimeoutError, TimeoutError)):
        return Failure(True, "no complete answer in time")
    return Failure(True, "the connection broke before the answer was complete")


def _tls_failure(cause: object) -> Failure:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Failure(False, f"the server's certificate is not trusted ({cause.verify_message or cause.args[-1]})")
    if isinstance(cause, CertificateError):
        return Failure(False, "the server's certificate is for another host name")
    return Failure(True, "the TLS connection broke")


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


def safe_text(value: object, *, secrets: Iterable[str] = (), private: Iterable[str] = ()) -> str:
    """What the remote said, fit for logs and pages: one line of at most 200 characters.

    Each of `secrets` is masked wherever it stands, what is named a password or a key as well, and each of `private` (a
    customer's name, address, ...) as a whole word.
    """
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    text = NAMED_SECRET.sub(rf"\1{MASK}", " ".join(UNPRINTABLE.sub(" ", text).split()))
    for secret in filter(None, secrets):
        text = text.replace(secret, MASK)
    for word in sorted(set(private), key=len, reverse=True):
        if len(word.strip()) > 1:
            pattern = r"\s+".join(map(re.escape, word.split()))
            text = re.sub(rf"(?<!\w){pattern}(?!\w)", "***", text, flags=re.IGNORECASE)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + CUT
