"""What can go wrong at PowerCode, named by what the caller may do next."""

from wire.errors import RemoteError, TooMany

NO_STATUS_CODE = -1


class PowerCodeError(RemoteError):
    """Any failed call (`wire.errors.RemoteError`)."""

    system = "PowerCode"


class NeverArrived(PowerCodeError):
    """PowerCode has not seen the request: repeat it freely."""

    outcome = "never_arrived"


class Throttled(TooMany, NeverArrived):
    """PowerCode turned the request away because there were too many (HTTP 429): repeat it later."""


class Refused(PowerCodeError):
    """PowerCode answered with a failure, and nothing was done: the same request again would be refused again.

    `detail` is PowerCode's own words, shortened, with keys and customers' data masked. `status_code` is the form API's
    statusCode (23: the address could not be geocoded), or -1 from the UAPI, which has none.
    """

    outcome = "refused"

    def __init__(
        self, detail: str, action: str = "", status: int | None = None, status_code: int = NO_STATUS_CODE
    ) -> None:
        super().__init__(detail, action, status)
        self.args = (detail, action, status, status_code)
        self.status_code = status_code

    def __str__(self) -> str:
        code = f" [statusCode {self.status_code}]" if self.status_code != NO_STATUS_CODE else ""
        return super().__str__() + code


class OutcomeUnknown(PowerCodeError):
    """The request was sent and no usable answer came: a look-up may be repeated, a change must be checked first."""
