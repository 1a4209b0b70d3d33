"""Sends the channels' messages, in a thread for each channel that has messages, so that nothing else waits for them."""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.channels.notify_urls import Channel, channels, say
from app.durable import engine
from app.models import Outgoing
from app.outgoing import events, records
from app.services import Services

log = logging.getLogger(__name__)

TRIED_FOR = timedelta(hours=1)
"""After this time, a chat message is no news any more: the first page and the mails tell how things stand."""
MOST_AT_ONCE = 20


@dataclass(frozen=True)
class ChannelStanding:
    """A channel, and the last message that was tried; None before there was one."""

    channel: Channel
    last: Outgoing | None

    @property
    def works(self) -> bool | None:
        """Whether the last message was taken; None before there was one."""
        return None if self.last is None else self.last.error is None


def send_due(services: Services) -> None:
    """Send each channel what is due for it. One that is down keeps the others waiting for a moment at most."""
    named = channels(services.settings)
    waiting = [each for each in named if records.is_waiting(services, each.name)]
    if not waiting:
        records.give_up(services, elsewhere(named))
        return
    with ThreadPoolExecutor(len(waiting), thread_name_prefix="channel") as threads:
        list(threads.map(lambda channel: _send(services, channel), waiting))


def elsewhere(named: Sequence[Channel]) -> ColumnElement[bool]:
    """The condition for messages to a channel that is not set any more."""
    return Outgoing.channel.not_in([*(each.name for each in named), events.CHANNEL])


def given_up(session: Session, services: Services) -> int:
    """How many messages were given up since their channel was removed."""
    return records.given_up(session, elsewhere(channels(services.settings)))


def _send(services: Services, channel: Channel) -> None:
    """Send a channel's messages, the oldest first, until one is not taken."""
    for _ in range(MOST_AT_ONCE):
        row = None if engine.is_stopping() else records.claim(services, channel.name)
        if row is None:
            return
        began = monotonic()
        fault = say(channel, *words(services, row.content))
        services.metrics.remote_call("channel", "notify", "unknown" if fault else "ok", monotonic() - began)
        if fault is not None:
            log.warning("A message to %s was not taken: %s", channel.label, fault)
            records.not_sent(services, row, fault, TRIED_FOR)
            return
        records.sent(services, row)


def words(services: Services, content: Mapping[str, Any]) -> tuple[str, str]:
    """A message's title, and its text with its link."""
    text, link = str(content.get("text") or ""), f"{services.settings.public_address}{content['path']}"
    return str(content["title"]), f"{text}\n{link}" if text else link


def standing(session: Session, services: Services) -> list[ChannelStanding]:
    """How each channel stands."""
    last = select(Outgoing).where(Outgoing.tries > 0).order_by(Outgoing.id.desc()).limit(1)
    named = channels(services.settings)
    return [ChannelStanding(each, session.scalar(last.where(Outgoing.channel == each.name))) for each in named]


def test(services: Services, name: str) -> tuple[Channel, str | None] | None:
    """Send a channel a test message now; returns the channel and why it was not taken. None: no such channel."""
    channel = next((each for each in channels(services.settings) if each.name == name), None)
    if channel is None:
        return None
    title, text = words(
        services, {"title": "Test: messages arrive here", "text": "Sent from the settings page.", "path": "/console"}
    )
    fault = say(channel, title, text)
    if fault is None:
        records.hurry(services, name)
    return channel, fault
