"""What an answer of PowerCode means: its content, or the error that names what to do next (reference: PowerCode)."""

import re
from typing import Any

from wire import Reply
from wire.errors import ABOUT_TROUBLE
from wire.json_values import records
from wire.masking import CUT, safe_text

from .errors import NO_STATUS_CODE, OutcomeUnknown, Refused, Throttled
from .models import Customer, Tag, digits, record_of, text

CANNOT_GEOCODE = 23
"""The statusCode of an address that could not be geocoded."""

PROMPT_SECONDS = 5.0
"""A server that refuses a change for its load does so at once; if it says so later, it may have made the change."""

# Words that refuse the caller (a wrong key, a foreign IP address), in contrast to "no such customer".
ABOUT_THE_CALLER = re.compile(
    r"\b(api ?keys?|keys?|permi(tted|ssions?)|denied|forbidden|not allowed|unauthori[sz]ed|authori[sz]\w*|authenti\w*"
    r"|credentials?|access|ip address)\b",
    re.IGNORECASE,
)


ABOUT_NOBODY = re.compile(
    r"not found|\bno (such|customers?|results?|records?|match\w*)\b|n[o']t exist"
    r"|unknown customer|invalid (customer|ext)",
    re.IGNORECASE,
)

# Words that name a fault of the request itself.
ABOUT_THE_REQUEST = re.compile(
    r"\b(invalid|not valid|incorrect|missing|required|must|may not|empty|blank|too (long|short|large|small)"
    r"|not (a|an|found|allowed|permitted|supported|active|enabled)|no such|unknown (customer|service|plan|action|tag"
    r"|category|ticket|group|user|field)|doe?s?n[o']t exist|does not exist|already|taken|in use|retired|discontinued"
    r"|inactive|disabled|only once|geocod\w*)\b",
    re.IGNORECASE,
)


