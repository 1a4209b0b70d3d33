"""The script on a real checkout, with a real remote and a running service: what goes through."""

import subprocess
import time
from pathlib import Path

import pytest

from config import PROJECT
from sandbox import Sandbox
from tests.deploy.server import TEXT, Server, git
from tests.deploy.storm import Storm
from tests.tools.processes import until

MIGRATION = '''"""A column more."""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "0999", "{former}"


def upgrade():
    op.add_column("orders", sa.Column("weather", sa.String()))
'''
UNFINISHED = ("received", "running")
ORDERREF = "UIA202411-001186"

pytestmark = pytest.mark.timeout(300)


def newest_migration() -> str:
    """The revision that the project is at."""
    names = [path.name for path in (PROJECT / "migrations" / "versions").glob("[0-9]*.py")]
    return max(names).partition("_")[0]


def a_migration(body: str = "") -> dict[str, str | None]:
    """A migration after the newest one, for `push`; `body` is what its upgrade does besides."""
    text = MIGRATION.format(former=newest_migration())
    return {"migrations/versions/0999_weather.py": text + (f"    {body}\n" if body else "")}


@pytest.mark.sweep
def test_a_pushed_text_is_used_and_the_new_process_proves_its_commit(server: Server) -> None:
    before = server.main
    commit = server.push(server.changed(TEXT, "\n", "\nHello!\n"), "Friendlier welcome")

    done = server.deploy()

    assert done.returncode == 0, done.stdout + server.journal
    assert "Friendlier welcome (Ada)" in done.stdout
    assert done.stdout.splitlines()[-1] == (
        f"OK: {server.unit} runs. Version 0.1.0, commit {commit[:9]}. Changed: {TEXT}."
    )
    assert server.runs == server.head == commit
    assert server.main != before


@pytest.mark.sweep
def test_nothing_to_do_touches_nothing(server: Server) -> None:
    first = server.deploy()
    assert first.returncode == 0, first.stdout
    before = server.main

    again = server.deploy()

    assert (again.returncode, server.main) == (0, before)
    assert "already runs the newest version" in again.stdout


@pytest.mark.sweep
def test_a_dry_run_shows_the_plan_and_changes_nothing(server: Server) -> None:
    before = (server.main, server.head, server.runs)
    server.push({**server.changed(TEXT, "\n", "\nHello!\n"), **a_migration()})

    done = server.deploy("--dry-run")

    assert done.returncode == 0, done.stdout
    assert TEXT in done.stdout
    assert "there is a migration" in done.stdout
    assert (server.main, server.head, server.runs) == before


@pytest.mark.sweep
def test_a_dry_run_with_new_packages_says_what_it_leaves_out(server: Server) -> None:
    text = (server.office / "requirements.txt").read_text()
    wsgi = server.changed("wsgi.py", "import sys\n", "import sys\nimport weather\n")
    server.push({"requirements.txt": text + "# weather==1\n", **wsgi})

    done = server.deploy("--dry-run")

    assert done.returncode == 0, done.stdout
    assert "Not checked in a dry run" in done.stdout


@pytest.mark.sweep
def test_neither_many_commits_nor_a_text_that_git_does_not_know_nor_where_the_caller_stands_is_a_hindrance(
    server: Server,
) -> None:
    (server.checkout / "ticket_descriptions" / "our.txt").write_text("Welcome {first_name}\n")
    with (server.checkout / ".env").open("a") as env:
        env.write("TICKET_TEMPLATE_FILE=our.txt\n")
    for number in range(30):
        git(server.office, "commit", "--quiet", "--allow-empty", "--message", f"Change {number}")
    commit = server.push(server.changed("README.md", "\n", "\nMore.\n"))
    elsewhere = server.checkout.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "json.py").write_text("raise SystemExit(99)\n")  # what Python might take for its own

    done = server.deploy(folder=elsewhere)

    assert done.returncode == 0, done.stdout
    assert server.runs == commit


@pytest.mark.soak
@pytest.mark.sweep
@pytest.mark.sqlite
def test_a_database_outside_of_the_services_folder_is_no_hindrance(remote: Path, tmp_path: Path) -> None:
    outside = f"sqlite:///{tmp_path}/data/handler.db"
    with Sandbox() as sandbox, Server(remote, tmp_path, sandbox, database_url=outside) as server:
        commit = server.push(server.changed(TEXT, "\n", "\nHello!\n"))

        done = server.deploy()

        assert done.returncode == 0, done.stdout
        assert server.runs == commit


@pytest.mark.sweep
def test_settings_that_were_edited_are_read_anew(server: Server) -> None:
    before = server.main
    with (server.checkout / ".env").open("a") as env:
        env.write("EMAIL_RECIPIENTS=new.office@example.com\n")
    assert "still runs with former settings" in server.flask("config", "check").stdout

    done = server.deploy()

    assert done.returncode == 0, done.stdout
    assert "Changed: settings." in done.stdout.splitlines()[-1]
    assert server.main != before
    assert server.ready()["settings"] == "current"
    assert "former settings" not in server.flask("config", "check").stdout


@pytest.mark.sweep
def test_it_runs_by_a_link_from_any_folder(server: Server) -> None:
    link = server.checkout.parent / "deploy-link"
    link.symlink_to(server.checkout / "deploy_changes_UAC.sh")
    server.push(server.changed(TEXT, "\n", "\nHello!\n"))

    done = server.deploy(shell=f"cd / && exec {link}")

    assert done.returncode == 0, done.stdout


