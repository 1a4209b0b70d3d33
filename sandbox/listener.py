"""The sockets of a simulated HTTP server: accepting, keep-alive, and the ways in which connections break."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from sandbox.http_messages import Answer, Call, Request

if TYPE_CHECKING:
    from sandbox.faults import Fault
    from sandbox.http_server import SimulatedServer

JOIN_SECONDS = 10.0
STALL_SECONDS = 60.0


class Listener(ThreadingHTTPServer):
    """Accepts connections for one simulated server, a thread each, from `listen()` to `close()`."""

    request_queue_size = 128

    def __init__(self, simulated: SimulatedServer, bound: socket.socket, tls: ssl.SSLContext | None) -> None:
        """`bound` comes from `bind` and is closed with the listener."""
        super().__init__(bound.getsockname(), Connection, bind_and_activate=False)
        self.socket.close()
        self.socket = bound
        self.simulated = simulated
        self.closing = threading.Event()
        self._tls = tls
        self._connection_threads: list[threading.Thread] = []
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        self._accepting = threading.Thread(target=self.serve_forever, daemon=True)

    def listen(self) -> None:
        """Accept connections from now on."""
        self.server_activate()
        self._accepting.start()

    def close(self) -> None:
        """Accept nothing more and close every connection; returns when their threads have ended."""
        self.closing.set()
        # Linux wakes the accepting thread at once for this; on other systems the thread polls twice a second.
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.shutdown()
        self._accepting.join(JOIN_SECONDS)
        self.server_close()
        self._hang_up()
        for thread in self._connection_threads:
            if thread is not threading.current_thread():
                thread.join(JOIN_SECONDS)

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002 (the base class's signature)
        """False closes the connection before anything is read from it."""
        return not self.simulated.refuses_connection()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve the connection in a thread of its own."""
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        self._connection_threads = [each for each in self._connection_threads if each.is_alive()]
        self._connection_threads.append(thread)
        thread.start()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection until one of the two sides closes it."""
        if self._tls is None:
            self._serve(request, client_address)
            return
        with self._tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False) as encrypted:
            self._serve(encrypted, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print errors of the sandbox itself; a client that went away is no error."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError | ssl.SSLError):
            super().handle_error(request, client_address)

    def _serve(self, connection: socket.socket, client_address: Any) -> None:
        with self._connections_lock:
            if self.closing.is_set():
                return
            self._connections.add(connection)
        try:
            if isinstance(connection, ssl.SSLSocket):
                connection.do_handshake()
            Connection(connection, client_address, self)
        finally:
            with self._connections_lock:
                self._connections.discard(connection)

    def _hang_up(self) -> None:
        with self._connections_lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    # The plain socket's method: a TLS socket's own would drop the session while its thread uses it.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)


class Connection(BaseHTTPRequestHandler):
    """Reads the requests of one connection, lets the simulated server process them, and sends or spoils the answers."""

    protocol_version = "HTTP/1.1"
    server_version = "Apache"
    sys_version = ""
    disable_nagle_algorithm = True
    server: Listener

    def _serve(self) -> None:
        request = self._read()
        call, fault = self.server.simulated.arrived(request, self.client_address[1])
        try:
            self._exchange(request, call, fault)
        finally:
            call.ended = time.time()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: the server's `calls` are the log."""

    def _read(self) -> Request:
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = parse_qs(address.query, keep_blank_values=True)
        return Request(self.command, address.path, query, self.headers, body)

    def _exchange(self, request: Request, call: Call, fault: Fault | None) -> None:
        simulated = self.server.simulated
        slow = fault.args.get("seconds", 1.0) if fault and fault.kind == "slow" else 0.0
        late = slow if fault and fault.args.get("when") == "after" else 0.0
        if not self._wait(simulated.latency + slow - late):
            return
        simulated.on_call(call, "arrived")
        answer = simulated.process(request, fault)
        simulated.on_call(call, "processed")
        if self._wait(late):
            self._respond(answer, fault)
            simulated.on_call(call, "answered")

    def _respond(self, answer: Answer, fault: Fault | None) -> None:
        match fault.kind if fault else None:
            case "refuse" | "no_answer":
                self.close_connection = True
            case "reset":
                self._reset()
            case "cut":
                self.close_connection = True
                self._send(answer, len(answer.body) // 2)
            case "stall":
                self._send(answer, 0)
                self._wait(fault.args.get("seconds", STALL_SECONDS) if fault else 0)
                self.close_connection = True
            case _:
                self._send(answer, len(answer.body))

    def _wait(self, seconds: float) -> bool:
        """Wait; False when the server was closed meanwhile, and the connection has to end."""
        if seconds > 0 and self.server.closing.wait(seconds):
            self.close_connection = True
        return not self.server.closing.is_set()

    def _send(self, answer: Answer, length: int) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body[:length])

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()
