"""Words for a remote system that can't be used: it does not answer, or it refuses our API key."""

from collections.abc import Mapping

KEYS: Mapping[str, str] = {"UTOPIA": "UTOPIA_API_KEY", "PowerCode": "PC_API_KEY"}
"""The setting with the API key, by the system's name."""

REFUSES = "refuses our API key"


def key_refused(system: str, said: str = "") -> str:
    """The error of a call whose key was refused; `said` are the system's own words."""
    return f"{system} {REFUSES}{f' ({said})' if said else ''}; check {KEYS[system]}"


def refused_key(system: str | None, error: str | None) -> str | None:
    """The setting whose key the system refuses, where that is what `error` says; None for any other error."""
    return KEYS.get(system or "") if (error or "").startswith(f"{system} {REFUSES}") else None


def in_trouble(system: str, error: str | None) -> str:
    """`PowerCode does not answer`, or `PowerCode refuses our API key (PC_API_KEY)`."""
    key = refused_key(system, error)
    return f"{system} {REFUSES} ({key})" if key else f"{system} does not answer"


def why_it_waits(system: str, error: str) -> str:
    """The reason of an order that waits until the system can be used again."""
    if refused_key(system, error):
        return f"{error}; it is asked again and again until it accepts the key"
    return f"{system} does not answer ({error}); it is asked again and again until it does"


def usable_again(system: str, error: str | None) -> str:
    """`PowerCode answers again`, or `PowerCode accepts our API key again (PC_API_KEY)`."""
    key = refused_key(system, error)
    return f"{system} accepts our API key again ({key})" if key else f"{system} answers again"
