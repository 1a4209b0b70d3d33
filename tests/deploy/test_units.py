"""The systemd units, as systemd itself judges them, and the settings for proxies beside them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from config import PROJECT

DEPLOY = PROJECT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
BACKUP = DEPLOY / "utopia-handler-backup.service"
SERVICES = [unit for unit in UNITS if unit != BACKUP]
HIGHEST_EXPOSURE = 2.5
EXPOSURE = re.compile(r"Overall exposure level for \S+: ([\d.]+)")

needs_systemd = pytest.mark.systemd


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def keys(unit: Path) -> dict[str, str]:
    """The unit's keys; of several with one name, the last."""
    return dict(re.findall(r"^(\w+)=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE))


def installed(unit: Path, folder: Path) -> Path:
    """A copy in which the program's folder is one that exists, with its programs in it, and the user one that does."""
    program = folder / "program"
    programs = program / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("gunicorn", "flask"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    (program / "docs").mkdir()
    for page in ("README.md", "docs/backup.md"):
        (program / page).touch()
    (program / "deploy").mkdir()
    shutil.copy2(DEPLOY / "end.sh", program / "deploy")
    text = unit.read_text(encoding="utf-8").replace("/opt/utopia-handler", str(program))
    copy = folder / unit.name.replace("@.", "@1.")
    copy.write_text(re.sub(r"^(User|Group)=.*$", r"\1=root", text, flags=re.MULTILINE))
    return copy


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_leaves_little_open(unit: Path) -> None:
    said = analyze("security", "--offline=yes", "--no-pager", unit).stdout

    found = EXPOSURE.search(said)
    assert found, said
    assert float(found[1]) < HIGHEST_EXPOSURE


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_finds_no_fault_in_a_unit(unit: Path, tmp_path: Path) -> None:
    result = analyze("verify", "--man=no", "--recursive-errors=no", installed(unit, tmp_path))

    about_it = [line for line in result.stderr.splitlines() if unit.stem in line]
    assert (about_it, result.returncode) == ([], 0), result.stderr


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.stem)
def test_a_unit_starts_at_boot_restarts_drains_and_is_watched(unit: Path) -> None:
    found = keys(unit)

    assert found["WantedBy"] == "multi-user.target"
    assert found["Restart"] == "always"
    assert found["ExecStop"] == "/opt/utopia-handler/deploy/end.sh $MAINPID"  # also for one that took over
    assert found["KillMode"] == "mixed"
    assert int(found["TimeoutStopSec"]) > 180  # gunicorn's graceful_timeout
    assert int(found["WatchdogSec"]) >= 60
    assert found["NotifyAccess"] == "all"  # a worker speaks to the watchdog


def test_each_worker_process_speaks_to_the_watchdog_that_the_units_set() -> None:
    """Without it, systemd would kill a healthy service every minute."""
    assert "    watch(app)\n" in (PROJECT / "gunicorn.conf.py").read_text(encoding="utf-8")


def test_the_larger_set_up_only_changes_the_role() -> None:
    dropped_in = DEPLOY / "utopia-handler.service.d" / "web.conf"

    assert keys(dropped_in) == {"Environment": "ROLE=web"}
    assert keys(DEPLOY / "utopia-handler-worker@.service")["Environment"].startswith("ROLE=worker ")


def test_the_backup_is_made_every_night_as_the_service_where_it_may_write() -> None:
    found, timer = keys(BACKUP), keys(DEPLOY / "utopia-handler-backup.timer")
    folder = found["ExecStart"].split()[-1]

    assert found["ExecStart"].endswith(f"--app wsgi db backup {folder}")
    assert found["User"] == "utopia-handler"
    assert folder in found["ReadWritePaths"].split()
    assert (timer["OnCalendar"], timer["Persistent"], timer["WantedBy"]) == ("*-*-* 02:00:00", "true", "timers.target")


@needs_systemd
def test_systemd_understands_when_the_backup_is_made() -> None:
    assert analyze("calendar", keys(DEPLOY / "utopia-handler-backup.timer")["OnCalendar"]).returncode == 0


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_a_proxy_lets_in_only_what_the_service_has_for_outside(name: str) -> None:
    text = (DEPLOY / name).read_text(encoding="utf-8")

    for part in ("/api-callback", "login", "console", "static", "healthz", "readyz", "metrics", "404", "192.0.2.0/24"):
        assert part in text