@pytest.mark.sweep
def test_packages_of_a_python_that_is_gone_are_installed_anew(server: Server) -> None:
    server.systemctl("stop")
    packages = server.checkout / ".venv" / "lib"
    next(packages.iterdir()).rename(packages / "python3.1")  # what an upgrade of the system leaves

    done = server.deploy()

    assert done.returncode == 0, done.stdout
    assert "can't be used any more" in done.stdout
    assert server.runs == server.head
    assert server.deploy().stdout.splitlines()[-1].startswith("OK: utopia-handler already runs")


@pytest.mark.soak
@pytest.mark.sweep
def test_files_that_were_pulled_by_hand_reach_the_running_service(server: Server) -> None:
    commit = server.push(server.changed(TEXT, "\n", "\nHello!\n"))
    git(server.checkout, "pull", "--quiet")
    assert server.runs != commit

    assert server.deploy().returncode == 0
    assert server.runs == commit


@pytest.mark.soak
@pytest.mark.sweep
def test_a_service_that_does_not_run_is_started_with_the_version_that_mends_it(server: Server) -> None:
    server.systemctl("stop")
    commit = server.push(server.changed(TEXT, "\n", "\nHello!\n"))

    done = server.deploy()

    assert done.returncode == 0, done.stdout
    assert server.runs == commit


@pytest.mark.sweep
def test_a_stop_soon_after_a_deploy_lets_running_steps_end(server: Server) -> None:
    """The process that took over is no child of systemd's, which waits for its own children only."""
    server.push(server.changed(TEXT, "\n", "\nHello!\n"))
    assert server.deploy().returncode == 0
    server.sandbox.utopia.add_order(ORDERREF)
    held = server.sandbox.powercode.fault("createCustomer", "slow", seconds=3)
    assert server.post_callback(ORDERREF) == 200
    until(lambda: held.taken)

    server.systemctl("stop")

    assert "running" not in [step["state"] for step in server.show(ORDERREF)["steps"]], "a step was cut off"
    assert not server.ready()


@pytest.mark.sweep
@pytest.mark.sqlite
def test_a_migration_comes_after_a_backup(server: Server) -> None:
    commit = server.push(a_migration())

    done = server.deploy()

    assert done.returncode == 0, done.stdout
    backup = server.checkout / "instance" / "backups" / f"before-{commit[:9]}.db"
    assert backup.stat().st_size > 0
    assert '"version": "0999"' in server.flask("db", "check", "--json").stdout
    assert server.runs == commit


@pytest.mark.sweep
def test_changed_requirements_get_packages_of_their_own_and_the_process_uses_them(server: Server) -> None:
    text = (server.office / "requirements.txt").read_text()
    commit = server.push({"requirements.txt": text + "# a new comment\n"})

    done = server.deploy()

    assert done.returncode == 0, done.stdout
    folder = (server.checkout / ".venv").resolve()
    assert folder.name.startswith(".venv-")
    assert (folder / ".installed").exists()
    assert str(folder) in Path(f"/proc/{server.main}/cmdline").read_text()
    assert server.runs == commit
    assert server.local_changes == ""


@pytest.mark.sweep
def test_a_second_run_waits_for_the_first_and_then_gives_up_naming_it(server: Server) -> None:
    lock = server.checkout / ".git" / "deploy.lock"
    lock.write_text("bo, process 4711, since 07:00:00\n")
    with subprocess.Popen(["flock", str(lock), "sleep", "60"], start_new_session=True) as first:
        until(lambda: subprocess.run(["flock", "--nonblock", str(lock), "true"], check=False).returncode)
        second = server.deploy(DEPLOY_WAIT_SECONDS="1")
        server.kill(first)

    assert second.returncode == 3, second.stdout
    assert "bo, process 4711, since 07:00:00" in second.stdout


@pytest.mark.sweep
@pytest.mark.timeout(600)
@pytest.mark.parametrize("changed", ["text", pytest.param("requirements", marks=pytest.mark.soak)])
def test_a_storm_of_callbacks_through_a_deploy_loses_nothing(server: Server, changed: str) -> None:
    text = (server.office / "requirements.txt").read_text()
    files = {"text": server.changed(TEXT, "\n", "\nHello!\n"), "requirements": {"requirements.txt": text + "# more\n"}}
    commit = server.push(files[changed])

    script = server.deploy_meanwhile()
    until(lambda: script.stdout.readline().startswith("Checked: "), 100)
    with Storm(server) as storm:  # from before anything is touched until the new process is proved to serve
        rest, _ = script.communicate(timeout=280)

    assert script.returncode == 0, rest
    assert storm.answers == {200: len(storm.orderrefs)}
    assert server.runs == commit
    while any(server.counted()[state] for state in UNFINISHED):
        time.sleep(1)
    assert server.states(storm.orderrefs) == {"completed": len(storm.orderrefs)}


def test_the_help_names_every_exit_code() -> None:
    script = PROJECT / "deploy_changes_UAC.sh"
    told = subprocess.run([script, "--help"], capture_output=True, text=True, check=True).stdout
    used = {"0", *(code for part in script_parts() for code in exit_codes(part.read_text()))}
    assert {line.split()[0] for line in told.splitlines() if line[:4].strip().isdigit()} == used


def script_parts() -> list[Path]:
    return [PROJECT / "deploy_changes_UAC.sh", *(PROJECT / "deploy" / "steps").glob("*.sh")]


def exit_codes(text: str) -> list[str]:
    words = text.replace("exit 7", "stop 7").split("stop ")[1:]
    return [word[0] for word in words if word[0].isdigit()]
