"""The old `.env`, name by name."""

from app.setup.legacy import environment
from app.setup.legacy.findings import Became
from tests.conftest import Service


def test_what_is_there_without_a_value_is_told_once_and_has_to_be_set(service: Service) -> None:
    with service.changed(service_plan_mapping={}):
        told = list(environment.compare("SECRET_KEY=\nSERVICE_PLAN_250MBPS_ID=\n", service.services.settings))

    for name in ("SECRET_KEY", "SERVICE_PLAN_250MBPS_ID"):
        (entry,) = [each for each in told if each.subject == name]
        assert entry.became is Became.ANEW
        assert entry.why.startswith("it has no value in that file")
