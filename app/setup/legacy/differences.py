"""What changes on the day of the switch, and how to keep the old way where that is possible.

The reference of the old scripts says what they did; a difference is listed only if the old installation is affected.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.setup.legacy.environment import PLANS, service_of
from config import Settings

OLD_SUMMARY = "BZN - Customer has requested fiber service"
OLD_WINDOW_MONTHS, OLD_WINDOW_DAYS = 18, 548


@dataclass(frozen=True)
class Difference:
    """One thing that changes: how it was, how it will be, and how to keep it as it was."""

    what: str
    before: str
    from_now_on: str
    to_keep: str


FOR_ALL = (
    Difference(
        "Placeholders in the ticket's text",
        "{customer_name} alone was filled in; {order_ref}, {phone} and the others stayed as they were written",
        "all of them are filled in, and an unknown one stops the order instead of reaching the customer",
        "write {{order_ref}} for the braces themselves",
    ),
    Difference(
        "The weekly mail",
        "one mail a name, with the tickets of all customers before in it",
        "one mail a mail address and week, with that customer's own tickets",
        "there is no old way to keep",
    ),
    Difference(
        "Who may do what",
        "can_view_config opened the settings; everybody could do all the rest",
        "they are administrators; everybody else is staff, who does all but people, settings and the log",
        "utopia-handler users role NAME administrator (or staff, or read_only, who only looks)",
    ),
    Difference(
        "Changing a setting",
        "on the script's settings page",
        "in .env on the server, then systemctl reload utopia-handler; the console shows the settings, "
        "plans and texts are changed there",
        "there is no old way to keep",
    ),
)
"""What changes for every installation."""


def differences(old: Mapping[str, str], running: Settings, *, has_last_run: bool) -> Iterator[Difference]:
    """Everything that changes, for an old installation whose `.env` has the values `old`."""
    yield _quantity(old, running)
    yield _unknown_plan(running)
    yield _summary(running)
    yield _portal_password(old, running)
    yield _first_window(running, has_last_run=has_last_run)
    yield from FOR_ALL


def _quantity(old: Mapping[str, str], running: Settings) -> Difference:
    bond = PLANS["SERVICE_PLAN_BOND_FEE_ID"]
    number = old.get("SERVICE_PLAN_BOND_FEE_ID") or service_of(bond, running) or bond.number
    return Difference(
        "Quantity of each plan and of the bond fee",
        "5. PowerCode makes 1 of it for an internet service; what it does with a fee is not known here",
        "1, so what new customers pay for the bond fee may change",
        f"see in PowerCode what the last customers were billed for service {number}. Where that is five times its "
        "price, set its price there to what they pay; there is no setting for the quantity",
    )


def _unknown_plan(running: Settings) -> Difference:
    second = PLANS["SERVICE_PLAN_250MBPS_ID"]
    service = service_of(second, running) or "SERVICE"
    return Difference(
        "A plan that is neither 1 Gbps nor 250 Mbps",
        "it was billed as 250 Mbps",
        "the order waits for somebody to say which service it is, before anything is written",
        f'utopia-handler plans map "THE PLAN" {service}, for each plan that is meant so',
    )


def _summary(running: Settings) -> Difference:
    return Difference(
        "The ticket's summary",
        f"fixed in the script: “{OLD_SUMMARY}” on one server",
        f"what PC_TICKET_SUMMARY says: “{running.pc_ticket_summary}”",
        f"PC_TICKET_SUMMARY={OLD_SUMMARY}, or what your tickets show",
    )


def _portal_password(old: Mapping[str, str], running: Settings) -> Difference:
    had = bool(old.get("CUSTOMER_PORTAL_PASSWORD"))
    has = running.customer_portal_password is not None
    return Difference(
        "The portal password of a new customer",
        "the same for all (CUSTOMER_PORTAL_PASSWORD)" if had else "the old .env sets none",
        "the same for all, as CUSTOMER_PORTAL_PASSWORD is set" if has else "a random one for each, which nobody sees",
        "leave CUSTOMER_PORTAL_PASSWORD in .env; take it out for random ones" if had else "nothing to do",
    )


def _first_window(running: Settings, *, has_last_run: bool) -> Difference:
    if has_last_run:
        return Difference(
            "The first digest",
            "from the day after last_run_date.json on",
            "from that day itself on: its tickets may be told a second time, and none that was closed late is missed",
            "nothing to do",
        )
    return Difference(
        "The first digest",
        f"{OLD_WINDOW_MONTHS} months back",
        f"the last {running.digest_first_window_days} days (DIGEST_FIRST_WINDOW_DAYS)",
        f"import last_run_date.json, or DIGEST_FIRST_WINDOW_DAYS={OLD_WINDOW_DAYS}",
    )