class Answered:
    """One complete answer to `action`; `secrets` and `private` are masked in what PowerCode says.

    `changed_within` is set for a call that changes something: after how many seconds its answer came.
    """

    def __init__(
        self,
        action: str,
        reply: Reply,
        secrets: tuple[str, ...],
        private: tuple[str, ...],
        changed_within: float | None = None,
    ) -> None:
        self.action = action
        self.reply = reply
        self._secrets = secrets
        self._private = private
        self._changed_within = changed_within

    def form(self) -> dict[str, Any]:
        """The form API's answer to a call that succeeded (statusCode 0); Refused for any other statusCode.

        A change is refused for certain only where the words name what is wrong with the request: "Lock wait timeout
        exceeded" has been answered to a plan that was added. Any other refusal of a change is OutcomeUnknown.
        """
        content = self._object()
        code = status_code(content.get("statusCode"))
        if code is None:
            raise self.unknown("the answer has no statusCode")
        if code != 0:
            refusal = self._refused(content.get("message"), code)
            raise refusal if self._is_certain(refusal) else self._tells_nothing(refusal)
        if self.reply.status >= 400:
            raise self.unknown("an HTTP error that claims success")
        return content

    def form_or_none(self) -> dict[str, Any] | None:
        """The same for a look-up: None for a failure that means "nobody".

        A failure that speaks of a key, a permission or a sign-in is Refused. One that speaks of trouble tells nothing:
        OutcomeUnknown.
        """
        try:
            return self.form()
        except Refused as refusal:
            if ABOUT_THE_CALLER.search(refusal.detail):
                raise
            if ABOUT_TROUBLE.search(refusal.detail) and not ABOUT_NOBODY.search(refusal.detail):
                raise self.unknown(f"the look-up failed: {refusal.detail}") from None
            return None

    def uapi(self) -> Any:
        """The UAPI's `Response`; Refused at HTTP 401 and 403 and when `Success` is false.

        Words of trouble tell nothing: OutcomeUnknown. Unknown words count as a refusal here, because every change in
        the UAPI may be repeated.
        """
        if self.reply.status in (401, 403):
            raise self._refused("the key is not accepted (a key is bound to the caller's IP address)")
        content = self._object()
        success = content.get("Success")
        if success in (False, 0) or text(success).casefold() in ("false", "0"):
            said = content.get("Message") or content.get("message") or content.get("Response")
            refusal = self._refused(said)
            raise self._tells_nothing(refusal) if ABOUT_TROUBLE.search(refusal.detail) else refusal
        if self.reply.status >= 400 or not (success in (True, 1) or text(success).casefold() in ("true", "1")):
            raise self.unknown("the answer does not say whether it succeeded")
        return content.get("Response")

    def message(self) -> str:
        """PowerCode's words on a success, fit to be shown."""
        return safe_text(self.form().get("message"), secrets=self._secrets, private=self._private)

    def new_id(self, name: str) -> str:
        """The id of what was made just now. Without one nobody knows what was made: OutcomeUnknown."""
        made = digits(self.form().get(name))
        if not made.strip("0"):
            raise self.unknown(f"success without a usable {name}")
        return made

    def customers(self, found: Any) -> tuple[Customer, ...]:
        """The customers in `found`; OutcomeUnknown for anything in it that is no customer with an id."""
        several = isinstance(found, list) and all(isinstance(each, dict) for each in found)
        if found and not (several or isinstance(found, dict)):
            raise self.unknown("a list of customers that holds something else")
        customers = tuple(Customer.read(each) for each in records(found))
        if not all(customer.customer_id for customer in customers):
            raise self.unknown("a customer without a usable id")
        return customers

    def one_customer(self, customer_id: str) -> Customer | None:
        """readCustomer's record, wherever it sits; `customer_id` stands in when the record does not repeat it."""
        content = self.form_or_none()
        if content is None:
            return None
        held, found = record_of(content)
        if not held:
            raise self.unknown("success without a customer")
        if not found:
            return None
        customer = Customer.read(found[0])
        if not customer.customer_id and not customer_id:
            raise self.unknown("a customer without a usable id")
        return customer if customer.customer_id else customer.model_copy(update={"customer_id": customer_id})

    def tags(self) -> tuple[Tag, ...]:
        """A customer's tags."""
        tags = tuple(
            Tag(tag_id=digits(row.get("TagID")), name=text(row.get("TagName"))) for row in records(self.uapi())
        )
        if not all(tag.tag_id for tag in tags):
            raise self.unknown("a tag without a usable id")
        return tags

    def unknown(self, detail: str) -> OutcomeUnknown:
        """The error for an answer that can't be used."""
        return OutcomeUnknown(detail, self.action, self.reply.status)

    def _is_certain(self, refusal: Refused) -> bool:
        """Whether a refusal proves that nothing was done; always for a look-up. Words that were cut prove nothing: they
        may have named trouble further on."""
        words = refusal.detail
        if self._changed_within is None or refusal.status_code == CANNOT_GEOCODE:
            return True
        names_a_fault = ABOUT_THE_REQUEST.search(words) or ABOUT_THE_CALLER.search(words)
        return bool(names_a_fault) and not ABOUT_TROUBLE.search(words) and not words.endswith(CUT)

    def _tells_nothing(self, refusal: Refused) -> OutcomeUnknown:
        return self.unknown(f'it answered "{refusal.detail}"')

    def _refused(self, said: object, code: int = NO_STATUS_CODE) -> Refused:
        words = safe_text(said, secrets=self._secrets, private=self._private) or "without a reason"
        return Refused(words, self.action, self.reply.status, code)

    def _object(self) -> dict[str, Any]:
        status = self.reply.status
        if status == 429 and (self._changed_within or 0) > PROMPT_SECONDS:
            raise self.unknown("too many requests, but only after a while")
        if status == 429:
            raise Throttled("too many requests", self.action, status, self.reply.retry_after)
        if status >= 500 or status < 200 or 300 <= status < 400:
            raise self.unknown("an error page or a redirect instead of an answer")
        try:
            content = self.reply.json()
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise self.unknown("the answer is not a JSON object" if self.reply.body.strip() else "the answer is empty")
        return content


def status_code(value: object) -> int | None:
    """PowerCode's statusCode, which comes as a number or a string; None when it is neither."""
    try:
        return int(text(value))
    except ValueError:
        return None
