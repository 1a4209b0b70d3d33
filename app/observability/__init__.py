"""What the service says about itself: a log without secrets or customers' data, and metrics."""

from app.observability.logs import configure_logging, order_context
from app.observability.metrics import CONTRACT_NOT_READY, Metrics, Snapshot
