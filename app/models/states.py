"""The states and kinds that rows can have."""

from collections.abc import Mapping
from enum import StrEnum


class OrderState(StrEnum):
    """Where an order stands."""

    RECEIVED = "received"
    RUNNING = "running"
    WAITING = "waiting"
    NEEDS_REVIEW = "needs_review"
    COMPLETED = "completed"
    EXISTS = "exists"
    NOT_OURS = "not_ours"
    DISMISSED = "dismissed"


ACTIVE_STATES = (OrderState.RECEIVED, OrderState.RUNNING, OrderState.WAITING)
"""An order in one of these goes on by itself."""
AT_WORK = (OrderState.RECEIVED, OrderState.RUNNING)
"""An order in one of these is worked on, or waits for its turn."""
STANDING = (OrderState.NEEDS_REVIEW, OrderState.EXISTS)
"""In these states an order needs a person. In the second, a paying customer waits for an account that was not made."""


class StepState(StrEnum):
    """Where a step of an order stands. `running` after a crash means: begun, outcome not known."""

    RUNNING = "running"
    DONE = "done"
    NEVER_ARRIVED = "never_arrived"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Billing(StrEnum):
    """Whether PowerCode bills a customer, as far as their status tells."""

    UNREAD = "unread"
    ACTIVE = "active"
    NOT_ACTIVE = "not_active"
    CANT_TELL = "cant_tell"


class RouterSeen(StrEnum):
    """Whether UTOPIA's access portal shows a router at a site."""

    SEEN = "seen"
    NOT_SEEN = "not_seen"
    CANT_TELL = "cant_tell"


class MessageRule(StrEnum):
    """What is done with a callback by what it says; `case:` and a kind of case opens one instead."""

    IGNORE = "ignore"
    TELL = "tell"


class System(StrEnum):
    """The remote systems an order can wait for."""

    UTOPIA = "utopia"
    POWERCODE = "powercode"
    MAIL = "mail"


SYSTEM_NAMES: Mapping[str, str] = {
    System.UTOPIA: "UTOPIA",
    System.POWERCODE: "PowerCode",
    System.MAIL: "the mail server",
}
"""In words for staff."""


FIRST_ORDER = "first_order"
"""Stands in for a system: the order waits for another one to show whether PowerCode takes a plan's number."""


class CallbackOutcome(StrEnum):
    """What was done with a callback."""

    ORDER = "order"
    REPEAT = "repeat"
    TEST = "test"
    RECORDED = "recorded"
    REJECTED = "rejected"
    FLOOD = "flood"
    NOT_STORED = "not_stored"


class NoticeKind(StrEnum):
    """The mails to staff."""

    ACCOUNT_CREATED = "account_created"
    CUSTOMER_EXISTS = "customer_exists"
    NEEDS_YOU = "needs_you"
    TEST_CALLBACK = "test_callback"
    STILL_WAITING = "still_waiting"
    CONTRACT = "contract"
    DIGEST_REPORT = "digest_report"
    DIGEST_TROUBLE = "digest_trouble"
    ANSWERS_AGAIN = "answers_again"
    MAIL_WAS_STUCK = "mail_was_stuck"
    DISK_NEARLY_FULL = "disk_nearly_full"
    DISK_HAS_ROOM = "disk_has_room"
    CALLBACK_FLOOD = "callback_flood"
    FLOOD_IS_OVER = "flood_is_over"
    CERTIFICATE_TROUBLE = "certificate_trouble"
    CERTIFICATE_FINE = "certificate_fine"
    WORK_STANDS_STILL = "work_stands_still"
    BACKUP_TROUBLE = "backup_trouble"
    BACKUP_FINE = "backup_fine"
    ORDERS_MISSING = "orders_missing"
    CALLBACK_MESSAGE = "callback_message"
    MORNING_SUMMARY = "morning_summary"


class AlertKind(StrEnum):
    """What can be wrong with the system itself."""

    SYSTEM_DOWN = "system_down"
    MAIL_STUCK = "mail_stuck"
    DIGEST_HELD_UP = "digest_held_up"
    DISK_NEARLY_FULL = "disk_nearly_full"
    CALLBACK_FLOOD = "callback_flood"
    CERTIFICATE = "certificate"
    WORK_STANDS_STILL = "work_stands_still"
    BACKUP = "backup"


class RunState(StrEnum):
    """Where a run of the weekly digest stands."""

    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"


class MessageState(StrEnum):
    """Where a customer's digest stands. `sending` after a crash becomes `unknown`, which is never sent again."""

    PLANNED = "planned"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"


class NoticeState(StrEnum):
    """Where a notice stands. One that failed is `dropped` when a person says that nobody needs it any more."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


class OutgoingState(StrEnum):
    """Where an event or a message stands; one that failed is not tried again by itself."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


class EventKind(StrEnum):
    """The events that go out to EVENTS_URL."""

    ORDER_COMPLETED = "order.completed"
    ORDER_NEEDS_REVIEW = "order.needs_review"
    ORDER_DISMISSED = "order.dismissed"
    DIGEST_SENT = "digest.sent"
    CASE_DUE = "case.due"
    TEST = "test"


class Role(StrEnum):
    """What a person may do in the console: each role may do what those below it may."""

    READ_ONLY = "read_only"
    STAFF = "staff"
    ADMINISTRATOR = "administrator"


class PreviewState(StrEnum):
    """Where a preview of the digest stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
