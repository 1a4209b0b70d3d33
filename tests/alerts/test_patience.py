"""What a look means for an alert, by the clock's times: pure decisions."""

from datetime import UTC, datetime, timedelta

import pytest

from app.alerts.patience import Condition, Patience, Verdict, judge
from app.models import Alert, AlertKind

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
PATIENT = Patience(30 * MINUTE, 10 * MINUTE)


def condition(*, wrong: bool) -> Condition:
    return Condition(AlertKind.MAIL_STUCK, "mail", wrong=wrong)


@pytest.mark.parametrize(
    ("began", "verdict"),
    [
        (NOON - 29 * MINUTE, Verdict.NOTE),
        (NOON - 30 * MINUTE, Verdict.OPEN),
        (NOON + timedelta(seconds=1), Verdict.NOTE),  # another host's clock
        (NOON + HOUR, Verdict.OPEN),  # the clock was set back since
    ],
)
def test_a_suspicion_opens_when_it_has_lasted_and_when_nobody_knows_how_long(began: datetime, verdict: Verdict) -> None:
    suspected = Alert(began_at=began, looked_at=NOON)

    assert judge(suspected, condition(wrong=True), NOON, PATIENT) is verdict


@pytest.mark.parametrize(
    ("gone_since", "verdict"),
    [(NOON - 9 * MINUTE, Verdict.NOTHING), (NOON - 10 * MINUTE, Verdict.CLOSE), (NOON + HOUR, Verdict.CLOSE)],
)
def test_an_alert_closes_when_it_is_over_for_long_enough(gone_since: datetime, verdict: Verdict) -> None:
    opened = Alert(began_at=NOON - 2 * HOUR, opened_at=NOON - HOUR, gone_since=gone_since, looked_at=NOON)

    assert judge(opened, condition(wrong=False), NOON, PATIENT) is verdict
