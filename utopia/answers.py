"""What an answer of UTOPIA means: its content, or the error that names what to do next (reference: UTOPIA Fiber)."""

from collections.abc import Iterator
from typing import Any

from wire import Reply
from wire.errors import ABOUT_TROUBLE
from wire.json_values import records
from wire.masking import safe_text

from .errors import AuthenticationFailed, NotOurs, NotReady, OutcomeUnknown, Refused, Throttled, UtopiaError

NOT_OURS = "no valid records found for this isp"
AUTHENTICATION_FAILED = "authentication failed"

OUTCOMES = ("status", "success", "result")
SAYS_NO = {
    "false",
    "no",
    "error",
    "fail",
    "failed",
    "failure",
    "notfound",
    "not found",
    "denied",
    "rejected",
    "invalid",
}
"""Words in one of these fields speak against a change (reference: `macsearch` answers "notfound" with HTTP 200)."""


class Answered:
    """One complete answer to `action`; `secrets` and `private` are masked in what UTOPIA says."""

    def __init__(self, action: str, reply: Reply, secrets: tuple[str, ...], private: tuple[str, ...]) -> None:
        self.action = action
        self.reply = reply
        self._secrets = secrets
        self._private = private

    def content(self) -> Any:
        """The answer's JSON; raises Throttled, Refused (and kin), NotOurs, or OutcomeUnknown when it has none."""
        status = self.reply.status
        if status == 429:
            raise Throttled("too many requests", self.action, status, self.reply.retry_after)
        if status >= 500 or status < 200 or 300 <= status < 400:
            raise self.unknown("an error page or a redirect instead of an answer")
        content = self._json()
        error = content.get("error") if isinstance(content, dict) else None
        if error:
            raise self._refusal(error)
        if status >= 400:
            raise self.unknown("an HTTP error without an explanation")
        return content

    def changed(self) -> Any:
        """The answer's JSON to a call that changes something.

        What UTOPIA answers to it is not documented. So an answer is taken for a yes unless it says nothing, or
        something that speaks against it: OutcomeUnknown then, and a person looks.
        """
        content = self.content()
        if not content or any(map(_says_no, _objects(content))):
            raise self.unknown(f"it answered {safe_text(content, secrets=self._secrets, private=self._private)}")
        return content

    def contract_pdf(self) -> int:
        """The size of the contract; NotReady when UTOPIA answers with JSON instead (reference: contract download)."""
        is_pdf = self.reply.content_type == "application/pdf" and self.reply.body.startswith(b"%PDF")
        if self.reply.status == 200 and is_pdf:
            return self.reply.in_file or 0
        try:
            self.content()
        except Refused as refusal:
            waiting = "not ready" in refusal.detail.casefold()
            detail = refusal.detail
            if not waiting:
                raise
        else:
            detail = "the contract is not ready yet"
        raise NotReady(detail, self.action, self.reply.status)

    def unknown(self, detail: str) -> OutcomeUnknown:
        """The error for an answer that can't be used."""
        return OutcomeUnknown(detail, self.action, self.reply.status)

    def _json(self) -> Any:
        try:
            content = self.reply.json()
        except ValueError:
            content = None
        if content is None or content == "":
            raise self.unknown("the answer is not JSON" if self.reply.body.strip() else "the answer is empty")
        return content

    def _refusal(self, error: object) -> UtopiaError:
        said = safe_text(error, secrets=self._secrets, private=self._private)
        plain = said.rstrip(". ").casefold()
        if plain == NOT_OURS:
            return NotOurs(said, self.action, self.reply.status)
        if self.reply.status == 401 or plain == AUTHENTICATION_FAILED:
            return AuthenticationFailed(said, self.action, self.reply.status)
        if ABOUT_TROUBLE.search(said):  # a change may be done all the same, and a look-up may work later
            return self.unknown(f'it answered "{said}"')
        return Refused(said, self.action, self.reply.status)


def _objects(content: Any) -> Iterator[dict[str, Any]]:
    """The objects of an answer: itself or a list's, and those that are its fields."""
    for each in records(content):
        yield each
        for value in each.values():
            yield from records(value)


def _says_no(each: dict[str, Any]) -> bool:
    fields = {name.casefold(): value for name, value in each.items()}
    words = [fields[name] for name in OUTCOMES if name in fields]
    against = (word is False or str(word).strip().casefold() in SAYS_NO for word in words)
    return bool(fields.get("error") or fields.get("errors") or any(against))
