"""A morning in a made-up office, for pictures: orders done, waiting and in need of somebody, and a digest."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import insert, update

from app.models import DigestRun, Order, OrderSearch, OrderState, now
from tests.conftest import Service
from tests.digest.conftest import office_of

DONE, UNKNOWN_PLAN, DOUBTFUL, EXISTS, WAITING, BY_HAND = (f"UIA202411-00118{number}" for number in range(6))
REPORT = "file:/srv/reports/weekly.csv"
PEOPLE = {
    DONE: ("Ada", "Lind", "714780", "12 N EXAMPLE AVENUE"),
    UNKNOWN_PLAN: ("Iris", "Vance", "714533", "230 W SAMPLE STREET"),
    DOUBTFUL: ("Ole", "Berg", "714912", "7 NEW STREET"),
    EXISTS: ("Grace", "Moe", "714204", "48 OLD MILL ROAD"),
    WAITING: ("Nils", "Holm", "714311", "5 LAKE VIEW DRIVE"),
    BY_HAND: ("Vera", "Dahl", "714618", "91 E ORCHARD LANE"),
}


@contextmanager
def morning(service: Service, folder: Path) -> Iterator[None]:
    """The office's morning, during the block."""
    with service.changed(retry_minutes=(60.0,)), office_of(service, folder) as office:
        _last_month(service)
        _orders(service)
        names = (("Ada", "Lind"), ("Iris", "Vance"), ("Ole", "Berg"))
        rows = [
            office.row(f"TM-2039{number}", f"{first}.{last}@example.com".lower(), first=first, last=last.upper())
            for number, (first, last) in enumerate(names)
        ]
        office.run(*rows, office.row("TM-20399", date="tomorrow"))
        service.execute(update(DigestRun).values(source=REPORT, started_by="schedule"))
        _log(service)
        with service.changed(report_source=REPORT):
            yield


def _orders(service: Service) -> None:
    sandbox = service.sandbox
    for orderref, (first, last, site, street) in PEOPLE.items():
        plan = {UNKNOWN_PLAN: "10 Gbps", DOUBTFUL: "1 Gbps"}.get(orderref, "250 Mbps")
        mail = f"{first}.{last}@example.com".lower()
        person = {"firstname": first, "lastname": last, "email": mail, "phone": f"4065550{site[-3:]}"}
        service.order(orderref, siteid=site, address=street, plan=plan, **person)
    first, last, site, street = PEOPLE[EXISTS]
    sandbox.powercode.add_customer(firstName=first, lastName=last, physicalStreet=street, extAccountID=site)
    for orderref in (DONE, UNKNOWN_PLAN, EXISTS):
        _taken(service, orderref)
    sandbox.powercode.fault("addCustomerService", "no_answer")
    _taken(service, DOUBTFUL)
    sandbox.utopia.fault("contractlookup", "http", status=429)
    _taken(service, WAITING)


def _taken(service: Service, orderref: str) -> None:
    assert service.callback(orderref).status_code == 200
    service.rested(orderref)
    service.mail_settled()


def _log(service: Service) -> None:
    stages = ("fetch_contract, check_contract, hand_over", "find_customer, create_customer, plan:163, ticket, complete")
    lines = [
        f"2026-11-22T14:01:0{number}.{number}04+00:00 INFO  [{DONE}] app.provisioning.runs: done: {steps}\n"
        for number, steps in enumerate(stages)
    ]
    asked = "needs_review: PowerCode did not say whether the plan 1 Gbps (164) was added for customer 1003"
    lines.append(f"2026-11-22T14:02:11.310+00:00 INFO  [{DOUBTFUL}] app.provisioning.step_journal: {asked}\n")
    lines.append("2026-11-22T14:03:00.021+00:00 WARNING [-] app.callbacks: Callback refused with 400: msg is missing\n")
    service.services.settings.log_file.write_text("".join(lines), encoding="utf-8")


def _last_month(service: Service) -> None:
    """Orders of the last 30 days, so that there is something to draw; more on some days than on others."""
    days = [back for back in range(29, 0, -1) for _ in range((back * 7) % 5 if back % 7 else 0)]
    moments = [now() - timedelta(days=back, minutes=17 * number) for number, back in enumerate(days)]
    state = {"stage": "account", "state": OrderState.COMPLETED}
    orders = [
        {"id": number, "orderref": f"UIA202410-{number:06}", "customer_id": str(900 + number), **state}
        | {"received_at": moment, "finished_at": moment}
        for number, moment in enumerate(moments, 1)
    ]
    found = [
        {"order_id": one["id"], "person": "Somebody Example", "plan": "250 Mbps", "words": one["orderref"].casefold()}
        | {"address": f"{10 + one['id']} SAMPLE STREET, Bozeman MT 59715"}
        for one in orders
    ]
    service.execute(insert(Order), orders)
    service.execute(insert(OrderSearch), found)
