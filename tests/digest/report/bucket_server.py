"""A local server that speaks what the digest uses of S3: GET of an object, path-style, signed requests."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

ACCESS_KEY = "AKIAEXAMPLE"


class BucketServer:
    """Buckets by name, each with its objects by key; `denied` buckets answer AccessDenied."""

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, bytes]] = {}
        self.denied: set[str] = set()
        self.cut_after: int | None = None
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"store": self}))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    store: BucketServer

    def log_message(self, *_args: object) -> None:
        pass

    def do_GET(self) -> None:
        bucket, _, key = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
        signed = re.match(r"AWS4-HMAC-SHA256 Credential=([^/]+)/", self.headers.get("Authorization", ""))
        if not signed or signed[1] != ACCESS_KEY:
            return self._refuse(403, "InvalidAccessKeyId")
        if bucket in self.store.denied:
            return self._refuse(403, "AccessDenied")
        if bucket not in self.store.buckets:
            return self._refuse(404, "NoSuchBucket")
        if key not in self.store.buckets[bucket]:
            return self._refuse(404, "NoSuchKey")
        return self._answer(200, self.store.buckets[bucket][key])

    def _refuse(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code><Message>refused</Message></Error>".encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.store.cut_after])
