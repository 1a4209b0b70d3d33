"""Calls of the simulated PowerCode, and a customer for it."""

import json
from collections.abc import Callable
from typing import Any

import requests

Uapi = Callable[..., requests.Response]
Call = Callable[..., dict[str, Any]]

CUSTOMER = {
    "firstName": "Ada",
    "lastName": "Lind",
    "emailAddress": "ada.lind@example.com",
    "physicalStreet": "12 N EXAMPLE AVENUE",
    "physicalCity": "Bozeman",
    "physicalState": "MT",
    "physicalZip": "59715",
    "physicalAutomaticallyGeocode": 1,
    "billingSameAsPhysical": 1,
    "taxZoneId": 1,
    "invoicePreference": "Email",
    "billDay": "Activation Date",
    "dueByDays": 0,
    "gracePeriodDays": 10,
    "customerNotes": "Order# UIA202411-001186\nUtopia SiteID: 714780",
    "customerPortalUsername": "ada.lind@example.com",
    "customerPortalPassword": "a-made-up-one",
    "phone": json.dumps([{"Type": "Home", "Number": "4065550143"}]),
    "extAccountID": "714780",
}


def failed(answer: dict[str, Any]) -> bool:
    return int(answer["statusCode"]) != 0 and bool(answer["message"])
