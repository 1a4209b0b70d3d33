"""What a look at the system means for an alert: pure decisions.

Brief trouble is not told: a condition has to hold for a while before its alert opens, and to be gone for a while before
the alert closes.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from app.models import Alert, AlertKind
from config import Settings

SAME_MOMENT = timedelta(minutes=1)
"""Several hosts' clocks are a little apart."""
LOOKED_AT_EVERY = timedelta(minutes=10)
"""How old the note of the last look may become: not every look is worth a commit."""


@dataclass(frozen=True)
class Condition:
    """What a look found about one subject: something is `wrong`, or nothing is.

    `since` is since when, where that is known better than from the look itself. `content` is what mail and page tell.
    """

    kind: AlertKind
    subject: str
    wrong: bool
    since: datetime | None = None
    content: dict[str, Any] = field(default_factory=dict)

    @property
    def slot(self) -> str:
        """Unique among the alerts that aren't over."""
        return slot_of(self.kind, self.subject)


def slot_of(kind: AlertKind, subject: str) -> str:
    """The slot of the alert of this kind about this subject."""
    return f"{kind}:{subject}"


@dataclass(frozen=True)
class Patience:
    """How long a condition has to hold before its alert opens, and to be gone before it closes."""

    before_opening: timedelta
    before_closing: timedelta


class Verdict(StrEnum):
    """What to do with an alert."""

    NOTHING = "nothing"
    NOTE = "note"
    FORGET = "forget"
    OPEN = "open"
    CLOSE = "close"


def patience(kind: AlertKind, settings: Settings) -> Patience:
    """How patient we are, by kind.

    Remote systems and mail: NOTICE_AFTER_MINUTES, and a third of that, as they tend to come back for a moment first.
    A disk dips while a backup is written; callbacks that are gone in a minute are no flood. A certificate is looked
    at twice. The digest has its own pauses between tries, and tells of its trouble and of its end by itself; work that
    stands still is wrong only when it lasts. A failed backup is not tried again before the next night.
    """
    notice_after = timedelta(minutes=settings.notice_after_minutes)
    match kind:
        case AlertKind.SYSTEM_DOWN | AlertKind.MAIL_STUCK:
            return Patience(notice_after, notice_after / 3)
        case AlertKind.DISK_NEARLY_FULL:
            return Patience(timedelta(minutes=5), timedelta(minutes=10))
        case AlertKind.CALLBACK_FLOOD:
            return Patience(timedelta(minutes=1), timedelta(minutes=10))
        case AlertKind.CERTIFICATE:
            return Patience(timedelta(minutes=1), timedelta(minutes=5))
        case AlertKind.DIGEST_HELD_UP | AlertKind.WORK_STANDS_STILL | AlertKind.BACKUP:
            return Patience(timedelta(), timedelta())


def judge(alert: Alert | None, condition: Condition, moment: datetime, patient: Patience) -> Verdict:
    """What a condition means for the subject's alert, which is None where nothing was suspected."""
    if alert is None:
        began = condition.since or moment
        return _verdict_on_suspicion(began, moment, patient) if condition.wrong else Verdict.NOTHING
    if alert.opened_at is None:
        return _verdict_on_suspicion(alert.began_at, moment, patient) if condition.wrong else Verdict.FORGET
    if condition.wrong:
        return Verdict.NOTE if alert.gone_since or _is_unseen(alert, moment) else Verdict.NOTHING
    gone_since = alert.gone_since or condition.since or moment
    if _has_lasted(gone_since, moment, patient.before_closing):
        return Verdict.CLOSE
    return Verdict.NOTE if alert.gone_since is None or _is_unseen(alert, moment) else Verdict.NOTHING


def _verdict_on_suspicion(began: datetime, moment: datetime, patient: Patience) -> Verdict:
    return Verdict.OPEN if _has_lasted(began, moment, patient.before_opening) else Verdict.NOTE


def _has_lasted(began: datetime, moment: datetime, patient: timedelta) -> bool:
    """Whether it has lasted for so long. If it began later than now, the clock was set back: nobody knows how long it
    lasted, so the answer is yes, as an early alert is better than a late one."""
    return not -SAME_MOMENT <= moment - began < patient


def _is_unseen(alert: Alert, moment: datetime) -> bool:
    return _has_lasted(alert.looked_at, moment, LOOKED_AT_EVERY)


def nearly_full_below(total_bytes: int) -> int:
    """A disk with less free than this is nearly full: 5 % of it, but at least 500 MB and at most 5 GB.

    5 % of a large disk is months of orders; 500 MB is the log's rotated files and a copy of a usual database.
    """
    return max(500_000_000, min(total_bytes // 20, 5_000_000_000))


def has_room_above(total_bytes: int) -> int:
    """A disk that was nearly full has room again with this much free: half as much again."""
    return nearly_full_below(total_bytes) * 3 // 2
