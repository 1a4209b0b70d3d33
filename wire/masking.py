"""What remote systems say, fit for logs and pages: without secrets, without customers' data, on one line."""

import json
import re
from collections.abc import Iterable

SHOWN_CHARACTERS = 200
CUT = "…"
MASK = "***"
# What stands under a secret's name in a text: in JSON that was cut, or in a page or a sentence that quotes the request.
NAMED_SECRET = re.compile(
    r"""((?:passw|passphrase|passcode|pwd|secret|token|api_?key|authorization|credential)\w*["']?\s*[:=]\s*)"""
    r"""("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|(?:Basic\s+|Bearer\s+)?[^\s&,;<>"']+)""",
    re.I,
)
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def safe_text(value: object, *, secrets: Iterable[str] = (), private: Iterable[str] = ()) -> str:
    """What the remote said, fit for logs and pages: one line of at most 200 characters.

    Each of `secrets` is masked wherever it stands, what is named a password or a key as well, and each of `private` (a
    customer's name, address, ...) as a whole word.
    """
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    text = NAMED_SECRET.sub(rf"\1{MASK}", " ".join(UNPRINTABLE.sub(" ", text).split()))
    for secret in filter(None, secrets):
        text = text.replace(secret, MASK)
    for word in sorted(set(private), key=len, reverse=True):
        if len(word.strip()) > 1:
            pattern = r"\s+".join(map(re.escape, word.split()))
            text = re.sub(rf"(?<!\w){pattern}(?!\w)", "***", text, flags=re.IGNORECASE)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + CUT
