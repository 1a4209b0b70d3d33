"""A service whose orders wait as long as a test looks."""

from collections.abc import Iterator

import pytest

from tests.alerts.alert_mails import ONE_DAY
from tests.conftest import Service


@pytest.fixture
def patient(service: Service) -> Iterator[Service]:
    """Nobody tries again by themselves within a test."""
    with service.changed(retry_minutes=ONE_DAY):
        yield service
