"""A callback's body: read, unpacked and parsed; or the reason why it can't be used."""

import json
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from flask import Request

BODY_LIMIT = 64 * 1024
KEPT_OF_BODY = 4 * 1024
MOST_PACKINGS = 4
WRAPPED_AT_MOST = 3
AROUND = "\ufeff\x00 \t\r\n"
"""What some senders leave before and after their JSON: byte order marks, and the rest of a buffer."""

GZIP, ZLIB, RAW = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
PACKINGS = {"gzip": (GZIP,), "x-gzip": (GZIP,), "deflate": (ZLIB, RAW)}
"""By their names in Content-Encoding; `deflate` has a header, which some leave out."""

BROKEN_OFF = "The body broke off, or its chunks are damaged"
TOO_LARGE = f"The body is larger than {BODY_LIMIT // 1024} kB"


class CallbackRefused(Exception):
    """A callback that is not taken; the text is the answer and says what to do."""

    def __init__(self, status: int, error: str) -> None:
        self.status, self.error = status, error
        super().__init__(error)


def read(incoming: Request) -> tuple[bytes, bool]:
    """The body as it came, or only its beginning if it is too large; and whether it is whole.

    If the body breaks off, the server's own error is raised; its text holds a part of the body.
    """
    body = b""
    try:
        while len(body) <= BODY_LIMIT and (part := incoming.stream.read(BODY_LIMIT + 1 - len(body))):
            body += part
    except Exception:
        return body, False
    return body, True


def unpack(body: bytes, content_encoding: str) -> bytes:
    """The body without its packing, never more than a byte over the limit; raises `CallbackRefused`."""
    packings = [each.strip().lower() for each in content_encoding.split(",")]
    packings = [each for each in packings if each not in ("", "identity")]
    unknown = [each for each in packings if each not in PACKINGS]
    if unknown or len(packings) > MOST_PACKINGS:
        named = unknown[0][:40] if unknown else f"{len(packings)} times {packings[0]}"
        raise CallbackRefused(
            415, f"The body's Content-Encoding {named} is not taken; send it plain, in gzip or in deflate"
        )
    for packing in reversed(packings):
        if len(body) > BODY_LIMIT:
            raise CallbackRefused(413, TOO_LARGE)
        body = _unpacked(body, packing)
    return body


def _unpacked(body: bytes, packing: str) -> bytes:
    for form in PACKINGS[packing]:
        with suppress(zlib.error, EOFError):
            return b"".join(_parts(body, form))
    raise CallbackRefused(400, f"The body is not whole, or no {packing}, as its Content-Encoding says")


def _parts(body: bytes, form: int) -> Iterator[bytes]:
    """The parts that a packed body consists of, up to the limit; raises `EOFError` when the last one is not whole."""
    room = BODY_LIMIT + 1
    while body and room:
        packed = zlib.decompressobj(form)
        part = packed.decompress(body, room)
        room -= len(part)
        yield part
        if room and not packed.eof:
            raise EOFError
        body = packed.unused_data.lstrip(b"\x00")


def content_of(body: bytes, content_type: str) -> dict[str, Any]:
    """The JSON object in a body; raises `CallbackRefused` with what is wrong.

    Any content type is accepted: wrong ones have been seen, and no order must be lost over one.
    """
    if len(body) > BODY_LIMIT:
        raise CallbackRefused(413, TOO_LARGE)
    try:
        content = _parsed(body.decode(json.detect_encoding(body), "surrogatepass"))
    except (ValueError, RecursionError):
        if "json" not in content_type:
            raise CallbackRefused(415, "The body must be JSON, sent as Content-Type: application/json") from None
        raise CallbackRefused(400, "The body is not valid JSON") from None
    if not isinstance(content, dict):
        raise CallbackRefused(400, 'The body must be a JSON object such as {"orderref": "...", "msg": "..."}')
    return content


def _parsed(text: str) -> Any:
    """The body as JSON. Some callers encode it twice: then the JSON is a text that holds the JSON."""
    text = text.strip(AROUND)
    if not text:
        raise CallbackRefused(400, "The body is empty; a JSON object is needed")
    content = json.loads(text)
    for _ in range(WRAPPED_AT_MOST):
        if not isinstance(content, str) or not content.strip(AROUND).startswith(("{", '"')):
            break
        content = json.loads(content.strip(AROUND))
    return content


def kept(body: bytes) -> str:
    """What is stored of a body."""
    return body[:KEPT_OF_BODY].decode("utf-8", "replace")
