"""What can go wrong at a remote system; each client names its own kinds, by what the caller may do next."""

import re
from typing import ClassVar

# Words that name the server's own trouble. Taken for "no such customer", they would lead to a second customer; taken
# for a refusal of a change that was done all the same, to a second bill.
ABOUT_TROUBLE = re.compile(
    r"\b(lock|deadlock|time[d]? ?out|timeout|unavailable|not available|maintenance|errors?|exception|databases?|\w*sql"
    r"|transaction|duplicate entry|constraint|connections?|server|busy|overload\w*|too many|try(ing)? again|retry"
    r"|restart\w*|failed|failure|fatal|internal|down|temporar\w*|crash\w*|memory|disk)\b",
    re.IGNORECASE,
)


class RemoteError(Exception):
    """Any failed call. `action` is the call's name, `status` the HTTP status or None without a complete answer.

    `detail` is one short line for staff; `outcome` is the name that metrics count it under. `str()` and `repr()` are
    safe to log and to show: no key, no customer's data, no address with a query.
    """

    system: ClassVar[str]
    outcome: ClassVar[str] = "unknown"

    def __init__(self, detail: str, action: str = "", status: int | None = None) -> None:
        super().__init__(detail, action, status)
        self.detail = detail
        self.action = action
        self.status = status

    def __str__(self) -> str:
        ending = f" (HTTP {self.status})" if self.status is not None else ""
        return f"{self.system}, {self.action}: {self.detail}{ending}"


class TooMany(RemoteError):
    """The system turned a request away because there were too many (HTTP 429).

    `retry_after` is its own wish in seconds, or None.
    """

    outcome = "throttled"

    def __init__(
        self, detail: str, action: str = "", status: int | None = 429, retry_after: float | None = None
    ) -> None:
        super().__init__(detail, action, status)
        self.args = (detail, action, status, retry_after)
        self.retry_after = retry_after
