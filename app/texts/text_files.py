"""The folder TICKET_TEMPLATE_DIR: its texts are read and replaced as whole files, and nothing outside it is touched.

The files are the source of truth: the deploy script updates them too, and they may be edited on the server.
"""

import errno
import fcntl
import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from app.digest.mails import HTML_TEMPLATE

MAX_BYTES = 100_000
MOST_FILES = 200
LONGEST_TITLE = 80
TITLE_SUFFIX = ".meta.json"
"""The file beside a text that gives it a title, as the old scripts kept it: {"name": "Welcome"}."""
ABSENT = ""
"""The fingerprint of a file that is not there."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,95}\.txt")
_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_TEMPORARY = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class TextFile:
    """A text as it is on disk, with line breaks as \\n; `fingerprint` changes with every byte of the file.

    `changed_at` is what the file system says, None where nobody asked it.
    """

    name: str
    text: str
    fingerprint: str
    changed_at: datetime | None = field(default=None, compare=False)


class TextUnreadable(Exception):
    """A file that can't be shown; the sentence is for staff."""


class TextNotSaved(Exception):
    """Nothing was written; the sentence is for staff."""


class ChangedMeanwhile(TextNotSaved):
    """Somebody else changed the file since it was read. `now` is the present text, None where the file is gone."""

    def __init__(self, now: TextFile | None) -> None:
        self.now = now
        super().__init__("The file was changed meanwhile by somebody else, so nothing was saved")


def is_name(name: str) -> bool:
    """Whether a file of this name is one of the texts: no folders, nothing hidden, `.txt` or the digest's HTML."""
    return name == HTML_TEMPLATE or _NAME.fullmatch(name) is not None


def names(folder: Path) -> list[str]:
    """The texts in the folder by name. Raises `TextUnreadable`."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entry.name for entry in entries if is_name(entry.name) and not entry.is_dir())
    except OSError as error:
        raise TextUnreadable(f"The folder {folder} can't be read: {error.strerror}. See TICKET_TEMPLATE_DIR.") from None
    return found[:MOST_FILES]


def read(folder: Path, name: str) -> TextFile | None:
    """A text, None when there is no such file. Raises `TextUnreadable`."""
    if not is_name(name):
        return None
    try:
        with _opened(folder) as directory:
            return _read(directory, name)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TextUnreadable(_why_unreadable(error)) from None


def write(folder: Path, name: str, text: str, expected: str, like: str | None = None) -> TextFile:
    """Replace a file as a whole, or make one (`expected` is then ABSENT), and return it as it is now.

    Readers see the old text or the new one, never a part, whatever dies meanwhile. Mode and owner stay as they were;
    a new file gets those of `like`. Raises `ChangedMeanwhile` unless the file is as `expected`, else `TextNotSaved`.
    """
    if not is_name(name):
        raise TextNotSaved("This name can't be used")
    if "\0" in text:
        raise TextNotSaved("The text has a NUL character in it")
    content = text.replace("\r\n", "\n").encode()
    if len(content) > MAX_BYTES:
        raise TextNotSaved(f"The text is larger than {MAX_BYTES // 1000} kB")
    try:
        with _opened(folder) as directory:
            _alone(directory)
            there = _read_if_there(directory, name)
            if (there.fingerprint if there else ABSENT) != expected:
                raise ChangedMeanwhile(there)
            _replace(directory, name, content, like or name)
    except TextUnreadable as why:
        raise TextNotSaved(str(why)) from None
    except OSError as error:
        raise TextNotSaved(_why_not_written(error, folder)) from None
    return TextFile(name, content.decode(), _fingerprint(content))


def title(folder: Path, name: str) -> str:
    """The title that the file beside a text gives it; "" where there is none that can be read."""
    try:
        with _opened(folder) as directory:
            content = json.loads(_read(directory, f"{name}{TITLE_SUFFIX}").text)
    except (OSError, TextUnreadable, ValueError, RecursionError):
        return ""
    written = content.get("name") if isinstance(content, dict) else None
    return " ".join(written.split())[:LONGEST_TITLE] if isinstance(written, str) else ""


def write_title(folder: Path, name: str, title: str) -> None:
    """Give a text a title. Raises `TextNotSaved`."""
    content = json.dumps({"name": title}, ensure_ascii=False).encode("utf-8", "replace")
    try:
        with _opened(folder) as directory:
            _alone(directory)
            _replace(directory, f"{name}{TITLE_SUFFIX}", content, name)
    except OSError as error:
        raise TextNotSaved(_why_not_written(error, folder)) from None


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """Open the folder: names are then resolved inside it, whatever a link in its path is changed to."""
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield directory
    finally:
        os.close(directory)


def _alone(directory: int) -> None:
    """Take the folder's lock, so that two saves don't overlap; network drives may have no locks."""
    with suppress(OSError):
        fcntl.flock(directory, fcntl.LOCK_EX)


def _read_if_there(directory: int, name: str) -> TextFile | None:
    try:
        return _read(directory, name)
    except FileNotFoundError:
        return None


def _read(directory: int, name: str) -> TextFile:
    with os.fdopen(os.open(name, _READING, dir_fd=directory), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise TextUnreadable("This is not a file.")
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise TextUnreadable(f"The file is larger than {MAX_BYTES // 1000} kB, which no ticket takes.")
    return TextFile(name, _text(content), _fingerprint(content), datetime.fromtimestamp(found.st_mtime, UTC))


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise TextUnreadable(f"The file is not UTF-8 text (line {line}); save it anew with that encoding.") from None
    if "\0" in text:
        raise TextUnreadable("The file is not text: it has a NUL character in it. Save it anew without that.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _fingerprint(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _replace(directory: int, name: str, content: bytes, like: str) -> None:
    temporary = f".{name}.{secrets.token_hex(4)}"
    file = os.open(temporary, _TEMPORARY, 0o600, dir_fd=directory)
    try:
        with os.fdopen(file, "wb") as opened:
            opened.write(content)
            opened.flush()
            _take_after(file, directory, like)
            os.fsync(file)
        os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=directory)
        raise
    os.fsync(directory)


def _take_after(file: int, directory: int, like: str) -> None:
    """Give the file another's mode and owner. Only root may change the owner; otherwise only the group is changed."""
    try:
        model = os.stat(like, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        os.fchmod(file, 0o644)
        return
    for user, group in ((model.st_uid, model.st_gid), (-1, model.st_gid)):
        with suppress(PermissionError):
            os.fchown(file, user, group)
            break
    os.fchmod(file, stat.S_IMODE(model.st_mode))


def _why_unreadable(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "This is a link to another file; edit that file where it is."
    return f"The file can't be read: {error.strerror}. Let the user that runs this service read it."


def _why_not_written(error: OSError, folder: Path) -> str:
    why = f"The file could not be written: {error.strerror}."
    if error.errno == errno.EROFS:
        return f"{why} The service may not write in {folder}: add it to ReadWritePaths of its systemd unit, then save."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{why} Let the user that runs this service write in the folder {folder}, then save."
    return f"{why} Nothing was changed in {folder}; when that is mended, save again."
