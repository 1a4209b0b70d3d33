"""Connections to servers: opened with a limit, kept for a moment, and broken off when a call takes too long."""

import socket
import ssl
import threading
import weakref
from collections import deque
from contextlib import suppress
from http.client import HTTPConnection, HTTPSConnection
from time import monotonic
from typing import NamedTuple, Self

# A connection that was idle for longer is replaced before use: servers close idle ones after 2 seconds or more
# (gunicorn 2, Apache 5, nginx 75), and a request sent into that moment would end with an unknown outcome.
IDLE_SECONDS = 1.0
TRIES = 3
"""How often a connection is tried. Only that is ever repeated, and never a request."""


class Server(NamedTuple):
    """Whom a connection leads to."""

    encrypted: bool
    host: str
    port: int


class Line:
    """One TCP connection, made in `timeout` seconds at most; `http` speaks on it."""

    def __init__(self, server: Server, timeout: float) -> None:
        self.server = server
        self._socket = socket.create_connection((server.host, server.port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A second handle on the same connection, as TLS takes the first one over.
        self._handle = self._socket.dup()
        self._handle.setblocking(False)
        self._used_at = monotonic()
        self._http: HTTPConnection | None = None

    def http(self, tls: ssl.SSLContext, read_timeout: float) -> HTTPConnection:
        """HTTP on this line, encrypted where the server's address says so; each packet may take `read_timeout` seconds.

        The first call shakes hands, and fails as `tls.wrap_socket` does.
        """
        if self._http is None:
            encrypted, host, port = self.server
            if encrypted:
                self._socket = tls.wrap_socket(self._socket, server_hostname=host)
            self._socket.settimeout(read_timeout)
            self._http = HTTPSConnection(host, port, context=tls) if encrypted else HTTPConnection(host, port)
            self._http.sock = self._socket
        return self._http

    def rest(self) -> None:
        """The line is idle from now on."""
        self._used_at = monotonic()

    def is_usable(self) -> bool:
        """Whether a line that was idle may carry another request: it was used just now, and the server is silent."""
        if monotonic() - self._used_at >= IDLE_SECONDS:
            return False
        try:
            self._handle.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False  # the server closed it, or said something that nobody asked for

    def break_off(self) -> None:
        """End whatever waits for the connection, from any thread."""
        with suppress(OSError):
            self._handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; it is of no more use."""
        self._socket.close()
        self._handle.close()


class Deadline:
    """Breaks a line off at a set time, whatever the call waits for: a read timeout alone counts anew with each packet.

    `passed` says whether it did.
    """

    def __init__(self, line: Line, seconds: float) -> None:
        self.passed = False
        self._line = line
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()  # one that fires just now must not hit the next call on this line

    def _end(self) -> None:
        self.passed = True
        self._line.break_off()


class Lines:
    """The idle lines, at most `most` to each server; safe to share between threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._idle: dict[Server, deque[Line]] = {}
        weakref.finalize(self, _close, self._idle)

    def take(self, server: Server) -> Line | None:
        """An idle line that may be used again; it is the caller's alone now."""
        idle = self._idle.setdefault(server, deque())
        with suppress(IndexError):
            while True:
                line = idle.pop()
                if line.is_usable():
                    return line
                line.close()
        return None

    def put(self, line: Line) -> None:
        """Keep a line whose answer was read to its end."""
        idle = self._idle.setdefault(line.server, deque())
        line.rest()
        idle.append(line)
        if len(idle) > self._most:
            with suppress(IndexError):
                idle.popleft().close()

    def close(self) -> None:
        """Close the idle lines."""
        _close(self._idle)


def _close(idle: dict[Server, deque[Line]]) -> None:
    for lines in list(idle.values()):
        with suppress(IndexError):
            while True:
                lines.pop().close()


def connected(server: Server, timeout: float) -> Line:
    """A new line; the OSError of the last try when there is none."""
    for _ in range(TRIES - 1):
        with suppress(OSError):
            return Line(server, timeout)
    return Line(server, timeout)
