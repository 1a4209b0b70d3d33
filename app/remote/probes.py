"""Tells whether a remote system is down or only one order has trouble, by a harmless call without any order's data.

A call without an answer does not prove that the system is down: one order's data can break a call for ever. So the
harmless call decides. While it gets no answer, only the harmless call is repeated, and no order.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Protocol

import powercode
import utopia
from app.models import System
from app.remote import breaker, exchanges
from app.remote.mail import Mailer, MailFailed
from app.storage.database import Database
from app.wording.outage_words import key_refused
from config import Settings

log = logging.getLogger(__name__)

NOBODY = "nobody 0000000000"
"""A search that finds nobody."""
NO_ORDER = "UIA000000-000000"
"""A reference that no order can have."""


class Connections(Protocol):
    """What is needed to ask the systems and to store their state; `Services` has it all."""

    @property
    def settings(self) -> Settings:
        """The systems' addresses, and how often to ask."""

    @property
    def database(self) -> Database:
        """Where the state is stored."""

    @property
    def utopia(self) -> utopia.UtopiaClient:
        """UTOPIA."""

    @property
    def powercode(self) -> powercode.PowerCodeClient:
        """PowerCode."""

    @property
    def mailer(self) -> Mailer:
        """The mail server."""

    @property
    def demand(self) -> breaker.Demand:
        """The new orders and notices that wait for them."""


def works(connections: Connections, system: System) -> bool:
    """Whether the system answers a harmless call after another call got no answer; an outage is recorded."""
    with connections.database.read() as session:
        if breaker.is_down(session, system):
            return False
    return _ask(connections, system)


def answers_by_now(connections: Connections, system: System) -> bool:
    """Whether a system that was down answers again; asked only when it is due, and by one process at a time."""
    minutes = connections.settings.retry_minutes
    with connections.database.read() as session:
        if not breaker.is_down(session, system):
            return True
        is_due = breaker.is_due(session, system, minutes)
    if not is_due:
        return connections.demand.take(system) and _ask(connections, system)
    with connections.database.write() as session:
        mine = breaker.claim(session, system, minutes)
    return mine and _ask(connections, system)


def answers_newcomer(connections: Connections, system: System) -> bool:
    """The same for an order or notice that is new: the system is asked now, or in a few seconds if it just was.

    After a long outage the pauses are an hour; what comes in after its end must not wait that long.
    """
    connections.demand.want(system)
    return answers_by_now(connections, system)


def _ask(connections: Connections, system: System) -> bool:
    with exchanges.collecting(exchanges.newest()):  # kept apart from the exchanges of the order whose step asks
        fault = FAULTS[system](connections)
    connections.demand.asked(system)
    with connections.database.write() as session:
        if fault is not None:
            breaker.report_down(session, system, fault, connections.settings.retry_minutes)
            log.warning("%s can't be used, as a harmless call shows: %s", system, fault)
        elif breaker.report_up(session, system):
            log.info("%s can be used again", system)
    return fault is None


def _fault_of_utopia(connections: Connections) -> str | None:
    try:
        connections.utopia.contract(NO_ORDER)
    except utopia.AuthenticationFailed:
        return key_refused("UTOPIA")
    except (utopia.NotOurs, utopia.Refused):
        return None
    except utopia.NeverArrived as error:
        return f"UTOPIA can't be reached: {error.detail}"
    except utopia.UtopiaError as error:
        return f"UTOPIA gives no usable answer: {error.detail}"
    return None


def _fault_of_powercode(connections: Connections) -> str | None:
    try:
        connections.powercode.search_customers(NOBODY)
    except powercode.Refused as refused:  # "nobody" is no refusal
        return key_refused("PowerCode", refused.detail)
    except powercode.NeverArrived as error:
        return f"PowerCode can't be reached: {error.detail}"
    except powercode.PowerCodeError as error:
        return f"PowerCode gives no usable answer: {error.detail}"
    return None


def _fault_of_mail(connections: Connections) -> str | None:
    try:
        with connections.mailer.connection() as post:
            post.offer()
    except MailFailed as failed:
        return failed.detail
    return None


FAULTS: Mapping[System, Callable[[Connections], str | None]] = {
    System.UTOPIA: _fault_of_utopia,
    System.POWERCODE: _fault_of_powercode,
    System.MAIL: _fault_of_mail,
}
"""By system: makes the harmless call; returns in words why it got no answer, or None when it got one."""


def ask_utopia(connections: Connections) -> None:
    """Find out whether UTOPIA answers again, if it is down and it is time to."""
    answers_by_now(connections, System.UTOPIA)


def ask_mail(connections: Connections) -> None:
    """The same of the mail server."""
    answers_by_now(connections, System.MAIL)


def ask_powercode(connections: Connections) -> None:
    """The same of PowerCode; each in a thread of its own, as one that hangs takes long to ask."""
    answers_by_now(connections, System.POWERCODE)
