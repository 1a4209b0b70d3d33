"""What a callback's body may look like on its way here: packed, marked, padded, wrapped, or not a POST at all."""

import gzip
import json
import tracemalloc
import zlib
from typing import Any

import pytest
from pydantic import SecretStr

from app.models import Order
from tests.conftest import Service
from tests.tools.callback_requests import NEW, ORDER, TAKEN, count, stored

BODY = json.dumps(NEW).encode()


def deflated_without_a_header(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def post(service: Service, body: bytes, encoding: str | None = None, **options: Any) -> Any:
    headers = {"Content-Encoding": encoding} if encoding is not None else {}
    return service.client.post("/api-callback", data=body, headers=headers, content_type="application/json", **options)


def test_a_slash_at_the_end_is_the_same_path(service: Service) -> None:
    answer = service.client.post("/api-callback/", json=NEW)

    assert (answer.status_code, answer.json) == (200, TAKEN)
    assert service.client.get("/api-callback/").status_code == 200
    assert count(service, Order) == 1


PACKED = {
    "gzip": ("gzip", gzip.compress(BODY)),
    "gzip in two parts": ("gzip", gzip.compress(BODY[:9]) + gzip.compress(BODY[9:])),
    "gzip under its old name": ("x-gzip", gzip.compress(BODY)),
    "gzip in capitals": ("GZIP", gzip.compress(BODY)),
    "deflate": ("deflate", zlib.compress(BODY)),
    "deflate without its header": ("deflate", deflated_without_a_header(BODY)),
    "one after the other": ("deflate, gzip", gzip.compress(zlib.compress(BODY))),
    "identity": ("identity", BODY),
    "nothing": ("", BODY),
}


@pytest.mark.parametrize("name", PACKED)
def test_a_packed_body_is_unpacked(service: Service, name: str) -> None:
    encoding, body = PACKED[name]

    answer = post(service, body, encoding)

    assert (answer.status_code, answer.json) == (200, TAKEN)
    assert [callback.orderref for callback in stored(service)] == [ORDER]


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, br", "compress"])
def test_another_encoding_is_refused_by_name(service: Service, encoding: str) -> None:
    answer = post(service, gzip.compress(BODY), encoding)

    assert answer.status_code == 415
    assert encoding.rpartition(" ")[2] in answer.json["error"]
    assert [callback.status for callback in stored(service)] == [415]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip, gzip, gzip, gzip"])
@pytest.mark.parametrize("cut", [0, 5, -4])
def test_what_cannot_be_unpacked_is_refused(service: Service, encoding: str, cut: int) -> None:
    packed = gzip.compress(BODY) if "gzip" in encoding else zlib.compress(BODY)

    answer = post(service, packed[:cut] if cut else b"no such thing", encoding)

    assert answer.status_code in (400, 415)
    assert [callback.status for callback in stored(service)] == [answer.status_code]


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, deflated_without_a_header])
def test_a_bomb_is_unpacked_to_64_kb_and_no_further(service: Service, pack: Any) -> None:
    bomb = pack(b" " * 20_000_000)
    assert len(bomb) < 64 * 1024

    tracemalloc.start()
    answer = post(service, bomb, "gzip" if pack is gzip.compress else "deflate")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (answer.status_code, answer.json) == (413, {"error": "The body is larger than 64 kB"})
    assert peak < 5_000_000
    assert len(stored(service)[0].body) <= 4096


def test_many_packings_inside_one_another_are_refused(service: Service) -> None:
    body = BODY
    for _ in range(20):
        body = gzip.compress(body)

    assert post(service, body, ", ".join(["gzip"] * 20)).status_code == 415


ODD = {
    "two byte order marks": b"\xef\xbb\xbf" * 2 + BODY,
    "five byte order marks and a blank": b"\xef\xbb\xbf" * 5 + b" " + BODY,
    "two byte order marks in UTF-16": ("\ufeff\ufeff" + BODY.decode()).encode("utf-16-le"),
    "a NUL at the end": BODY + b"\x00",
    "a padded buffer": BODY.ljust(4096, b"\x00"),
    "NULs in UTF-16": (BODY.decode() + "\x00\x00").encode("utf-16"),
    "a text with JSON in it": json.dumps(BODY.decode()).encode(),
    "a text in a text": json.dumps(json.dumps(BODY.decode())).encode(),
    "a marked text with a NUL": b"\xef\xbb\xbf" + json.dumps("\ufeff" + BODY.decode() + "\x00").encode() + b"\x00\n",
}


@pytest.mark.parametrize("name", ODD)
def test_an_order_is_not_lost_over_what_stands_around_it(service: Service, name: str) -> None:
    answer = post(service, ODD[name])

    assert (answer.status_code, answer.json) == (200, TAKEN)
    assert [callback.orderref for callback in stored(service)] == [ORDER]
    assert "\x00" not in stored(service)[0].body


# What is kept of a body


def test_a_body_that_says_no_more_than_its_columns_is_not_kept_twice(service: Service) -> None:
    post(service, BODY)

    (callback,) = stored(service)
    kept = {name: getattr(callback, name) for name in json.loads(BODY)}
    assert (kept, callback.body) == (json.loads(BODY), "")


MORE = {
    "another field": json.dumps({**NEW, "more": 1}),
    "a field twice": BODY.decode().replace("{", '{"msg": "Test", ', 1),
    "a blank too many": json.dumps({**NEW, "orderref": f" {ORDER}"}),
    "a text longer than its column": json.dumps({**NEW, "event": "x" * 201}),
    "a field that is no text": json.dumps({**NEW, "event": None}),
}


@pytest.mark.parametrize("name", MORE)
def test_a_body_that_says_more_is_kept(service: Service, name: str) -> None:
    assert post(service, MORE[name].encode()).status_code == 200

    assert [callback.body for callback in stored(service)] == [MORE[name]]


# What came by GET: a redirect made it one


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", BODY),
        ("?orderref=UIA-1&msg=Project+New+Order", b""),
        ("?event=&msg=Test", b""),
        ("?OrderRef=UIA-1", b""),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH"])
def test_an_order_that_came_as_no_post_is_405_and_recorded(
    service: Service, method: str, query: str, body: bytes
) -> None:
    answer = service.client.open(f"/api-callback{query}", method=method, data=body)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "POST" in answer.json["error"]
    (callback,) = stored(service)
    assert (callback.status, callback.outcome) == (405, "rejected")
    assert callback.body == (body.decode() or query[1:])
    assert count(service, Order) == 0


def test_a_token_in_the_address_is_not_recorded_with_it(service: Service) -> None:
    service.client.get("/api-callback?token=s3cret&orderref=UIA-1&msg=Test&password=other")

    assert [callback.body for callback in stored(service)] == ["orderref=UIA-1&msg=Test"]


@pytest.mark.parametrize("query", ["", "?token=x", "?probe=1"])
def test_a_probe_is_no_order(service: Service, query: str) -> None:
    with service.changed(callback_token=SecretStr("x")):
        assert service.client.get(f"/api-callback{query}").status_code == 200
        assert service.client.head(f"/api-callback{query}").status_code == 200
    assert stored(service) == []


def test_the_bare_address_leads_to_the_console(service: Service) -> None:
    answer = service.client.get("/")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/console")
