"""The mails to staff: `records` keeps what is to be told, `mails` says it, `delivery` sends it once.

This package knows nothing of how orders are done: the caller of a delivery passes what is needed (`AboutOrders`).
"""

from app.notices.delivery import deliver
from app.notices.due_notices import pick_up_stranded_notices, wake_due_notices
from app.notices.enclosures import Enclosure, Without
from app.notices.mail_bodies import both
from app.notices.mails import AboutOrders
from app.notices.records import QUEUE, drop, next_run, record, send_again
