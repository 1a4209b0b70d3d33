"""Every page of the console, for the tests that look at all of them: add each new one.

`path` is opened with each `{name}` in it filled from what `prepare` returns. `prepare` makes what the page shows, with
hostile values where a person, an address or a text comes from outside.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

from sqlalchemy import select

from app.models import AuditEntry, Order, OrderState, Role, StepState, now
from app.people import audit, users
from app.provisioning import teamwork
from app.provisioning.actions import DISMISS
from app.provisioning.causes import joint_decisions
from app.provisioning.causes.open_causes import open_causes
from tests.conftest import Service
from tests.console import made_aftercare, made_orders
from tests.console.made_digests import a_text_version, hostile_preview, hostile_run
from tests.console.made_outgoing import events_that_went_out
from tests.console.persons import add_user

HOSTILE = "<script>alert(1)</script>"


def nothing(_service: Service) -> Mapping[str, str]:
    """A page that needs nothing to be there."""
    return {}


@dataclass(frozen=True)
class ConsolePage:
    """A page: its name for pictures and tests, where it is, who may see it, and what has to exist before."""

    name: str
    path: str
    role: Role = Role.READ_ONLY
    prepare: Callable[[Service], Mapping[str, str]] = nothing


def a_person(service: Service) -> Mapping[str, str]:
    """Somebody of the staff."""
    name = add_user(service, Role.STAFF)
    return {"user": str(service.read(users.named, name).id)}


def hostile_order(service: Service) -> Mapping[str, str]:
    """An order of a customer whose name and address are scripts, one that needs a person, and one that is put off."""
    home = made_orders.apart(106, firstname=HOSTILE, address=f"106 {HOSTILE} ST")
    done = made_orders.settled_as(service, "UIA202411-000666", OrderState.COMPLETED, **home)
    unknown = made_orders.apart(107, plan=f"{HOSTILE} Gbps")
    unsettled = made_orders.settled_as(service, "UIA202411-000667", OrderState.NEEDS_REVIEW, **unknown)
    unknown = made_orders.apart(119, plan=f"{HOSTILE} Gbps", lastname="Moe")
    away = made_orders.settled_as(service, "UIA202411-000665", OrderState.NEEDS_REVIEW, **unknown)
    zone = service.services.settings.zone
    day = now().astimezone(zone).date() + timedelta(days=2)
    with service.services.database.write() as session:
        teamwork.note(session, unsettled, "Stan Staff", f"{HOSTILE}\n{HOSTILE}")
        teamwork.take(session, HOSTILE, Order.orderref == unsettled)
        teamwork.put_off(session, HOSTILE, day, zone, Order.orderref == away, reason=HOSTILE)
    return {"orderref": done, "unsettled": unsettled, "away": away}


def hostile_cause(service: Service) -> Mapping[str, str]:
    """Two orders that stopped over one plan, and a decision for two others."""
    for number in (111, 112, 113):
        plan = f"{HOSTILE} {number // 112} Gbps"
        unknown = made_orders.apart(number, plan=plan, firstname=HOSTILE)
        made_orders.settled_as(service, f"UIA202411-000{number}", OrderState.NEEDS_REVIEW, **unknown)
    alone, two = sorted(service.read(open_causes), key=lambda one: one.count)[-2:]
    options = {"newest": alone.newest, "note": HOSTILE}
    joint = service.write(joint_decisions.decide, "Stan Staff", DISMISS, alone.cause.key, **options)
    return {"cause": quote(two.cause.key), "joint": str(joint.id)}


def hostile_contracts(service: Service) -> Mapping[str, str]:
    """An order that nobody entered yet, one that stopped over a missing field, and plans, mapped and not."""
    hostile = {"firstname": HOSTILE, "address": f"1 {HOSTILE} ST", "city": HOSTILE}
    apart, settled_as = made_orders.apart, made_orders.settled_as
    settled_as(service, "UIA202411-000668", OrderState.COMPLETED, **apart(108))
    service.order("UIA202411-000669", plan=f"{HOSTILE} Gbps", **apart(108, **hostile))
    lacking = apart(109, plan=f"{HOSTILE} Gbps", **{**hostile, "phone": "", "zip": ""})
    settled_as(service, "UIA202411-000670", OrderState.NEEDS_REVIEW, **lacking)
    unknown = apart(110, plan=f"{HOSTILE} Gbps", firstname="Ole")
    settled_as(service, "UIA202411-000671", OrderState.NEEDS_REVIEW, **unknown)
    return {"entered": "UIA202411-000669", "unsettled": "UIA202411-000670", "plan": quote(f"{HOSTILE} Gbps")}


def hostile_answers(service: Service) -> Mapping[str, str]:
    """A customer of both systems whose name, address, notes and mail are scripts."""
    hostile = {"firstname": HOSTILE, "lastname": "javascript:alert(1)", "address": f"1 {HOSTILE} ST"}
    service.order("UIA202411-000672", siteid="714780", **hostile)
    customer = service.sandbox.powercode.add_customer(
        firstName=HOSTILE, lastName="https://example.com", physicalStreet=f"1 {HOSTILE} ST", customerNotes=HOSTILE * 50
    )
    return {"orderref": "UIA202411-000672", "customer": str(customer.customer_id)}


def hostile_change(service: Service) -> Mapping[str, str]:
    """A change that was sent for such a customer, and nobody knows what came of it."""
    said = {"by": "Ada Administrator", "action": "UTOPIA: suspend service", "subject": HOSTILE, "note": "cid 90001"}
    with service.services.database.write() as session:
        audit.begin(session, "0" * 32, **said)
        audit.end(session, "0" * 32, StepState.UNKNOWN, HOSTILE)
        entry = session.scalars(select(AuditEntry.id).where(AuditEntry.key.is_not(None))).one()
    return {**hostile_answers(service), "entry": str(entry)}


def hostile_log(service: Service) -> Mapping[str, str]:
    """Lines of each level, one with a script and one with a traceback."""
    order = "UIA202411-000672"
    events = (
        (logging.INFO, "done: fetch_contract, check_contract, hand_over"),
        (logging.WARNING, f"a name like {HOSTILE}"),
        (logging.ERROR, "Step plan:164 met a fault\nTraceback (most recent call last):\nValueError: no such plan"),
    )
    lines = [
        f"2026-11-22T13:08:24.001+00:00 {logging.getLevelName(level):<5} [{order}] app.provisioning: {message}\n"
        for level, message in ((level, message.replace("\n", "\\n")) for level, message in events)
    ]
    service.services.settings.log_file.write_text("".join(lines), encoding="utf-8")
    return {"orderref": order}


AFTERCARE_PAGES = [
    ConsolePage("aftercare", "/console/aftercare", prepare=made_aftercare.never_came),
    ConsolePage("aftercare-doubt", "/console/aftercare", Role.STAFF, made_aftercare.not_active),
    ConsolePage("aftercare-inactive", "/console/aftercare/inactive", Role.STAFF, made_aftercare.not_active),
    ConsolePage("aftercare-messages", "/console/aftercare/messages", Role.STAFF, made_aftercare.said),
    ConsolePage("aftercare-cases", "/console/aftercare/cases", prepare=made_aftercare.said),
    ConsolePage("aftercare-case", "/console/aftercare/cases/{case}", Role.STAFF, made_aftercare.said),
    ConsolePage("aftercare-halves", "/console/aftercare/cases/{late}", Role.STAFF, made_aftercare.two_sided),
    ConsolePage("aftercare-new-case", "/console/aftercare/cases/new", Role.STAFF),
    ConsolePage("aftercare-utopia", "/console/aftercare/cases/{case}/utopia", Role.ADMINISTRATOR, made_aftercare.said),
    ConsolePage("aftercare-customer", "/console/aftercare/customers/1001", Role.STAFF, made_aftercare.said),
    ConsolePage("aftercare-missing", "/console/aftercare/missing", Role.STAFF, made_aftercare.never_came),
]

PAGES_TO_CHECK: list[ConsolePage] = [
    ConsolePage("today", "/console", prepare=hostile_order),
    ConsolePage("today-staff", "/console", Role.STAFF, hostile_order),
    ConsolePage("order-put-off", "/console/orders/{away}", Role.STAFF, hostile_order),
    ConsolePage("me", "/console/people/me"),
    ConsolePage("people", "/console/people", Role.ADMINISTRATOR),
    ConsolePage("person", "/console/people/{user}", Role.ADMINISTRATOR, a_person),
    ConsolePage("orders", "/console/orders", prepare=hostile_order),
    ConsolePage("orders-ticking", "/console/orders?state=needs_review", Role.STAFF, hostile_order),
    ConsolePage("orders-found", "/console/orders?q=lind&state=completed", prepare=hostile_order),
    ConsolePage("orders-none", "/console/orders?q=nobody", prepare=hostile_order),
    ConsolePage("order", "/console/orders/{orderref}", prepare=hostile_order),
    ConsolePage("order-plan", "/console/orders/{unsettled}", Role.STAFF, hostile_order),
    ConsolePage("order-plan-read-only", "/console/orders/{unsettled}", prepare=hostile_order),
    ConsolePage("order-doubt", "/console/orders/{doubtful}", Role.STAFF, made_orders.in_doubt),
    ConsolePage("order-known", "/console/orders/{known}", Role.STAFF, made_orders.of_somebody_known),
    ConsolePage("order-alike", "/console/orders/{alike}", Role.STAFF, made_orders.of_somebody_alike),
    ConsolePage("order-waiting", "/console/orders/{waiting}", Role.STAFF, made_orders.waiting),
    ConsolePage(
        "order-customer",
        "/console/orders/{known}/customer?customer_id={customer}",
        Role.STAFF,
        made_orders.of_somebody_known,
    ),
    ConsolePage("cause", "/console/causes?cause={cause}", Role.STAFF, hostile_cause),
    ConsolePage("decided", "/console/causes/decided/{joint}", Role.STAFF, hostile_cause),
    ConsolePage("exchange", "/console/orders/{finished}/exchanges/{exchange}", prepare=made_orders.with_exchanges),
    ConsolePage("new-order", "/console/orders/new", Role.STAFF),
    ConsolePage("new-order-seen", "/console/orders/new?orderref={entered}", Role.STAFF, hostile_contracts),
    ConsolePage("correct-order", "/console/orders/{unsettled}/correct", Role.STAFF, hostile_contracts),
    ConsolePage("plans", "/console/plans", Role.STAFF, hostile_contracts),
    ConsolePage("map-plan", "/console/plans/map?description={plan}", Role.STAFF, hostile_contracts),
    ConsolePage("unmap-plan", "/console/plans/unmap?description=1+Gbps", Role.STAFF),
    ConsolePage("texts", "/console/ticket-texts", prepare=a_text_version),
    ConsolePage("text", "/console/ticket-texts/new_desc.txt", Role.STAFF, prepare=hostile_order),
    ConsolePage("text-version", "/console/ticket-texts/{name}/versions/{version}", Role.STAFF, prepare=a_text_version),
    ConsolePage("text-faulty", "/console/ticket-texts/{name}/versions/{faulty}", Role.STAFF, prepare=a_text_version),
    ConsolePage("text-new", "/console/ticket-texts/new", Role.STAFF),
    ConsolePage("digest", "/console/digest", prepare=hostile_preview),
    ConsolePage("digest-confirm", "/console/digest/run", Role.STAFF),
    ConsolePage("digest-run", "/console/digest/runs/{run}", Role.STAFF, prepare=hostile_run),
    ConsolePage("digest-message", "/console/digest/runs/{run}/messages/{message}", prepare=hostile_run),
    *AFTERCARE_PAGES,
    ConsolePage("look-up", "/console/look-up"),
    ConsolePage("look-up-order", "/console/look-up/utopia/order?orderref={orderref}", prepare=hostile_answers),
    ConsolePage("look-up-products", "/console/look-up/utopia/products"),
    ConsolePage("look-up-nothing", "/console/look-up/utopia/mac?mac=00:00:00:00:00:00"),
    ConsolePage(
        "look-up-customer", "/console/look-up/powercode/customer?customer_id={customer}", prepare=hostile_answers
    ),
    ConsolePage("changes", "/console/look-up/changes", Role.ADMINISTRATOR, hostile_change),
    ConsolePage("change", "/console/look-up/changes/edit-order-item", Role.ADMINISTRATOR),
    ConsolePage(
        "change-confirm",
        "/console/look-up/changes/cancel?cid=90001&siteid=714780&issuedate=2026-12-01&check=1",
        Role.ADMINISTRATOR,
        hostile_answers,
    ),
    ConsolePage("change-sent", "/console/look-up/changes/sent/{entry}", Role.ADMINISTRATOR, hostile_change),
    ConsolePage("settings", "/console/settings", Role.ADMINISTRATOR),
    ConsolePage("events", "/console/events", Role.ADMINISTRATOR, events_that_went_out),
    ConsolePage("log", "/console/log", Role.ADMINISTRATOR, hostile_log),
]
