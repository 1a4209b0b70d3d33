"""A server that does whatever a test wants with each connection, on loopback and an ephemeral port."""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

NEVER = 30.0


class Wire:
    """One connection, seen from the server."""

    def __init__(self, sock: socket.socket, server: "RawServer") -> None:
        self.sock = sock
        self.server = server

    def read_request(self) -> bytes | None:
        """The next whole request, which is also recorded; None when the client has left."""
        head = b""
        while b"\r\n\r\n" not in head:
            part = self.sock.recv(65536)
            if not part:
                return None
            head += part
        head, _, body = head.partition(b"\r\n\r\n")
        lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        while len(body) < int(lengths[0] if lengths else 0):
            body += self.sock.recv(65536)
        request = head + b"\r\n\r\n" + body
        self.server.record(request)
        return request

    def send(self, raw: bytes) -> None:
        self.sock.sendall(raw)

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def wait_for_the_client_to_leave(self) -> None:
        while self.sock.recv(65536):
            pass


Behaviour = Callable[[Wire], None]


class RawServer:
    """Gives the first connection to the first behaviour, and so on; the last one serves all later connections."""

    def __init__(self, *behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._arrival = threading.Condition()
        self._behaviours = behaviours
        self._tls = tls
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> "RawServer":
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(NEVER)

    def record(self, request: bytes) -> None:
        """A request arrived whole."""
        with self._arrival:
            self.requests.append(request)
            self._arrival.notify_all()

    def arrived(self, number: int) -> list[bytes]:
        """All requests, once there are so many: a client that gave up may have left before its request was read."""
        with self._arrival:
            self._arrival.wait_for(lambda: len(self.requests) >= number, NEVER)
            return list(self.requests)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                sock.settimeout(NEVER)
                self.connections += 1
                self._open.append(sock)
                behaviour = self._behaviours[min(self.connections, len(self._behaviours)) - 1]
                self._start(self._serve, sock, behaviour)

    def _serve(self, sock: socket.socket, behaviour: Behaviour) -> None:
        with suppress(OSError), sock:
            if self._tls and behaviour is not silent:
                encrypted = self._tls.wrap_socket(sock, server_side=True)
                self._open.append(encrypted)
                with encrypted:
                    behaviour(Wire(encrypted, self))
            else:
                behaviour(Wire(sock, self))


def http(body: bytes | object, status: int = 200, content_type: str = "application/json", **headers: str) -> bytes:
    """An answer's bytes; a `body` that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Said", f"Content-Type: {content_type}", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


def answers(*replies: bytes) -> Behaviour:
    """Serve a kept-alive connection: one reply a request, the last one for all further requests."""

    def serve(wire: Wire) -> None:
        served = 0
        while wire.read_request() is not None:
            wire.send(replies[min(served, len(replies) - 1)])
            served += 1

    return serve


def once(reply: bytes) -> Behaviour:
    """Answer one request, then close the connection, although the answer doesn't say so."""

    def serve(wire: Wire) -> None:
        wire.read_request()
        wire.send(reply)

    return serve


def held(reply: bytes) -> Behaviour:
    """Send this much, and then nothing more, with the connection open."""

    def serve(wire: Wire) -> None:
        wire.read_request()
        wire.send(reply)
        wire.wait_for_the_client_to_leave()

    return serve


def dripping(reply: bytes, pause: float = 0.02) -> Behaviour:
    """Send the whole reply, a byte at a time."""

    def serve(wire: Wire) -> None:
        wire.read_request()
        for at in range(len(reply)):
            wire.send(reply[at : at + 1])
            threading.Event().wait(pause)
        wire.wait_for_the_client_to_leave()

    return serve


def never_done(wire: Wire) -> None:
    """Announce an answer again and again, as fast as the client reads."""
    wire.read_request()
    while True:
        wire.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def reset(wire: Wire) -> None:
    """Read the request, then break the connection."""
    wire.read_request()
    wire.reset()


def answers_then_resets(reply: bytes) -> Behaviour:
    """Answer the first request, and break the connection when the second one has arrived."""

    def serve(wire: Wire) -> None:
        wire.read_request()
        wire.send(reply)
        wire.read_request()
        wire.reset()

    return serve


def breaks_encryption(wire: Wire) -> None:
    """Read the request, then send what is no TLS on a TLS connection."""
    wire.read_request()
    plain = socket.socket(fileno=wire.sock.detach())
    plain.sendall(b"HTTP/1.1 200 OK\r\n\r\n{}")
    with plain:
        plain.settimeout(NEVER)
        while plain.recv(65536):
            pass


def silent(wire: Wire) -> None:
    """Accept the connection and never say anything, not even a TLS handshake."""
    wire.wait_for_the_client_to_leave()


# What may have been done, seen by the client as: no usable answer (design: what requests can tell about a failed POST).
# Each entry is sent exactly one request.
UNKNOWN: dict[str, Behaviour] = {
    "reset": reset,
    "closed without answer": once(b""),
    "read timeout": held(b""),
    "body cut": once(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
    "chunked body cut": once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{"),
    "body stalled": held(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
    "cut in its headers": once(b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "cut after its headers": once(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"),
    "two lengths": once(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
    "not HTTP": once(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "HTML": answers(http(b"<html>Welcome to our network</html>", content_type="text/html")),
    "PHP error page": answers(http(b"<b>Fatal error</b>: Uncaught", 500, "text/html")),
    "unparsable JSON": answers(http(b'{"statusCode": 0, "customerID": ')),
    "JSON nested too deeply": answers(http(b"[" * 100_000)),
    "empty": answers(http(b"")),
    "null": answers(http(None)),
    "502": answers(http(b"<html>Bad Gateway</html>", 502, "text/html")),
    "503 with a time": answers(http({"error": "later", "statusCode": 0}, 503, Retry_After="1")),
    "500 with JSON": answers(http({"error": "broken", "statusCode": 7, "message": "broken"}, 500)),
    "redirect": answers(http(b"", 302, "text/html", Location="/elsewhere")),
    "redirect to no address": answers(http(b"", 307, "text/html", Location="http://[")),
    "404 page": answers(http(b"<h1>Not Found</h1>", 404, "text/html")),
    "bad gzip": answers(http(b"no gzip", Content_Encoding="gzip")),
}
