"""What the aftercare's pages show, made once, with hostile values where they come from outside."""

from collections.abc import Mapping
from datetime import date, timedelta

from sqlalchemy import select, update

from app.aftercare import callback_messages, case_halves, cases, customer_statuses, missing_orders, reconciliation
from app.aftercare.case_kinds import CASE_KINDS
from app.models import Case, CustomerWrite, Order, StepState, now
from tests.conftest import Service

HOSTILE = "<script>alert(1)</script>"
OURS = "UIA202411-000700"


def compare(service: Service) -> None:
    """A comparison with UTOPIA's orders, carried out."""
    number = service.write(reconciliation.ask, "Stan Staff")
    reconciliation.carry_out(service.services, number)


def never_came(service: Service) -> Mapping[str, str]:
    """Orders that never called back: older ones, two that are missing, one that was put aside."""
    service.order(OURS, siteid="715700")
    compare(service)
    for number in range(701, 704):
        place = {"siteid": f"715{number}", "address": f"{number} {HOSTILE} ST", "phone": f"40655502{number % 100:02}"}
        service.order(f"UIA202411-000{number}", firstname=HOSTILE, plan=f"{HOSTILE} Gbps", **place)
    compare(service)
    service.write(missing_orders.put_aside, "UIA202411-000703", "Stan Staff")
    return {}


def not_active(service: Service) -> Mapping[str, str]:
    """Three customers who are not active: one with a router, one without, one of whom PowerCode shows no status."""
    powercode, utopia = service.sandbox.powercode, service.sandbox.utopia
    powercode.status_when_made = "Not Active"
    taken = []
    for number in range(710, 713):
        place = {"siteid": f"715{number}", "address": f"{number} {HOSTILE} ST", "phone": f"40655503{number % 100:02}"}
        taken.append(service.take(f"UIA202411-000{number}", firstname=HOSTILE, lastname=f"Moe{number}", **place))
    service.execute(update(Order).values(finished_at=now() - timedelta(days=3)))
    del powercode.customers[int(str(taken[2]["customer_id"]))]
    customer_statuses.take_up(service.services)
    utopia.routers = "none"
    customer_statuses.read_due(service.services)
    utopia.routers = "seen"
    customer_statuses.read_now(service.services, str(taken[0]["customer_id"]))
    in_doubt(service, str(taken[1]["customer_id"]))
    return {"inactive": "UIA202411-000710"}


def in_doubt(service: Service, customer_id: str) -> None:
    """A change of which nobody knows whether it was made."""
    about = {"key": f"activate:{customer_id}:9", "kind": "activate", "customer_id": customer_id}
    service.add(CustomerWrite(**about, made_by="Stan Staff", state=StepState.UNKNOWN, asks=True, said=HOSTILE))


def said(service: Service) -> Mapping[str, str]:
    """What callbacks say: one text that nobody decided about, one that opens a case, one case that was closed."""
    service.take("UIA202411-000720", siteid="715720", firstname=HOSTILE, address=f"720 {HOSTILE} ST")
    for msg in (f"Status {HOSTILE}", "Project Cancelled", "Project Closed"):
        service.callback("UIA202411-000720", msg)
    service.write(callback_messages.decide, callback_messages.key_of("Project Cancelled"), "case:cancel", "Stan Staff")
    service.write(callback_messages.decide, callback_messages.key_of("Project Closed"), "case:message", "Stan Staff")
    for msg in ("Project Closed", "Project Cancelled"):
        service.callback("UIA202411-000720", msg)
    with service.services.database.write() as session:
        first, second = session.scalars(select(Case.id).order_by(Case.id)).all()
        cases.close(session, first, "Stan Staff", HOSTILE)
    return {"case": str(second)}


def two_sided(service: Service) -> Mapping[str, str]:
    """A cancellation whose day is over and of which one half is done, and one that waits."""
    service.take("UIA202411-000730", siteid="715730", firstname=HOSTILE, address=f"730 {HOSTILE} ST")
    with service.services.database.write() as session:
        about = {"by": "Stan Staff", "orderref": "UIA202411-000730", "slot": "730", "note": HOSTILE}
        late = cases.open_case(session, CASE_KINDS["cancel"], due_on=date(2026, 11, 2), **about)
        cases.open_case(session, CASE_KINDS["suspend"], due_on=date(2027, 11, 2), **about)
        assert late is not None
    service.write(case_halves.tick_utopia, late.id, "Stan Staff")
    return {"late": str(late.id), "orderref": "UIA202411-000730"}
