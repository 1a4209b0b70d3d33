"""A local server that speaks what the digest uses of S3: GET of an object, path-style, signed requests."""

import re
from urllib.parse import unquote, urlsplit

from tests.tools.loopback import Answering, LoopbackServer

ACCESS_KEY = "AKIAEXAMPLE"


class BucketServer(LoopbackServer):
    """Buckets by name, each with its objects by key; `denied` buckets answer AccessDenied."""

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, bytes]] = {}
        self.denied: set[str] = set()
        self.cut_after: int | None = None
        super().__init__(_Handler)


class _Handler(Answering):
    of: BucketServer

    def do_GET(self) -> None:
        bucket, _, key = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
        signed = re.match(r"AWS4-HMAC-SHA256 Credential=([^/]+)/", self.headers.get("Authorization", ""))
        if not signed or signed[1] != ACCESS_KEY:
            return self._refuse(403, "InvalidAccessKeyId")
        if bucket in self.of.denied:
            return self._refuse(403, "AccessDenied")
        if bucket not in self.of.buckets:
            return self._refuse(404, "NoSuchBucket")
        if key not in self.of.buckets[bucket]:
            return self._refuse(404, "NoSuchKey")
        return self._answer(200, self.of.buckets[bucket][key])

    def _refuse(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code><Message>refused</Message></Error>".encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.of.cut_after])
