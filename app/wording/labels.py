"""What stands before a fact of an order, on its page and in the mails: one place, so that a search knows it again."""

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
"""By the names that templates have for them."""
