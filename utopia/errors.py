"""What can go wrong at UTOPIA, named by what the caller may do next.

`str()` and `repr()` of each error are safe to log and to show: no key, no customer's data, no address with a query.
"""

from typing import ClassVar


class UtopiaError(Exception):
    """Any failed call. `action` is the call's name, `status` the HTTP status or None without a complete answer.

    `detail` is one short line for staff; `outcome` is the name that metrics count it under.
    """

    outcome: ClassVar[str] = "unknown"

    def __init__(self, detail: str, action: str = "", status: int | None = None) -> None:
        super().__init__(detail, action, status)
        self.detail = detail
        self.action = action
        self.status = status

    def __str__(self) -> str:
        ending = f" (HTTP {self.status})" if self.status is not None else ""
        return f"UTOPIA, {self.action}: {self.detail}{ending}"


class NeverArrived(UtopiaError):
    """UTOPIA has not seen the request: repeat it freely."""

    outcome = "never_arrived"


class Throttled(NeverArrived):
    """UTOPIA turned the request away because there were too many (HTTP 429): repeat it later.

    `retry_after` is UTOPIA's own wish in seconds, or None.
    """

    outcome = "throttled"

    def __init__(
        self, detail: str, action: str = "", status: int | None = 429, retry_after: float | None = None
    ) -> None:
        super().__init__(detail, action, status)
        self.args = (detail, action, status, retry_after)
        self.retry_after = retry_after


class Refused(UtopiaError):
    """UTOPIA answered with an error: the same request again would be refused again."""

    outcome = "refused"


class AuthenticationFailed(Refused):
    """UTOPIA does not accept the key (HTTP 401, `Authentication Failed`)."""


class NotOurs(UtopiaError):
    """The order belongs to another provider (`No valid records found for this ISP`): routine, nothing to do."""

    outcome = "not_ours"


class NotReady(UtopiaError):
    """The contract is not there yet (it takes minutes to hours): ask again later."""

    outcome = "not_ready"


class TooLarge(UtopiaError):
    """The contract is larger than the caller takes; `size` is in bytes, or None where UTOPIA didn't name it."""

    outcome = "too_large"

    def __init__(self, detail: str, action: str = "", status: int | None = None, size: int | None = None) -> None:
        super().__init__(detail, action, status)
        self.args = (detail, action, status, size)
        self.size = size


class OutcomeUnknown(UtopiaError):
    """The request was sent and no usable answer came: a look-up may be repeated, a change must be checked first."""
