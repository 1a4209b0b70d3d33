"""What the service says about itself: a log without secrets or customers' data, and metrics."""

from app.observability.logs import configure_logging, order_context
from app.observability.metrics import Labels, Metrics, Snapshot
from app.observability.redaction import MARK, Redactor, customer_data

__all__ = [
    "MARK",
    "Labels",
    "Metrics",
    "Redactor",
    "Snapshot",
    "configure_logging",
    "customer_data",
    "order_context",
]
