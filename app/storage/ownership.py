"""Who owns the service's files: a file that root makes first must be open to the user that the service runs as.

That user is the owner of the folder (`instance/`, as `deploy/install.sh` makes it).
"""

import os
import pwd
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

FILE_MODE = 0o640
FOLDER_MODE = 0o750
BESIDE = ("", "-wal", "-shm", "-journal", ".upgrade.lock")
"""What SQLite and a migration write beside the database, by the ends of their names."""


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing; as root, each for the owner of the one above."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=FOLDER_MODE, exist_ok=True)
        if os.geteuid() == 0:
            owner = each.parent.stat()
            os.chown(each, owner.st_uid, owner.st_gid, follow_symlinks=False)
    folder.mkdir(exist_ok=True)  # raises `FileExistsError` where a file is in its place


def make_file(file: Path, mode: int = FILE_MODE) -> None:
    """As root, make a file that is missing, empty, for the owner of its folder. One that is there stays as it is.

    Whoever opens the file next finds it there. If it can't be made, opening it will raise the error.
    """
    if os.geteuid() != 0:
        return
    with suppress(OSError):
        owner = file.parent.stat()
        made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        try:
            os.fchown(made, owner.st_uid, owner.st_gid)
        finally:
            os.close(made)


def why_closed(database: Path) -> str | None:
    """A sentence about the file, or a folder, that this process may not use; None when it may use all of them."""
    closed = next((path for path, rights in _needs(database) if not os.access(path, rights, effective_ids=True)), None)
    if closed is None:
        return None
    owner, user = name_of(closed.lstat().st_uid), name_of(os.geteuid())
    return f"The database can't be opened: {closed} belongs to {owner}, and {user}, who runs this, may not use it"


def _needs(database: Path) -> Iterator[tuple[Path, int]]:
    """The folders and files that exist, from the top down, with the rights that are needed on each."""
    for folder in reversed(database.parents):
        if not folder.is_dir():
            return
        yield folder, os.X_OK
    yield database.parent, os.W_OK
    for end in BESIDE:
        if (file := Path(f"{database}{end}")).exists():
            yield file, os.R_OK | os.W_OK


def name_of(user: int) -> str:
    """The name of a user, or the number where there is none."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"
