"""gunicorn's worker as the service needs it: a request has arrived before a thread works on it.

A thread that waits for the rest of a request works for nobody, and sixteen half-open requests stop gunicorn's own
worker. Here the worker's one loop waits, for all callers at once. A thread gets a request when it seems whole. When the
body is slow, a thread first finds out whether the application wants the body at all: it runs the application with what
has arrived. If the application reads further, `StillComing` ends it before it has done anything, and the request waits
on in the loop. So a body is waited for only once its caller is admitted, and never by a thread.

gunicorn's first process imports this file: it knows gunicorn and the standard library, and nothing of ours.
"""

import errno
import re
import selectors
import socket
import struct
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn import http
from gunicorn.workers.gthread import TConn, ThreadWorker

HERE_WITHIN_SECONDS = 15.0
"""A request that is not whole by then is ended; a caller on a slow line, without a proxy, has all that time."""
LEFT_OPEN_SECONDS = 2.0
"""How long a caller has to read the answer when nobody reads the rest of its request; and, while the worker stops, how
long a silent connection stays open."""
SLOW_AFTER_SECONDS = 0.2
LOOK_EVERY_SECONDS = 0.1
ANSWER_TAKEN_WITHIN_SECONDS = 10

MOST_OF_A_HEAD = 64 * 1024
ASKED_AGAIN_AT = 2 * MOST_OF_A_HEAD
"""Enough of a callback to see that it is too large; forms may be larger."""
MOST_OF_A_REQUEST = 1024 * 1024 + MOST_OF_A_HEAD
MOST_OF_ALL = 64 * 1024 * 1024
"""How many bytes of all requests together are held; beyond it, the largest unfinished request is ended."""
ANSWER_BUFFER = 256 * 1024
"""Whole pages fit in, so that a caller who reads slowly keeps no thread."""

HEAD_ENDS = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
CONTINUES = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)

LANES = {b"/healthz": 1, b"/readyz": 1}
"""Paths with threads of their own: monitoring is answered while all other threads are busy."""
ASKING = 2
"""Threads for requests that are not whole, slow or broken off: no whole request waits behind hundreds of them."""

_working = threading.local()


class StillComing(BaseException):
    """The bytes to be read have not arrived yet. No `except Exception` of an application catches it."""


def take_what_is_here() -> None:
    """Let the current request end with what has arrived of it: its caller was refused."""
    arrived = getattr(_working, "arrived", None)
    if arrived is not None:
        arrived.ended = True


class Arrived:
    """What has arrived of a request. gunicorn's parser reads from it as from a socket, as often as need be."""

    def __init__(self, content: bytes = b"") -> None:
        self.content = bytearray(content)
        self.ended = False
        self._position = 0

    def recv(self, size: int) -> bytes:
        """The next bytes, none at the end; raises `StillComing`."""
        part = bytes(self.content[self._position : self._position + size])
        self._position += len(part)
        if not part and not self.ended:
            raise StillComing
        return part

    def rewind(self) -> None:
        """Read from the beginning."""
        self._position = 0

    def unread(self) -> bytes:
        """What nobody has read yet."""
        return bytes(self.content[self._position :])

    @property
    def has_head(self) -> bool:
        """Whether the line of the request and its headers are here."""
        return HEAD_ENDS in self.content

    def lacks_nothing(self) -> bool:
        """Whether the request seems whole. A guess is enough: the parser raises `StillComing` where it is wrong."""
        head = self.content.find(HEAD_ENDS) + len(HEAD_ENDS)
        if head < len(HEAD_ENDS):
            return False
        if CHUNKED.search(self.content, 0, head):
            return self.content.endswith(HEAD_ENDS, head)
        length = LENGTH.search(self.content, 0, head)
        return length is None or len(self.content) >= head + int(length[1])

    def path(self) -> bytes:
        """The path that is asked for."""
        return bytes(self.content[:256].partition(b"\r\n")[0]).partition(b" ")[2].partition(b" ")[0].partition(b"?")[0]


