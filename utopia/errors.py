"""What can go wrong at UTOPIA, named by what the caller may do next."""

from wire.errors import RemoteError, TooMany


class UtopiaError(RemoteError):
    """Any failed call (`wire.errors.RemoteError`)."""

    system = "UTOPIA"


class NeverArrived(UtopiaError):
    """UTOPIA has not seen the request: repeat it freely."""

    outcome = "never_arrived"


class Throttled(TooMany, NeverArrived):
    """UTOPIA turned the request away because there were too many (HTTP 429): repeat it later."""


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
