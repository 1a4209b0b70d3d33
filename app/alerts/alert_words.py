"""An open alert in a few words, without any customer's data: for lists, mails and chat."""

from collections.abc import Callable, Mapping
from typing import Any

from app.models import Alert, AlertKind
from app.wording.outage_words import in_trouble, usable_again

Content = Mapping[str, Any]


def title(alert: Alert) -> str:
    """What is wrong: `PowerCode does not answer`."""
    return TITLES[AlertKind(alert.kind)](alert.content)


def over(alert: Alert) -> str:
    """That it is over: `PowerCode answers again`."""
    return ENDS[AlertKind(alert.kind)](alert.content)


def _certificate(content: Content) -> str:
    if content.get("cause") == "ends_soon":
        return f"PowerCode’s certificate ends on {str(content.get('expires_at') or '')[:10]}"
    if content.get("cause") == "differs":
        return "PowerCode shows another certificate than before"
    return "PowerCode’s certificate is not accepted"


TITLES: Mapping[AlertKind, Callable[[Content], str]] = {
    AlertKind.SYSTEM_DOWN: lambda content: in_trouble(
        content.get("system") or "A remote system", content.get("reason")
    ),
    AlertKind.MAIL_STUCK: lambda _: "Mails to the office are held up",
    AlertKind.DIGEST_HELD_UP: lambda content: (
        "The digest failed" if content.get("state") == "failed" else "The digest is held up"
    ),
    AlertKind.DISK_NEARLY_FULL: lambda content: f"The disk of {content.get('host', 'a server')} is nearly full",
    AlertKind.CALLBACK_FLOOD: lambda _: "Callbacks flood in",
    AlertKind.WORK_STANDS_STILL: lambda content: f"Work stood still on {content.get('host', 'a server')}",
    AlertKind.BACKUP: lambda content: "The backup failed" if content.get("error") else "There is no new backup",
    AlertKind.CERTIFICATE: _certificate,
}


ENDS: Mapping[AlertKind, Callable[[Content], str]] = {
    AlertKind.SYSTEM_DOWN: lambda content: usable_again(
        content.get("system") or "The remote system", content.get("reason")
    ),
    AlertKind.MAIL_STUCK: lambda _: "Mails to the office go out again",
    AlertKind.DIGEST_HELD_UP: lambda _: "The digest is no longer held up",
    AlertKind.DISK_NEARLY_FULL: lambda content: f"The disk of {content.get('host', 'a server')} has room again",
    AlertKind.CALLBACK_FLOOD: lambda _: "The flood of callbacks is over",
    AlertKind.WORK_STANDS_STILL: lambda content: f"Work goes on again on {content.get('host', 'a server')}",
    AlertKind.BACKUP: lambda _: "There is a new backup",
    AlertKind.CERTIFICATE: lambda _: "PowerCode’s certificate: the trouble is over",
}
