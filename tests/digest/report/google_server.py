"""A local server that speaks what the digest uses of Google: the OAuth token address and Sheets v4 `values.get`.

The token address verifies the assertion's signature with the public key, as Google does.
"""

import base64
import contextlib
import gzip
import json
import re
import secrets
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.tools.loopback import Answering, LoopbackServer

ACCOUNT = "digest@example-project.iam.example.com"
AUDIENCE = "https://oauth2.googleapis.com/token"  # google-auth signs for Google wherever the token address is
SCOPE = "https://www.googleapis.com/auth/spreadsheets.readonly"


class GoogleServer(LoopbackServer):
    """Spreadsheets by id, each with its sheets' rows and the accounts it is shared with."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self.key = key
        self.public_key = key.public_key()
        self.spreadsheets: dict[str, dict[str, list[list[str]]]] = {}
        self.shared_with: dict[str, set[str]] = {}
        self.tokens: set[str] = set()
        self.claims: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.canned: tuple[int, bytes] | None = None
        self.canned_token: tuple[int, bytes] | None = None
        self.seconds_between_bytes = 0.0
        self.packed = False
        self.cut_after: int | None = None
        super().__init__(_Handler)

    @property
    def token_address(self) -> str:
        return f"{self.address}/token"

    def add(self, spreadsheet_id: str, rows: list[list[str]], *, sheet: str = "Sheet1", shared: bool = True) -> None:
        self.spreadsheets.setdefault(spreadsheet_id, {})[sheet] = rows
        self.shared_with.setdefault(spreadsheet_id, set()).update({ACCOUNT} if shared else set())

    def key_file(self, folder: Path, *, key: rsa.RSAPrivateKey | None = None) -> Path:
        """A service account file as Google hands it out, with this server as its token address."""
        pem = (key or self.key).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = folder / "account.json"
        path.write_text(
            json.dumps(
                {
                    "type": "service_account",
                    "project_id": "example-project",
                    "private_key_id": "1",
                    "private_key": pem.decode(),
                    "client_email": ACCOUNT,
                    "client_id": "1",
                    "token_uri": self.token_address,
                }
            )
        )
        return path

    def claims_of(self, assertion: str) -> dict[str, Any] | None:
        """The claims when the signature is ours and they are what Google asks for; else None."""
        head, claims, signature = (part.encode() for part in assertion.split("."))
        try:
            self.public_key.verify(_unpadded(signature), head + b"." + claims, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return None
        told = json.loads(_unpadded(claims))
        current = told["iat"] - 60 <= time.time() < told["exp"] <= told["iat"] + 3600
        meant_for_us = told["iss"] == ACCOUNT and told["aud"] == AUDIENCE
        return told if meant_for_us and current else None


class _Handler(Answering):
    of: GoogleServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.of.paths.append(self.path)
        if self.of.canned_token:
            return self._answer(*self.of.canned_token)
        if form.get("grant_type") != ["urn:ietf:params:oauth:grant-type:jwt-bearer"]:
            return self._answer_json(400, {"error": "unsupported_grant_type"})
        claims = self.of.claims_of(form["assertion"][0])
        if claims is None:
            return self._answer_json(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
        self.of.claims.append(claims)
        token = secrets.token_hex(16)
        self.of.tokens.add(token)
        return self._answer_json(200, {"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def do_GET(self) -> None:
        self.of.paths.append(self.path)
        if self.of.canned:
            return self._answer(*self.of.canned)
        found = re.fullmatch(r"/v4/spreadsheets/([^/]+)/values/([^/]+)", urlsplit(self.path).path)
        if not found or self.headers.get("Authorization", "").removeprefix("Bearer ") not in self.of.tokens:
            return self._refuse(401, "UNAUTHENTICATED")
        return self._values(unquote(found[1]), unquote(found[2]))

    def _values(self, spreadsheet_id: str, cells: str) -> None:
        sheets = self.of.spreadsheets.get(spreadsheet_id)
        if sheets is None:
            return self._refuse(404, "NOT_FOUND")
        if ACCOUNT not in self.of.shared_with[spreadsheet_id]:
            return self._refuse(403, "PERMISSION_DENIED")
        sheet, _, corners = cells.rpartition("!")
        parsed = re.fullmatch(r"([A-Z])(\d*):([A-Z])(\d*)", corners)
        rows = sheets.get(sheet.strip("'"))
        if rows is None or not parsed:
            return self._refuse(400, "INVALID_ARGUMENT")
        first = int(parsed[2] or 1)
        left, right = ord(parsed[1]) - 65, ord(parsed[3]) - 64
        read = _trimmed([_trimmed(row[left:right]) for row in rows[first - 1 :]])
        answer = {"range": f"{sheet}!{parsed[1]}{first}:{parsed[3]}1000", "majorDimension": "ROWS"}
        return self._answer_json(200, answer | ({"values": read} if read else {}))

    def _refuse(self, status: int, kind: str) -> None:
        self._answer_json(status, {"error": {"code": status, "message": "refused", "status": kind}})

    def _answer_json(self, status: int, content: dict[str, Any]) -> None:
        self._answer(status, json.dumps(content).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        if self.of.packed and self.command == "GET":
            self._send_packed(body)
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.of.seconds_between_bytes:
            self._drip(body)
        else:
            self.wfile.write(body[: self.of.cut_after if self.command == "GET" else None])

    def _drip(self, body: bytes) -> None:
        with contextlib.suppress(OSError):
            for byte in body:
                self.wfile.write(bytes([byte]))
                time.sleep(self.of.seconds_between_bytes)

    def _send_packed(self, body: bytes) -> None:
        """As Google answers: packed, and in chunks of unknown number."""
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        packed = gzip.compress(body)
        for start in range(0, len(packed), 7):
            part = packed[start : start + 7]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")


def _trimmed(cells: list[Any]) -> list[Any]:
    """Sheets leaves out what is blank at the end of a row and of the range."""
    while cells and not cells[-1]:
        cells = cells[:-1]
    return cells


def _unpadded(part: bytes) -> bytes:
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
