"""The other files in the folder: none of them is taken over, and some should be deleted."""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path

from app.setup.legacy.findings import Became, Entry, NotReadable, text_of

MOST_LISTED = 60
UNIT = "api_callback.service"
UWSGI = "api_callback.ini"

_CONSENT = (
    "a Google user's consent, of no use to the service account that reads the spreadsheet here (docs/digest.md). "
    "Withdraw it in that Google account, and delete the file"
)
_LOG = "the old script's log. It may hold customers' data: delete it when nobody asks for it any more"
_PROGRAM = "a program of the old scripts; nothing here needs it"
KNOWN: Sequence[tuple[str, str]] = (
    ("token.json", _CONSENT),
    ("credentials.json", _CONSENT),
    ("raw_data.csv", "customers' data that the ticket script left behind: delete it"),
    ("run_util.bat", "it starts the ticket script: switch off what calls it, such as a Windows task"),
    (UNIT, "the old unit: systemctl disable --now api_callback.service"),
    (UWSGI, "uWSGI's settings: the socket in it is the proxy's old target"),
    ("api_class.log*", _LOG),
    ("app_main.log*", _LOG),
    ("*.py", _PROGRAM),
    ("*.html", _PROGRAM),
    ("requirements*.txt", _PROGRAM),
    (".env*", "it may hold keys: delete it with the folder"),
)

_SOCKET = re.compile(r"^\s*(?:uwsgi-|http-)?socket\s*=\s*(\S+)", re.MULTILINE)


def look(folder: Path, told: Iterable[str]) -> list[Entry]:
    """The files in the folder that are not in `told`. Raises `NotReadable`."""
    try:
        names = sorted({file.name for file in folder.iterdir()} - set(told))
    except OSError as error:
        raise NotReadable(f"the folder can't be opened ({error.strerror})") from None
    entries = [Entry.about(name, Became.LEFT_OUT, _words(name)) for name in names[:MOST_LISTED]]
    more = len(names) - MOST_LISTED
    return entries + ([Entry(f"{more} more", Became.LEFT_OUT, "not looked at")] if more > 0 else [])


def is_known(name: str) -> bool:
    """Whether it is a file of the old scripts."""
    return any(fnmatch(name, pattern) for pattern, _ in KNOWN)


def socket_of(folder: Path) -> str:
    """The socket on which the proxy reached the old script, by its uWSGI settings; "" where these name none."""
    with suppress(NotReadable, FileNotFoundError):
        found = _SOCKET.search(text_of(folder / UWSGI))
        return found[1] if found else ""
    return ""


def _words(name: str) -> str:
    unknown = "nothing of the old scripts that is known here; not looked at"
    return next((words for pattern, words in KNOWN if fnmatch(name, pattern)), unknown)
