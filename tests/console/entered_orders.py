"""An order that is looked at and entered by hand, as a person at the page does it."""

import html
import re

from tests.conftest import Service

REF, OTHER = "UIA202411-001186", "UIA202411-001187"
NEW = "/console/orders/new"
FIELD = re.compile(r'<input (?=[^>]*name="(\w+)")(?=[^>]*value="([^"]*)")[^>]*>')


def fields_in(page: str) -> dict[str, str]:
    """The values that the page's form would send."""
    found = {name: html.unescape(value) for name, value in FIELD.findall(page)}
    return {name: value for name, value in found.items() if name != "csrf_token"}


def customer_of(service: Service) -> dict[str, str]:
    (customer,) = service.sandbox.powercode.customers.values()
    return dict(customer.fields)
