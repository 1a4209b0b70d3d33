"""What orders' tests share: no long pauses."""

import pytest

from app.provisioning import workflow


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that failed are repeated soon."""
    monkeypatch.setattr(workflow, "PAUSE_SECONDS", 0.01)
