"""HTTP servers of the tests' own on loopback, each in a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import Any


class Answering(BaseHTTPRequestHandler):
    """Answers in one piece, and prints nothing."""

    def log_message(self, *_args: Any) -> None:
        """Nothing on stderr."""

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving(server: HTTPServer) -> Iterator[str]:
    """The server's address; it serves during the block."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answered_by(handler: type[BaseHTTPRequestHandler]) -> HTTPServer:
    """A server at a free port, for `serving`."""
    return ThreadingHTTPServer(("127.0.0.1", 0), handler)


class LoopbackServer:
    """Serves until it is stopped; its handler has it as `of`."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._serving = serving(answered_by(type("Handler", (handler,), {"of": self})))
        self.address = self._serving.__enter__()

    def stop(self) -> None:
        """Serve no longer."""
        self._serving.__exit__(None, None, None)
