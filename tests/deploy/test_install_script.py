"""deploy/install.sh, as far as it goes without being root on a machine of its own."""

import grp
import os
import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from config import PROJECT

SCRIPT = PROJECT / "deploy" / "install.sh"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", SCRIPT, *arguments], capture_output=True, text=True, check=False, timeout=60)


def places() -> list[bool]:
    names = ("/opt/utopia-handler", "/var/backups/utopia", "/etc/cron.d/utopia-handler")
    return [Path(name).exists() for name in names]


def test_it_is_a_script_that_bash_understands() -> None:
    subprocess.run(["bash", "-n", SCRIPT], check=True)
    assert os.access(SCRIPT, os.X_OK)


def test_help_names_every_option_and_exit_code() -> None:
    result = run("--help")

    assert result.returncode == 0
    assert all(option in result.stdout for option in ("--dry-run", "--restart", "--help", "Exit codes"))


def test_a_dry_run_says_what_it_would_do_and_changes_nothing() -> None:
    before = places()

    result = run("--dry-run")

    assert result.returncode == 0, result.stderr
    assert "Nothing was changed" in result.stdout
    assert places() == before


def test_an_unknown_option_is_refused() -> None:
    result = run("--force")

    assert (result.returncode, result.stderr) == (2, "Error: There is no option --force. See --help.\n")


def test_it_copies_only_files_that_are_there() -> None:
    text = SCRIPT.read_text(encoding="utf-8")

    named = set(re.findall(r"utopia-handler[\w@-]*\.(?:service|timer)(?![\w/])", text))
    assert {"utopia-handler.service", "utopia-handler-backup.service", "utopia-handler-backup.timer"} <= named
    for name in (*named, "utopia-handler"):
        assert (PROJECT / "deploy" / name).is_file()


def test_nobody_else_runs_in_roots_own_session() -> None:
    """Whoever shares a terminal's session with root can type into it."""
    scripts = [
        PROJECT / "deploy_changes_UAC.sh",
        *(PROJECT / "deploy").rglob("*.sh"),
        PROJECT / "deploy/utopia-handler",
    ]
    lines = [line for script in scripts for line in script.read_text(encoding="utf-8").splitlines()]
    switching = [line.strip() for line in lines if "runuser" in line and not line.strip().startswith("#")]

    assert len(switching) > 2
    assert [line for line in switching if "setsid --wait runuser" not in line] == []


def piece(name: str) -> str:
    """A function of the script."""
    found = re.search(rf"^{name}\(\) \{{.*?^\}}", SCRIPT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found
    return found[0]


CRON = """# A backup of the database every night
SHELL=/bin/sh
PATH=/usr/local/bin:/usr/bin:/bin
MAILTO=root

0 2 * * *  utopia-handler  cd /opt/utopia-handler && .venv/bin/flask --app wsgi db backup \
/var/backups/utopia/handler-$(date +\\%a).db >/dev/null
"""


@pytest.mark.parametrize(
    ("text", "is_ours"),
    [
        (CRON, True),
        (CRON.replace("0 2 *", "0 5 *"), False),
        (CRON + "0 3 * * *  root  rsync /var/backups/utopia elsewhere:\n", False),
    ],
)
def test_the_file_of_cron_is_removed_only_where_nobody_changed_it(text: str, is_ours: bool, tmp_path: Path) -> None:
    (tmp_path / "cron").write_text(text)
    names = {"ACCOUNT": "utopia-handler", "HOME_FOLDER": "/opt/utopia-handler", "BACKUPS": "/var/backups/utopia"}
    values = "".join(f"{name}={value}\n" for name, value in names.items())

    script = f"{values}CRON_FILE={tmp_path}/cron\n{piece('is_our_cron_file')}\nis_our_cron_file"
    assert (subprocess.run(["bash", "-euc", script], check=False).returncode == 0) is is_ours


def test_a_new_env_has_a_token_for_callbacks_and_says_where_it_goes() -> None:
    script = SCRIPT.read_text(encoding="utf-8")
    make_env = script[script.index("make_env() {") : script.index("install_units() {")]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, ".env.example").write_bytes((PROJECT / ".env.example").read_bytes())
        defined = (
            "say() { printf '%s\\n' \"$*\"; }\n"
            + make_env
            + script[script.index("say_token() {") : script.index("check_settings() {")]
        )
        group = f'HOME_FOLDER={folder} ACCOUNT={grp.getgrgid(os.getgid()).gr_name}\ninstall() {{ : >"${{@: -1}}"; }}\n'
        result = subprocess.run(
            ["bash", "-c", f"set -eu\n{group}{defined}\nmake_env"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        written = Path(folder, ".env").read_text(encoding="utf-8")

    (token,) = re.findall(r"^CALLBACK_TOKEN=(.*)$", written, re.MULTILINE)
    assert len(token) >= 32
    assert token not in result.stdout
    assert "?token=" in result.stdout
