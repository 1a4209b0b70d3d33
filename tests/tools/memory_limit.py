"""A limit of memory for all processes of a service together, by a control group of the kernel."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.tools.processes import until

ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Limit:
    """A control group: of the first version, with a folder for memory, or of the second."""

    folder: Path
    limit: str
    killed: str

    def wrap(self, command: tuple[str, ...]) -> tuple[str, ...]:
        """The command, run in the group with all that it starts."""
        return ("sh", "-c", f'echo $$ > {self.folder}/cgroup.procs && exec "$@"', "sh", *command)

    @property
    def times_killed(self) -> int:
        """How often the kernel ended a process for its memory."""
        found = re.search(r"^oom_kill (\d+)", (self.folder / self.killed).read_text(), re.MULTILINE)
        assert found, "the kernel does not count"
        return int(found[1])

    def is_removed(self) -> bool:
        """Whether the group could be removed; not as long as its last processes are on their way out."""
        try:
            self.folder.rmdir()
        except OSError:
            return False
        return True


@contextmanager
def limited(megabytes: int) -> Iterator[Limit | None]:
    """A group with this limit, or None where none can be made."""
    name, first = f"utopia-handler-{os.getpid()}", ROOT / "memory"
    is_first = first.is_dir()
    files = ("memory.limit_in_bytes", "memory.oom_control") if is_first else ("memory.max", "memory.events")
    group = Limit((first if is_first else ROOT) / name, *files)
    try:
        group.folder.mkdir()
        (group.folder / group.limit).write_text(str(megabytes * 1024 * 1024))
    except OSError:
        with suppress(OSError):
            group.folder.rmdir()
        yield None
        return
    try:
        yield group
    finally:
        until(group.is_removed)
