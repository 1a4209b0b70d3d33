"""What the aftercare's pages show, made once, with hostile values where they come from outside."""

from collections.abc import Mapping

from app.aftercare import missing, reconciling
from tests.conftest import Service

HOSTILE = "<script>alert(1)</script>"
OURS = "UIA202411-000700"


def compare(service: Service) -> None:
    """A comparison with UTOPIA's orders, carried out."""
    with service.services.database.write() as session:
        number = reconciling.ask(session, "Stan Staff")
    reconciling.carry_out(service.services, number)


def never_came(service: Service) -> Mapping[str, str]:
    """Orders that never called back: older ones, two that are missing, one that was put aside."""
    service.order(OURS, siteid="715700")
    compare(service)
    for number in range(701, 704):
        place = {"siteid": f"715{number}", "address": f"{number} {HOSTILE} ST", "phone": f"40655502{number % 100:02}"}
        service.order(f"UIA202411-000{number}", firstname=HOSTILE, plan=f"{HOSTILE} Gbps", **place)
    compare(service)
    with service.services.database.write() as session:
        missing.put_aside(session, "UIA202411-000703", "Stan Staff")
    return {}
