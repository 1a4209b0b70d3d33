"""One call of the client: what is asked for, and the request that went out."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from powercode import NewCustomer, order_notes

KEY = "powercode-key-7731"
Said = Callable[..., tuple[Any, str]]
NOTES = order_notes("UIA202411-001186", "714780", "2025-10-20 14:03:11")
ADA = NewCustomer(
    first_name="Ada",
    last_name="Lind",
    email="ada.lind@example.com",
    phone="4065550143",
    street="12 N EXAMPLE AVENUE",
    city="Bozeman",
    state="MT",
    zip="59715",
    ext_account_id="714780",
    portal_password="portal-word-19",
    notes=NOTES,
)


def form_of(request: str) -> dict[str, str]:
    head, _, body = request.partition("\r\n\r\n")
    assert head.startswith("POST /api/1/index.php HTTP/1.1")
    assert "application/x-www-form-urlencoded" in head
    return dict(parse_qsl(body, keep_blank_values=True, strict_parsing=True))
