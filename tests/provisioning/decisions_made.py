"""Orders, the customer whom they are about, and what a person decides about them."""

from typing import Any

from app.provisioning import review
from tests.conftest import Service

FIRST, SECOND, THIRD = "UIA202411-001186", "UIA202411-001187", "UIA202411-001188"
ADA = {
    "firstName": "Ada",
    "lastName": "Lind",
    "emailAddress": "ada.lind@example.com",
    "phone": '[{"Type": "Home", "Number": "4065550143"}]',
    "physicalStreet": "12 N EXAMPLE AVENUE",
    "extAccountID": "714780",
}
"""The customer of the sandbox's usual contract, as PowerCode keeps her."""


def resume(service: Service, orderref: str = FIRST, **decision: Any) -> None:
    """What `orders resume` does."""
    service.act(review.resume, orderref, "office", **decision)
