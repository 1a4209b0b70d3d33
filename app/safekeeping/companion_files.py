"""The other files worth a backup: `.env`, the files that it names, and the ticket texts, in one archive beside it.

The archive holds every key. As with the backup itself, only the service's user can read it.
"""

import grp
import os
import tarfile
from pathlib import Path

from app.safekeeping.sqlite_backup import new_file
from config import PROJECT, Settings

ENDING = ".files.tar"
ELSEWHERE = "elsewhere"
"""The folder in the archive for files from outside the service's folder, which belong where `.env` names them."""


def beside(backup: Path) -> Path:
    """The archive that belongs to a backup."""
    return backup.with_name(backup.stem + ENDING)


def keep(settings: Settings, file: Path) -> list[str]:
    """Write the archive, and return the names of its files; raises `OSError`."""
    with new_file(file) as partial, tarfile.open(partial, "w", dereference=True) as kept:
        for path in (*settings.files(), settings.ticket_template_dir):
            if path.exists():
                kept.add(path, _name_of(path), filter=_readable_by_group)
    return names(file)


def names(file: Path) -> list[str]:
    """The names of the files in an archive; raises `OSError` or `tarfile.TarError`."""
    with tarfile.open(file) as kept:
        return [member.name for member in kept if member.isfile()]


def _name_of(path: Path) -> str:
    """The file's name in the archive: relative to the service's folder."""
    if path.is_relative_to(PROJECT):
        return str(path.relative_to(PROJECT))
    return f"{ELSEWHERE}{path.absolute()}"


def group_name(gid: int) -> str:
    """The group's name on this machine; "" where it has none, as in some containers: then tar uses its number."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return ""


def _readable_by_group(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Set owner, group and mode: unpacked by root on any machine, a file is root's and the group can read it."""
    member.uid, member.uname = 0, "root"
    member.gid, member.gname = os.getgid(), group_name(os.getgid())
    member.mode = 0o750 if member.isdir() else 0o640
    return member
