"""The channels that NOTIFY_URLS names. Their addresses are secrets: nothing shows more than the service's name."""

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from config import Settings

BEGINNING = "channel-"
"""The prefix of channels' names in the rows of what goes out."""
SECONDS = 15.0
"""The timeout for one message. Apprise itself waits 4 seconds for a connection and 4 for an answer, unless an address
says otherwise (`cto`, `rto`), but it may make several calls for one message."""
FAULT = re.compile(r"\berror=(\d{3})\b")


@dataclass(frozen=True)
class Channel:
    """A channel: its name among our rows, and what people call it."""

    name: str
    label: str
    url: str = field(repr=False)


def channels(settings: Settings) -> Sequence[Channel]:
    """The channels, in the order of NOTIFY_URLS; those of one service are numbered."""
    urls = [each.get_secret_value() for each in settings.notify_urls]
    services = [_service(url) for url in urls]
    several, seen = Counter(services), Counter[str]()
    found = []
    for url, service in zip(urls, services, strict=True):
        seen[service] += 1
        label = f"{service}, number {seen[service]}" if several[service] > 1 else service
        found.append(Channel(f"{BEGINNING}{hashlib.sha256(url.encode()).hexdigest()[:16]}", label, url))
    return found


def say(channel: Channel, title: str, text: str) -> str | None:
    """Send a message, within `SECONDS`; None when it was taken, or why not, without the address. Raises nothing."""
    import apprise  # noqa: PLC0415 - takes half a second, and few need it

    try:
        speaker = apprise.Apprise(asset=_asset(apprise))
        if not speaker.add(channel.url):
            return "Apprise does not know such an address"
        result = speaker.notify(body=text, title=title, body_format=apprise.NotifyFormat.TEXT, timeout=SECONDS)
        return None if result else _why(apprise, result)
    except Exception as fault:
        return f"a fault of the library ({type(fault).__name__})"


def _asset(apprise: Any) -> Any:
    """Apprise's settings: our own name, no pictures from other servers, and no files of its own."""
    _silence()
    return apprise.AppriseAsset(
        app_id="Utopia API Handler",
        app_desc="Utopia API Handler",
        app_url="",
        image_url_mask=None,
        image_url_logo=None,
        service_timeout=SECONDS,
    )


def _silence() -> None:
    """Keep Apprise's log lines out of our log: they hold parts of the addresses. We log what came of a message.

    Apprise's logging is not switched off, because the results of its calls hold the lines.
    """
    spoken = logging.getLogger("apprise")
    spoken.propagate, spoken.handlers = False, spoken.handlers or [logging.NullHandler()]


def _why(apprise: Any, result: Any) -> str:
    if result.status == apprise.AppriseResultStatus.TIMEOUT:
        return f"no answer within {SECONDS:.0f} seconds"
    found = [match[1] for entry in result.logs() if (match := FAULT.search(str(entry)))]
    return f"it was not taken (HTTP {found[-1]})" if found else "it can't be reached, or did not take it"


@cache
def _service(url: str) -> str:
    import apprise  # noqa: PLC0415

    _silence()
    speaker = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    return str(getattr(speaker, "service_name", None) or "A service")
