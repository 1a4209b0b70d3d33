"""A receiver of events on loopback: what came, and how it answers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """What came, the first thing first; `status` and `headers` are how it answers, 400 to kinds that it `refuses`."""

    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    refuses: tuple[str, ...] = ()

    @property
    def bodies(self) -> list[Any]:
        """The JSON of what came."""
        return [json.loads(body) for _, body in self.came]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver during the block."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_args: Any) -> None:
            """Nothing on stderr."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.came.append(({name.lower(): value for name, value in self.headers.items()}, body))
            is_refused = receiver.refuses and json.loads(body)["type"] in receiver.refuses
            self.send_response(400 if is_refused else receiver.status)
            for name, value in {**receiver.headers, "Content-Length": "0"}.items():
                self.send_header(name, value)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/events"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
