"""`utopia-handler`, the command on an installed server, and what a start says where nothing can run."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from config import PROJECT
from tests.conftest import wait_for

COMMAND = PROJECT / "deploy" / "utopia-handler"
SAYS = '#!/bin/sh\nid -un; pwd; echo "$@"; cat; exit 3\n'
SOMEBODY = "nobody" if os.geteuid() == 0 else None
"""root can try what it is to be somebody else."""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A link to the command of an installation whose program says what it was called with."""
    program = tmp_path / "program"
    for folder in ("deploy", ".venv/bin", "instance"):
        (program / folder).mkdir(parents=True)
    shutil.copy2(COMMAND, program / "deploy")
    flask(program, SAYS)
    (tmp_path / "utopia-handler").symlink_to(program / "deploy" / "utopia-handler")
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if SOMEBODY and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o055)
    return tmp_path / "utopia-handler"


def flask(program: Path, text: str) -> None:
    file = program / ".venv" / "bin" / "flask"
    file.write_text(text)
    file.chmod(0o755)


def run(command: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command, *arguments], cwd=cwd, input="hello\n", capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("owner", [None, SOMEBODY] if SOMEBODY else [None], ids=lambda owner: owner or "own")
def test_a_command_runs_as_the_services_user_in_any_folder(installed: Path, owner: str | None, tmp_path: Path) -> None:
    program = (tmp_path / "program").resolve()
    if owner:
        shutil.chown(program / "instance", owner)

    result = run(installed, "orders", "show", "A B", cwd=Path("/"))

    user = owner or (program / "instance").owner()
    assert result.stdout.splitlines() == [user, "/", f"--app {program}/wsgi.py orders show A B", "hello"]
    assert (result.returncode, result.stderr) == (3, "")


@pytest.mark.parametrize("arguments", [(), ("--help",), ("--version",), ("--nonsense", "orders")])
def test_without_a_commands_name_the_service_tells_of_itself(
    installed: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    result = run(installed, *arguments, cwd=tmp_path)

    assert result.stdout.splitlines()[2].split()[2:] == ["overview", *arguments]


@pytest.mark.long
def test_a_command_that_is_broken_off_leaves_nothing_running(installed: Path, tmp_path: Path) -> None:
    if SOMEBODY:
        shutil.chown(tmp_path / "program" / "instance", SOMEBODY)
    flask(tmp_path / "program", "#!/bin/sh\necho $$\nsleep 60\n")
    process = subprocess.Popen([installed], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    inner = int(process.stdout.readline())

    os.kill(process.pid, signal.SIGTERM)

    assert process.wait(30) != 0
    wait_for(lambda: not Path(f"/proc/{inner}").exists())
    process.stdout.close()


@pytest.mark.long
def test_the_command_is_the_services_own(tmp_path: Path) -> None:
    (tmp_path / "utopia-handler").symlink_to(COMMAND)

    result = run(tmp_path / "utopia-handler", "db", "--help", cwd=tmp_path)

    settings_are_missing = "The settings have faults" in result.stderr
    assert settings_are_missing or "backup" in result.stdout, result.stderr


def test_windows_is_told_what_to_use_instead() -> None:
    program = "import os, runpy; os.name = 'nt'; runpy.run_path('wsgi.py')"
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60
    )

    assert result.returncode == 1
    assert result.stderr.startswith("Windows can't run this service. Use Debian or Ubuntu")
