"""What is masked by its shape (mail addresses, phone numbers, `password=...`), and which field names hold such data.

`SHAPES` are the patterns, and `NAMED_SECRETS` those of them that find a secret by its name. The group `value` is taken
out, or the whole match where that group took no part.
Every pattern runs in about linear time: it starts only at the start of a word, or at a fixed text.
"""

import re
from functools import lru_cache

from .notations import WORD_START

MARK = "[redacted]"
"""Stands in a log line for text that was taken out."""

# Found anywhere in a key: UTOPIA_API_KEY, customerPortalPassword, X-Callback-Token, SECRET_KEY.
_CREDENTIAL = (
    r"(?:passw|passphrase|passcode|pwd|admin[_-]?pass|secret|token|api[-_ ]?key|private[-_]?key|authori[sz]ation"
    r"|credential|cookie)"
)
# The letters of which each of these names has some.
_CREDENTIALS_LETTERS = (
    "pass",
    "pwd",
    "secret",
    "token",
    "apikey",
    "privatekey",
    "authorisation",
    "authorization",
    "credential",
    "cookie",
)
_CREDENTIAL_FIELD = _CREDENTIAL + r"[\w-]{0,40}"

# Whole keys: the fields of UTOPIA's contract, PowerCode's createCustomer and createTicket, and the digest's mail.
_CUSTOMER_FIELD = (
    WORD_START + r"(?:(?:customer|physical|billing|mailing|service|portal)[_-]?){0,2}"
    r"(?:(?:first|last|full|given|family|middle|company|user)[_-]?name|surname|e-?mail(?:[_-]?address)?"
    r"|(?:to|cc|bcc)[_-]address|recipients?|(?:tele)?phone(?:[_-]?number)?|mobile"
    r"|(?:street|address)(?:[_-]?(?:line)?[_-]?\d)?|city|zip(?:[_-]?code)?|post(?:al)?code|apt|unitnum"
    r"|description|search[_-]?string|query)"
)

_QUOTE = r"""(?:\\{0,7}["']|%22|%27|&quot;|&\#3[49];|&\#x27;)"""
_SEPARATOR = r"\s{0,20}(?:=>|[=:]|%3[ADad])\s{0,20}"
_KEY_END = rf"{_QUOTE}?{_SEPARATOR}"
_KEY_END_OR_COMMA = rf"""(?:{_KEY_END}|["']\s{{0,2}},\s{{0,2}}(?=b?["']))"""
_BARE = rf"(?!(?:None|null)\b|{_QUOTE})"
_CLAUSE_END = r"""(?=\s{1,4}[\w.-]{1,40}=|[&"'\n,;)}\]]|\Z)"""
_US_SEPARATOR = r"(?:[\s.\-+/()]|%2[089B]){0,4}"

# "...", '...', \"...\"; a quote that never closes runs to the end
_QUOTED = rf"(?P<q>{_QUOTE})(?P<value>(?s:.*?))(?:(?<!\\)(?P=q)|\Z)"
# key=value and Header: value
_NAMED_SECRET = rf"""{_CREDENTIAL_FIELD}{_KEY_END}{_BARE}(?P<value>(?:(?:Basic|Bearer|Digest|Token)\s+)?[^\s&"']+)"""

_PATTERNS: tuple[str, ...] = (
    re.escape(MARK),
    # "key": "value", 'key': 'value', \"key\": \"value\", ('key', 'value')
    rf"(?:{_CREDENTIAL_FIELD}|{_CUSTOMER_FIELD}){_KEY_END_OR_COMMA}b?{_QUOTED}",
    _NAMED_SECRET,
    # a cookie's value may hold blanks
    rf"""cookie{_KEY_END}(?P<value>[^\n"']+)""",
    rf"""{_CUSTOMER_FIELD}{_KEY_END}{_BARE}(?P<value>[^\s&"'\[({{,;)}}\]][^&"'\n,;)}}\]]*?){_CLAUSE_END}""",
    # Authorization's value without its name
    r"\b(?-i:Basic|Bearer)\s+(?=\S*(?-i:[A-Z0-9=+/]))(?P<value>[\w+/=.~-]{4,})",
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?P<value>(?s:.*?))(?:-----END|\Z)",
    # scheme://user:password@host, and mail addresses, also with %40
    r"""://(?P<value>[^/\s"'<>?\#]*)@[\w.-]*|(?<![\w.+%-])[\w.+%-]+(?:'[\w.+%-]+)?(?:@|%40)\w[\w.-]*""",
    # US phone numbers: 10 digits or 11 with the leading 1; area code and exchange never start with 0 or 1, which
    # keeps times in seconds since 1970 and most ids out of it
    rf"{WORD_START}(?:\+?1{_US_SEPARATOR})?\(?[2-9]\d{{2}}{_US_SEPARATOR}[2-9]\d{{2}}{_US_SEPARATOR}\d{{4}}"
    r"(?:(?!\w)|(?=x\d))",
    # what SQLAlchemy and PostgreSQL quote from rows and parameters
    r"\[parameters: (?P<value>[^\n]*)\]",
    r"\[(?:generated in|cached since|no key|caching disabled|dialect|raw sql)[^\]\n]{0,80}\]\s{0,3}(?P<value>[^\n]+)",
    r"Key \([^)\n]{0,200}\)=\((?P<value>[^\n]*)\)",
    r"Failing row contains \((?P<value>[^\n]*)\)",
)

SHAPES: tuple[re.Pattern[str], ...] = tuple(re.compile(pattern, re.IGNORECASE) for pattern in _PATTERNS)
NAMED_SECRETS: tuple[re.Pattern[str], ...] = (
    re.compile(f"{_CREDENTIAL_FIELD}{_KEY_END}{_QUOTED}", re.IGNORECASE),
    re.compile(_NAMED_SECRET, re.IGNORECASE),
)
SIGNS_OF_A_NAME = ("=", ":", "%3")
"""Every text in which `NAMED_SECRETS` find something contains one of these; looking for them takes next to no time."""

_SECRET_NAME = re.compile(rf"{_CREDENTIAL}|pass\Z", re.IGNORECASE)
_CUSTOMERS_NAME = re.compile(rf"(?:{_CUSTOMER_FIELD})\Z", re.IGNORECASE)
_NO_LETTER = re.compile(r"[^A-Za-z]")
_ESCAPED = re.compile(r"\\(?:u[0-9a-f]{4}|.)")
_NO_LETTERS = {code: None for code in range(128) if not chr(code).isalpha()}


@lru_cache(maxsize=1024)  # answers have the same names again and again
def names_a_secret(key: str) -> bool:
    """Return whether a field of this name holds a secret; what stands between its letters doesn't matter."""
    return _SECRET_NAME.search(_NO_LETTER.sub("", key)) is not None


def may_name_a_secret(json_text: str) -> bool:
    """Return whether a name or a text in this JSON may be that of a secret: a quick test before each is looked at."""
    if not json_text.isascii():
        return True
    letters = _ESCAPED.sub("", json_text).translate(_NO_LETTERS).lower()
    return any(map(letters.__contains__, _CREDENTIALS_LETTERS))


def is_sensitive(key: str) -> bool:
    """Return whether a field of this name holds a secret or a customer's data."""
    return names_a_secret(key) or _CUSTOMERS_NAME.search(key) is not None
