"""PowerCode's UAPI: a customer's tags (reference: PowerCode, UAPI)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from sandbox.accounts import Customer
from sandbox.http_messages import Answer, Request, json_answer

if TYPE_CHECKING:
    from sandbox.powercode import PowerCode

UAPI_PREFIX = "/uapi/"


def uapi_answer(server: PowerCode, request: Request) -> Answer:
    """`{"Success": true, "Response": [...]}`; HTTP 401 unless the key alone, no colon, is the basic authorization."""
    expected = "Basic " + base64.b64encode(server.api_key.encode()).decode()
    if request.headers.get("Authorization") != expected:
        return _failure("Unauthorized", 401)
    if request.path != UAPI_PREFIX + "customer/tags/customer" or request.method not in ("GET", "POST", "DELETE"):
        return _failure("Not Found", 404)
    customer_id, named = request.parameter("customerID"), request.query.get("tags[]", [])
    customer = server.customers.get(int(customer_id)) if customer_id.isdecimal() else None
    if customer is None:
        return _failure("Customer not found")
    if request.method != "GET" and not named:
        return _failure("No tags given")
    if not all(tag.isdecimal() and int(tag) in server.tag_names for tag in named):
        return _failure("Unknown tag")
    _change_tags(customer, request.method, [int(tag) for tag in named])
    tags = [{"TagID": server.on_the_wire(tag), "TagName": server.tag_names.get(tag, "")} for tag in customer.tags]
    return json_answer({"Success": True, "Response": tags})


def _change_tags(customer: Customer, method: str, named: list[int]) -> None:
    if method == "POST":
        customer.tags = list(dict.fromkeys(customer.tags + named))
    elif method == "DELETE":
        customer.tags = [tag for tag in customer.tags if tag not in named]


def _failure(message: str, status: int = 200) -> Answer:
    return json_answer({"Success": False, "Message": message}, status)
