"""The labels of an order's facts, the same on its page and in the mails, so that people find them again."""

from collections.abc import Mapping

LABELS: Mapping[str, str] = {
    "order": "Order",
    "person": "Person",
    "address": "Address",
    "mail": "Mail",
    "phone": "Phone",
    "site": "Site",
    "plan": "Plan",
    "plans": "Plans",
    "customer": "PowerCode customer",
    "customer_page": "Customer's page",
    "ticket": "Ticket",
    "order_page": "Order's page",
    "theirs": "PowerCode",
}
"""The labels by the names used in templates."""
