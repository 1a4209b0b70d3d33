"""What the channels are told: causes that need somebody, trouble of the system and its end, and the morning summary.

A message holds a cause, a count and a link, never a customer's data. Every few seconds, messages are made from what the
database holds now: a message that is lost with a database is about nothing that still exists.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.alerts import alert_words
from app.channels.notify_urls import Channel, channels
from app.models import Alert, Notice, NoticeKind, Outgoing, OutgoingState, now
from app.outgoing import records
from app.provisioning.causes.open_causes import OpenCause, open_causes
from app.services import Services
from app.wording.done_words import done_words

GATHERED_FOR = timedelta(minutes=1)
"""How long a cause stands before it is told: when forty orders stop together, one message says forty."""
NEWS_FOR = timedelta(hours=1)
"""Older news is not told any more, for example when channels are set up for the first time."""
CAUSE, CAUSE_OVER, ALERT, ALERT_OVER, MORNING = "cause", "cause over", "alert", "alert over", "morning"


@dataclass(frozen=True)
class ChannelMessage:
    """What is to be told; `key` makes it one of its kind."""

    kind: str
    key: str
    title: str
    path: str = "/console"
    text: str = ""


def look(services: Services, moment: datetime | None = None) -> None:
    """Record a message to each channel for what is new at `moment` (now)."""
    told = channels(services.settings)
    if not told:
        return
    moment = moment or now()
    with services.database.read() as session:
        causes = open_causes(session, listed=1)
        messages = [*_causes(causes, moment), *_alerts(session, moment), *_morning(session, moment)]
        new = [each for each in messages if not _all_know(session, told, each)]
        over = _over(session, told, causes)
    if new or over:
        with services.database.write() as session:
            _close(session, over)
            for message in new:
                _record(session, told, message)


def _record(session: Session, told: Sequence[Channel], message: ChannelMessage) -> None:
    for channel in told:
        words = {"title": message.title, "text": message.text, "path": message.path}
        records.record(session, channel.name, message.key, message.kind, None, **words)


def _all_know(session: Session, told: Sequence[Channel], message: ChannelMessage) -> bool:
    keys = [records.key_of(channel.name, message.key) for channel in told]
    return len(session.scalars(select(Outgoing.id).where(Outgoing.key.in_(keys))).all()) == len(keys)


# What needs somebody


def _causes(causes: Sequence[OpenCause], moment: datetime) -> Iterator[ChannelMessage]:
    for one in causes:
        if one.since is None or one.since <= moment - GATHERED_FOR:
            path = f"/console/causes?cause={quote(one.cause.key)}"
            yield ChannelMessage(CAUSE, _key(one), f"Needs you: {one.title}", path)


def _key(one: OpenCause) -> str:
    return f"{CAUSE}:{one.slug}"


def _over(session: Session, told: Sequence[Channel], causes: Sequence[OpenCause]) -> list[int]:
    """The messages whose cause is settled: if the cause comes back, it is told again."""
    stand = {records.key_of(channel.name, _key(one)) for channel in told for one in causes}
    rows = session.execute(select(Outgoing.id, Outgoing.key).where(Outgoing.kind == CAUSE)).all()
    return [number for number, key in rows if key not in stand]


def _close(session: Session, over: Sequence[int]) -> None:
    for row in session.scalars(select(Outgoing).where(Outgoing.id.in_(over), Outgoing.kind == CAUSE)):
        row.kind, row.key = CAUSE_OVER, f"{row.key}:{row.id}"
        if row.state == OutgoingState.PENDING:
            row.state, row.next_try_at, row.error = OutgoingState.FAILED, None, "It was settled before it was told"
    session.flush()


# Trouble of the system itself, and the morning


def _alerts(session: Session, moment: datetime) -> Iterator[ChannelMessage]:
    """A message when an alert opens, and one when it is over; if it is over already, only the second."""
    new = Alert.opened_at > moment - NEWS_FOR
    for alert in session.scalars(select(Alert).where(new, Alert.slot.is_not(None)).order_by(Alert.id)):
        yield ChannelMessage(ALERT, f"{ALERT}:{alert.id}:{alert.opened_at}", alert_words.title(alert))
    ended = (Alert.opened_at.is_not(None), Alert.closed_at > moment - NEWS_FOR, Alert.gone_since.is_not(None))
    for alert in session.scalars(select(Alert).where(*ended).order_by(Alert.id)):
        yield ChannelMessage(ALERT_OVER, f"{ALERT_OVER}:{alert.id}:{alert.opened_at}", alert_words.over(alert))


def _morning(session: Session, moment: datetime) -> Iterator[ChannelMessage]:
    mine = (Notice.kind == NoticeKind.MORNING_SUMMARY, Notice.created_at > moment - NEWS_FOR)
    for notice in session.scalars(select(Notice).where(*mine)):
        said = notice.content
        needing, done = said["orders_needing"], said["done"]
        needs = f"{needing:,} {'order needs' if needing == 1 else 'orders need'} you" if needing else "none needs you"
        title = f"Good morning: {needs}; {done_words(done['completed'], done.get('added', 0))} {said['days']}"
        lines = [*(one["title"] for one in said["needs"]), *(one["title"] for one in said["alerts"])]
        yield ChannelMessage(MORNING, notice.key, title, text="\n".join(f"- {line}" for line in lines))
