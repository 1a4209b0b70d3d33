"""How `requests` connects: it trusts only `tls`, retries a connection but never a request, and ends at a deadline."""

import functools
import http.client
import os
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from heapq import heappop, heappush
from time import monotonic
from typing import Any, Self
from urllib.parse import urlsplit

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection, port_by_scheme

# A connection that was idle for longer is replaced before use: servers close idle connections after 2 seconds or more
# (gunicorn 2, Apache 5, nginx 75), and a request sent at that moment would end with an unknown outcome.
IDLE_SECONDS = 1.0
TRIES = 3
"""How often a connection is tried. Only connecting is ever repeated, never a request."""


class Deadline:
    """Breaks a call's connection off at a set time. A read timeout is not enough, as it begins anew with each packet.

    `passed`: the connection was broken off. A call has one connection: another is tried only if the first was not made.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self.until = monotonic() + seconds
        self._handle: int | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._before = _deadline.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        _deadline.reset(self._before)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing to break off any more."""
        return self._handle is None

    def watch(self, connection: socket.socket) -> None:
        """Break this connection off at the deadline: the call goes over it."""
        if self._handle is None:
            # A second handle, because TLS takes over the first, and http.client closes it before the body is read.
            self._handle = os.dup(connection.fileno())
            _watch.add(self)

    def stop(self) -> None:
        """Let go of the connection, which stays as it is: the call doesn't use it any more."""
        with self._lock:
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None

    def break_off(self) -> None:
        """Break the connection off, because the time is over; does nothing after the call's end."""
        with self._lock:
            if self._handle is not None:
                self.passed = True
                with suppress(OSError), socket.socket(fileno=os.dup(self._handle)) as connection:
                    connection.shutdown(socket.SHUT_RDWR)


class _Watch:
    """Breaks off calls whose time is over, in one thread for all: one thread a call costs more than its other work."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, for a forked process: it does not have the thread."""
        self._deadlines: list[tuple[float, int, Deadline]] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, deadline: Deadline) -> None:
        """Break it off at its time."""
        with self._changed:
            heappush(self._deadlines, (deadline.until, id(deadline), deadline))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif self._deadlines[0][2] is deadline:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._deadlines and (self._deadlines[0][2].is_over or self._deadlines[0][0] <= monotonic()):
                    heappop(self._deadlines)[2].break_off()
                self._changed.wait(self._deadlines[0][0] - monotonic() if self._deadlines else None)


_watch = _Watch()
os.register_at_fork(after_in_child=_watch.forget)
_deadline: ContextVar[Deadline] = ContextVar("deadline")
_target: ContextVar[str] = ContextVar("target")


class _Connection(HTTPConnection):
    rests_since = 0.0

    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        _deadline.get().watch(connection)
        return connection

    @property
    def is_connected(self) -> bool:
        return monotonic() - self.rests_since < IDLE_SECONDS and super().is_connected

    putheader = http.client.HTTPConnection.putheader  # urllib3's asks each whether it is to be left out; none is

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - the path alone
        if self.sock is not None:
            _deadline.get().watch(self.sock)
        super().putrequest(method, _target.get(), *args, **kwargs)


class _TLSConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection

    def _put_conn(self, conn: Any) -> None:
        """Keep a connection whose answer was read; a deadline that passes just now must not hit its next call."""
        if conn is not None:
            _deadline.get().stop()
            conn.rests_since = monotonic()
        super()._put_conn(conn)


class _TLSPool(_Pool, HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class Adapter(HTTPAdapter):
    """Sends what a session gives it, under the `Deadline` that is entered; `tls` alone decides who is trusted."""

    def __init__(self, pool_size: int, tls: ssl.SSLContext) -> None:
        # A context without `check_hostname` checks names itself, or trusts anybody; urllib3 would check them anyway.
        self._tls: dict[str, Any] = {"ssl_context": tls} | ({} if tls.check_hostname else {"assert_hostname": False})
        # Any looser setting sends a POST more than once.
        retries = Retry(total=None, connect=TRIES - 1, read=False, redirect=0, status=0, other=0)
        super().__init__(pool_maxsize=pool_size, max_retries=retries)
        self._pool_key = functools.lru_cache(maxsize=64)(self._made_pool_key)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Pools of our connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def get_connection_with_tls_context(
        self,
        request: PreparedRequest,
        verify: Any,  # noqa: ARG002 - requests' names
        proxies: Any = None,  # noqa: ARG002
        cert: Any = None,  # noqa: ARG002
    ) -> HTTPConnectionPool:
        """The server's pool, with our TLS context instead of what requests trusts, and no proxy looked for."""
        server = urlsplit(str(request.url))
        key, context = self._pool_key(server.scheme, server.netloc)
        pool: HTTPConnectionPool = self.poolmanager.connection_from_pool_key(key, dict(context))
        return pool

    def _made_pool_key(self, scheme: str, netloc: str) -> tuple[Any, Mapping[str, Any]]:
        """What urllib3 finds a server's pool by; to make it anew takes ten times as long as to find the pool."""
        server, manager = urlsplit(f"{scheme}://{netloc}"), self.poolmanager
        port = port_by_scheme[scheme] if server.port is None else server.port
        context = {**manager.connection_pool_kw, **self._tls, "scheme": scheme, "host": server.hostname, "port": port}
        return manager.key_fn_by_scheme[scheme](context), context

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Set nothing: our TLS context decides."""

    def build_response(self, req: PreparedRequest, resp: Any) -> Any:  # noqa: ARG002 - requests' names
        """urllib3's answer as it is. requests' own holds its cookies, with which nothing is sent here: with a PHP
        session's, the server would do the threads' calls one by one."""
        return resp

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:  # noqa: ARG002 - requests' names
        """The path alone, because urllib3 logs it; the connection puts the query back, which may hold a key."""
        target = request.path_url
        _target.set(target)
        return target.partition("?")[0]
