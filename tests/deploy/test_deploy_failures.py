"""What goes wrong during a deploy: the script says why in one sentence, and what ran before runs."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from benchmarks.usage import children_of
from sandbox import Sandbox
from tests.deploy.server import MINE, TEXT, Server, git, last_line
from tests.deploy.test_deploying import a_migration
from tests.tools.postgres import PROGRAMS, PostgresServer
from tests.tools.processes import until

pytestmark = pytest.mark.timeout(300)


def still(server: Server) -> tuple[int, str]:
    """What runs now, after a look that the files are those of that commit, and nothing else is there."""
    assert server.head == server.runs
    assert server.local_changes == ""
    return server.main, server.runs


A_SETTING = ("config.py", "mail_server: str", "weather_station: int\n    mail_server: str")
WITHOUT_A_MODULE = ("gunicorn.conf.py", "import os\n", "import os\nimport weather\n")


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("change", "said", "at_the_end"),
    [
        ((TEXT, "", "Welcome {first_nam}\n"), "{first_nam}", "NOT DEPLOYED: A ticket text can't be used"),
        (A_SETTING, "WEATHER_STATION", "/.env"),
        pytest.param(WITHOUT_A_MODULE, "No module named 'weather'", "", marks=pytest.mark.soak),
    ],
    ids=["a text", "a setting", "a configuration that can't be loaded"],
)
def test_what_can_not_be_used_is_refused_by_name_before_anything_is_touched(
    server: Server, before: tuple[int, str], change: tuple[str, str, str], said: str, at_the_end: str
) -> None:
    file, old, new = change
    server.push(server.changed(file, old, new) if old else {file: new})

    done = server.deploy()

    assert done.returncode == 6, done.stdout
    assert said in done.stdout
    assert at_the_end in last_line(done.stdout)
    assert still(server) == before


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("instead_of_import", "said"),
    [("imprt", "SyntaxError"), ("import weather\nimport", "No module named 'weather'")],
)
def test_an_error_in_the_program_is_told_as_that(
    server: Server, before: tuple[int, str], instead_of_import: str, said: str
) -> None:
    server.push(server.changed("app/running/schedule.py", "import", instead_of_import))

    done = server.deploy()

    assert done.returncode == 6, done.stdout
    assert said in done.stdout
    assert "settings" not in last_line(done.stdout)
    assert "correct it, commit and push" in last_line(done.stdout)
    assert still(server) == before


@pytest.mark.sweep
def test_a_failing_migration_is_found_on_a_copy_and_the_database_stays(server: Server, before: tuple[int, str]) -> None:
    server.push(a_migration('op.execute("update weather set wind = 1")'))
    version = server.flask("db", "check").stdout

    done = server.deploy()

    assert done.returncode == 6, done.stdout
    assert "no such table: weather" in done.stdout
    assert last_line(done.stdout).startswith("NOT DEPLOYED: The migration fails")
    assert server.flask("db", "check").stdout == version
    assert still(server) == before


@pytest.fixture
def on_postgresql(remote: Path, tmp_path: Path) -> Iterator[Server]:
    """A server whose database is PostgreSQL, with its programs."""
    with ExitStack() as stack:
        database, sandbox = stack.enter_context(PostgresServer()), stack.enter_context(Sandbox())
        url = database.database("orders")
        server = stack.enter_context(Server(remote, tmp_path, sandbox, database_url=url))
        for name in ("pg_dump", "pg_restore"):
            (tmp_path / "bin" / name).symlink_to(PROGRAMS / name)
        yield server


WITHOUT_PG_DUMP = """
programs=$(mktemp --directory)
IFS=: read -ra folders <<<"$PATH"
for folder in "${folders[@]}"; do ln -sf "$folder"/* "$programs" 2>/dev/null; done
rm "$programs"/pg_dump
export PATH=$programs
"""


@pytest.mark.sweep
def test_without_pg_dump_a_migration_is_refused_in_one_sentence_before_anything_is_touched(
    on_postgresql: Server,
) -> None:
    before = (on_postgresql.main, on_postgresql.runs)
    on_postgresql.push(a_migration())

    done = on_postgresql.deploy(shell=WITHOUT_PG_DUMP)

    assert done.returncode == 6, done.stdout
    assert last_line(done.stdout).startswith(
        "NOT DEPLOYED: There is no pg_dump, which backs the database up before it is changed: "
        "apt-get install postgresql-client."
    )
    assert still(on_postgresql) == before


@pytest.mark.soak
@pytest.mark.sweep
def test_a_migration_that_fails_on_postgresql_has_changed_nothing_and_that_is_said(on_postgresql: Server) -> None:
    before = (on_postgresql.main, on_postgresql.runs)
    on_postgresql.push(a_migration('op.execute("update weather set wind = 1")'))

    done = on_postgresql.deploy()

    assert done.returncode == 7, done.stdout
    assert 'relation "weather" does not exist' in done.stdout
    assert "on PostgreSQL, a migration that failed added nothing" in done.stdout
    with psycopg.connect(on_postgresql.settings.database_url.replace("+psycopg", "")) as database:
        columns = database.execute("select column_name from information_schema.columns where table_name = 'orders'")
        assert ("weather",) not in columns.fetchall()
    assert still(on_postgresql) == before


@pytest.mark.sweep
def test_a_version_that_crashes_at_its_start_never_takes_over(server: Server, before: tuple[int, str]) -> None:
    server.push(
        server.changed("app/running/background.py", "self._executor.start()", 'raise RuntimeError("no weather today")')
    )

    done = server.deploy()

    assert done.returncode == 7, done.stdout
    assert "no weather today" in done.stdout
    assert "The former version is back and runs" in last_line(done.stdout)
    assert still(server) == before  # the very process that served before


@pytest.mark.sweep
def test_a_version_whose_start_takes_too_long_is_gone_when_the_script_ends(
    server: Server, before: tuple[int, str]
) -> None:
    slow = "    import time\n    time.sleep(25)\n    take_over(app)\n"
    server.push(server.changed("gunicorn.conf.py", "    take_over(app)\n", slow))

    done = server.deploy(DEPLOY_READY_SECONDS="8")

    assert done.returncode == 7, done.stdout
    assert still(server) == before
    assert newcomers(server) == []
    commit = server.push(server.changed("gunicorn.conf.py", slow, "    take_over(app)\n"))
    assert server.deploy().returncode == 0
    assert server.runs == commit


def newcomers(server: Server) -> list[int]:
    """Processes that a reload started, and that have not taken over."""
    told = f"GUNICORN_PID={server.main}".encode()
    return [pid for pid in children_of(server.main) if told in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")]


@pytest.mark.soak
@pytest.mark.sweep
def test_a_crash_after_a_migration_leaves_the_former_version_working_on_the_new_tables(
    server: Server, before: tuple[int, str]
) -> None:
    crash = server.changed(
        "app/running/background.py", "self._executor.start()", 'raise RuntimeError("no weather today")'
    )
    server.push({**crash, **a_migration()})

    done = server.deploy()

    assert done.returncode == 7, done.stdout
    assert still(server) == before
    server.systemctl("restart")
    until(lambda: server.runs == before[1])
    server.sandbox.utopia.add_order("UIA202411-001186")
    assert server.flask("orders", "submit", "UIA202411-001186").returncode == 0


@pytest.mark.soak
@pytest.mark.sweep
def test_a_version_that_breaks_once_it_serves_is_taken_back(server: Server, before: tuple[int, str]) -> None:
    before_it, check = "    services = services_of(current_app)\n", "    checks = {"
    health = server.changed(
        "app/running/health.py", before_it + check, f"    if SERVES: return {{}}, 503\n{before_it}{check}"
    )
    text = str(health["app/running/health.py"]).replace(
        "import shutil\n", "import shutil\n\nSERVES: list[int] = []\n", 1
    )
    taken_over = "    take_over(app)\n"
    serves = f"{taken_over}    from app.running.health import SERVES\n    SERVES.append(1)\n"
    conf = server.changed("gunicorn.conf.py", taken_over, serves)
    server.push({"app/running/health.py": text, **conf})

    done = server.deploy(DEPLOY_READY_SECONDS="15")

    assert done.returncode == 7, done.stdout
    assert server.runs == server.head == before[1]
    assert server.local_changes == ""


@pytest.mark.sweep
def test_without_a_network_nothing_is_touched(server: Server, before: tuple[int, str]) -> None:
    git(server.checkout, "remote", "set-url", "origin", "git://127.0.0.1:1/remote.git")

    done = server.deploy()

    assert done.returncode == 5, done.stdout
    assert last_line(done.stdout).startswith("NOT DEPLOYED: The changes could not be fetched")
    assert still(server) == before


@pytest.mark.sweep
def test_a_remote_that_accepts_and_never_answers_is_given_up(server: Server, before: tuple[int, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        git(server.checkout, "remote", "set-url", "origin", f"git://127.0.0.1:{silent.getsockname()[1]}/remote.git")

        done = server.deploy(DEPLOY_REMOTE_SECONDS="1")

    assert done.returncode == 5, done.stdout
    assert last_line(done.stdout).startswith("NOT DEPLOYED: The remote gave no answer within 1 s")
    assert still(server) == before


@pytest.mark.sweep
def test_a_commit_that_was_withdrawn_is_said_to_be_and_followed_on_request(
    server: Server, before: tuple[int, str]
) -> None:
    first = server.head
    server.push(server.changed(TEXT, "\n", "\nHello!\n"))
    assert server.deploy().returncode == 0
    git(server.office, "reset", "--quiet", "--hard", first)
    git(server.office, "push", "--quiet", "--force")

    refused = server.deploy()
    followed = server.deploy("--take-pushed")

    assert refused.returncode == 5, refused.stdout
    assert "was withdrawn" in last_line(refused.stdout)
    assert "git push" not in refused.stdout
    assert followed.returncode == 0, followed.stdout
    assert (server.runs, server.head, server.local_changes) == (first, first, "")


@pytest.mark.sweep
def test_a_disk_without_room_is_told_before_anything_is_touched(server: Server, before: tuple[int, str]) -> None:
    server.push(server.changed(TEXT, "\n", "\nHello!\n"))

    done = server.deploy(DEPLOY_FREE_MB="999999999")

    assert done.returncode == 6, done.stdout
    assert "The disk is too full" in last_line(done.stdout)
    assert still(server) == before


@pytest.mark.sweep
@pytest.mark.sqlite
def test_a_disk_that_fills_up_at_the_backup_leaves_what_runs(server: Server, before: tuple[int, str]) -> None:
    server.push(a_migration())
    size = (server.checkout / "instance" / "handler.db").stat().st_size // 2048  # of 1024 bytes each: half a copy

    done = server.deploy(shell=f"trap '' XFSZ; ulimit -f {size}")

    assert done.returncode == 6, done.stdout
    assert still(server) == before


@pytest.mark.soak
@pytest.mark.sweep
def test_a_disk_that_fills_up_while_files_are_put_in_place_leaves_what_runs(
    server: Server, before: tuple[int, str]
) -> None:
    """git can't write the large file, amid the others."""
    large = "".join(f"{number:09}\n" for number in range(200_000))
    server.push({**server.changed(TEXT, "\n", "\nHello!\n"), "a.txt": "first\n", "large.txt": large, "z.txt": "last\n"})
    server.instead_of_git("merge", "trap '' XFSZ; ulimit -f 1024")

    done = server.deploy()

    assert done.returncode == 7, done.stdout
    assert "large.txt" in done.stdout
    assert last_line(done.stdout).startswith("NOT DEPLOYED: git could not put the new files in place.")
    assert still(server) == before


BROKEN_OFF = {
    "amid the files": f"echo half > {TEXT}; rm README.md; touch .git/index.lock; touch here; sleep 100",
    "before the new process": 'git "$@"; touch here; sleep 100',
}


@pytest.mark.soak
@pytest.mark.sweep
@pytest.mark.parametrize("moment", BROKEN_OFF)
def test_the_run_after_one_that_was_killed_puts_things_right_and_deploys(server: Server, moment: str) -> None:
    commit = server.push({TEXT: "half of this text was written\n", **server.changed("README.md", "\n", "\nMore.\n")})
    ran, here = server.main, server.checkout / "instance" / "here"
    server.instead_of_git("merge", BROKEN_OFF[moment].replace("touch here", "touch instance/here"))
    killed = server.deploy_meanwhile()
    until(here.exists, 100)
    server.kill(killed)
    server.instead_of_git("merge", ":")
    assert server.main == ran

    done = server.deploy()

    assert done.returncode == 0, done.stdout
    assert "The last run was broken off halfway" in done.stdout
    assert (server.runs, server.head, server.local_changes) == (commit, commit, "")


@pytest.mark.soak
@pytest.mark.sweep
def test_a_text_that_was_saved_after_a_run_was_killed_is_kept(server: Server) -> None:
    server.push({TEXT: "Another text\n"})
    here = server.checkout / "instance" / "here"
    server.instead_of_git("merge", 'git "$@"; touch instance/here; sleep 100')
    killed = server.deploy_meanwhile()
    until(here.exists, 100)
    server.kill(killed)
    server.instead_of_git("merge", ":")
    (server.checkout / TEXT).write_text(MINE)

    done = server.deploy()

    assert done.returncode == 0, done.stdout
    assert (server.checkout / "instance" / "deploy" / "kept" / TEXT).read_text() == MINE
