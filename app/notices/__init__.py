"""The mails to staff: `records` keeps what is to be told, `letters` says it, `delivery` sends it once."""

from app.notices.delivery import deliver
from app.notices.facts import customer_page_of, order_facts
from app.notices.letters import templates
from app.notices.records import QUEUE, drop, enqueue, next_run, record, send_again, workflow_id
from app.notices.waking import pick_up_stranded_notices, wake_due_notices

__all__ = [
    "QUEUE",
    "customer_page_of",
    "deliver",
    "drop",
    "enqueue",
    "next_run",
    "order_facts",
    "pick_up_stranded_notices",
    "record",
    "send_again",
    "templates",
    "wake_due_notices",
    "workflow_id",
]