class Caller(TConn):  # type: ignore[misc]
    """A connection, and what has arrived of the request that comes on it."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.expect_request(b"")

    def expect_request(self, content: bytes) -> None:
        """Begin to wait for a request, of which `content` is here already."""
        self.arrived = Arrived(content)
        self.since = time.monotonic()
        self.tries = 0
        self.asked_again_at = ASKED_AGAIN_AT
        self.is_leaving = False

    def begin(self) -> None:
        """Parse from the beginning."""
        self.tries += 1
        self.arrived.rewind()
        self.parser = http.get_parser(self.cfg, self.arrived, self.client)
        self.initialized = self.data_ready = True

    def is_ready(self) -> bool:
        """Whether a thread should look at the request now."""
        if self.arrived.ended or self.arrived.lacks_nothing() or len(self.arrived.content) >= self.asked_again_at:
            return True
        if self.tries or not self.arrived.has_head:
            return False
        is_slow = time.monotonic() - self.since >= SLOW_AFTER_SECONDS
        return is_slow or CONTINUES.search(self.arrived.content) is not None


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threads, and a loop that waits for requests in their place."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._coming: dict[Caller, None] = {}
        self._held = 0
        self._looked_at = 0.0
        self._lanes: dict[bytes, ThreadPoolExecutor] = {}
        self._asking: ThreadPoolExecutor | None = None

    def init_process(self) -> None:
        """In the worker's own process: serve until the end."""
        self._lanes = {path: ThreadPoolExecutor(threads) for path, threads in LANES.items()}
        self._asking = ThreadPoolExecutor(ASKING)
        super().init_process()

    # From a connection to a request

    def accept(self, listener: socket.socket) -> None:
        """Take a connection; when there are too many, end the one that has been coming longest."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._end_oldest()
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        self.nr_conns += 1
        with suppress(OSError):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ANSWER_BUFFER)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", ANSWER_TAKEN_WITHIN_SECONDS, 0))
        self._wait_for(Caller(self.cfg, client, address, listener.getsockname()))
        if self.nr_conns >= self.worker_connections:
            self._end_oldest()

    def on_client_socket_readable(self, conn: Caller, client: socket.socket) -> None:
        """The next request on a connection that was kept."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        conn.expect_request(b"")
        self._wait_for(conn)

    def _wait_for(self, conn: Caller) -> None:
        conn.sock.setblocking(False)
        self._coming[conn] = None
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_readable, conn))

    def _on_readable(self, conn: Caller, client: socket.socket) -> None:
        try:
            part = client.recv(MOST_OF_A_HEAD)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._close(conn)
            return
        if conn.is_leaving:
            if not part:
                self._close(conn)
            return
        self._heed(conn, part)

    def _heed(self, conn: Caller, part: bytes) -> None:
        arrived = conn.arrived
        if not part and not arrived.content:
            self._close(conn)
            return
        arrived.content += part
        arrived.ended = not part
        self._held += len(part)
        if conn.is_ready():
            self._hand_over(conn)
        elif not arrived.has_head and len(arrived.content) > MOST_OF_A_HEAD:
            self._end(conn, "431 Request Header Fields Too Large")
        elif self._held > MOST_OF_ALL:
            self._end(max(self._coming, key=lambda each: len(each.arrived.content)), "503 Service Unavailable")

    def _hand_over(self, conn: Caller) -> None:
        self._forget(conn)
        self.enqueue_req(conn)

    def enqueue_req(self, conn: Caller) -> None:
        """Give a request to a thread."""
        usual: Any = self.tpool if conn.arrived.lacks_nothing() else self._asking
        pool = self._lanes.get(conn.arrived.path(), usual)
        work = pool.submit(self.handle, conn)
        work.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    # In a thread

    def handle(self, conn: Caller) -> Any:
        """Answer a request; whether its connection is kept, or `StillComing`."""
        conn.begin()
        _working.arrived = conn.arrived
        try:
            return super().handle(conn)
        except StillComing:
            return StillComing
        finally:
            _working.arrived = None

    def handle_request(self, req: Any, conn: Caller) -> Any:
        """Answer a request; `100 Continue` is sent at most once."""
        if conn.tries > 1:
            req._expected_100_continue = False
        return super().handle_request(req, conn)

    def _keepalive_after(self, conn: Caller, keepalive: bool) -> bool:
        """False where the rest of a body is still to come: it would be taken for the next request."""
        try:
            return not conn.arrived.ended and super()._keepalive_after(conn, keepalive)
        except StillComing:
            return False

    # Afterwards

    def finish_request(self, conn: Caller, fs: Future[Any]) -> None:
        """Wait on, keep the connection for the next request, or let the caller read the answer and close."""
        try:
            result = fs.result()
            if result is StillComing:
                self._wait_on(conn)
                return
            self._held -= len(conn.arrived.content)
            if not result:
                self._leave(conn)
                return
            following = conn.parser.unreader.take_buffered() + conn.arrived.unread()
            conn.expect_request(following)
            self._held += len(following)
            if following:
                self._wait_for(conn)
                self._look_at(conn)
            else:
                super().finish_request(conn, fs)
        except Exception:
            self._close(conn)

    def _wait_on(self, conn: Caller) -> None:
        size = len(conn.arrived.content)
        if size >= conn.asked_again_at:
            conn.asked_again_at = MOST_OF_A_REQUEST
        self._wait_for(conn)
        if size >= MOST_OF_A_REQUEST:
            self._end(conn, "413 Content Too Large")

    def _leave(self, conn: Caller) -> None:
        """Close once the caller has read the answer: closing at once could lose it. The loop waits for that."""
        conn.expect_request(b"")
        conn.is_leaving = True
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(conn)
            return
        self._wait_for(conn)

    def _end(self, conn: Caller, status: str = "408 Request Timeout") -> None:
        """End a request that does not become whole."""
        self._forget(conn)
        self._held -= len(conn.arrived.content)
        if conn.arrived.content:
            with suppress(OSError):
                conn.sock.send(f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode())
        self._leave(conn)

    def _end_oldest(self) -> None:
        if len(self._coming) > 1:
            self._close(next(iter(self._coming)))

    def _forget(self, conn: Caller) -> None:
        if conn in self._coming:
            del self._coming[conn]
            self.poller.unregister(conn.sock)

    def _close(self, conn: Caller) -> None:
        self._forget(conn)
        self._held -= len(conn.arrived.content)
        conn.expect_request(b"")
        self.nr_conns -= 1
        conn.close()

    # The loop

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """One turn of the loop."""
        super().wait_for_and_dispatch_events(LOOK_EVERY_SECONDS if self._coming else timeout)
        if time.monotonic() - self._looked_at >= LOOK_EVERY_SECONDS:
            self._looked_at = time.monotonic()
            for conn in list(self._coming):
                self._look_at(conn)

    def _look_at(self, conn: Caller) -> None:
        """End a request that is late. If its head is here, the application answers it, and so records it."""
        says_nothing = conn.is_leaving or not (self.alive or conn.arrived.content)
        is_late = time.monotonic() - conn.since >= (LEFT_OPEN_SECONDS if says_nothing else HERE_WITHIN_SECONDS)
        if conn.is_leaving:
            if is_late:
                self._close(conn)
            return
        conn.arrived.ended |= is_late and conn.arrived.has_head
        if conn.is_ready():
            self._hand_over(conn)
        elif is_late:
            self._end(conn)
