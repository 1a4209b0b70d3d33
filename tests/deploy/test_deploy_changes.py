"""Commits that were withdrawn, and texts that were changed on the server, by others, or by both."""

import re

import pytest

from tests.deploy.server import MINE, TEXT, Server, git, last_line

pytestmark = pytest.mark.timeout(300)


@pytest.mark.sweep
def test_what_was_pushed_replaces_what_was_changed_here_only_on_request_and_keeps_it(server: Server) -> None:
    commit = server.push({TEXT: "Welcome {first_name}\n"})
    (server.checkout / TEXT).write_text(MINE)

    done = server.deploy("--take-pushed")

    assert done.returncode == 0, done.stdout
    assert (server.runs, server.local_changes) == (commit, "")
    branch = re.search(r"on the branch (kept-\S+) of this server", done.stdout)
    assert branch
    assert git(server.checkout, "show", f"{branch[1]}:{TEXT}") == MINE.strip()


@pytest.mark.sweep
def test_what_was_put_aside_is_back_when_the_version_fails(server: Server, before: tuple[int, str]) -> None:
    crash = server.changed(
        "app/running/background.py", "self._executor.start()", 'raise RuntimeError("no weather today")'
    )
    server.push({TEXT: "Welcome {first_name}\n", **crash})
    (server.checkout / TEXT).write_text(MINE)

    done = server.deploy("--take-pushed")

    assert done.returncode == 7, done.stdout
    assert (server.checkout / TEXT).read_text() == MINE
    assert (server.main, server.runs) == before


@pytest.mark.sweep
def test_a_text_that_was_edited_here_and_pushed_by_another_is_named_and_never_overwritten(server: Server) -> None:
    server.push({TEXT: "Welcome {first_name}\n"})
    (server.checkout / TEXT).write_text(MINE)
    ran = server.runs

    done = server.deploy()

    assert done.returncode == 4, done.stdout
    assert f"Changed here AND in what was pushed: {TEXT}" in done.stdout
    assert f"-{MINE.strip()}" in done.stdout
    assert "git push" not in done.stdout
    assert ((server.checkout / TEXT).read_text(), server.runs) == (MINE, ran)


@pytest.mark.soak
@pytest.mark.sweep
def test_a_text_that_was_edited_here_stays_while_others_are_deployed(server: Server) -> None:
    (server.checkout / TEXT).write_text(MINE)
    (server.checkout / "ticket_descriptions" / "own.txt").write_text(MINE)
    commit = server.push(server.changed("README.md", "\n", "\nMore.\n"))

    done = server.deploy()

    assert done.returncode == 0, done.stdout
    assert f"Changed here, not in git, and left as it is: {TEXT}" in done.stdout
    assert (server.checkout / TEXT).read_text() == MINE
    assert server.runs == commit


@pytest.mark.soak
@pytest.mark.sweep
def test_the_very_text_that_was_saved_here_and_pushed_by_another_is_no_hindrance(server: Server) -> None:
    (server.checkout / TEXT).write_text(MINE)
    commit = server.push({TEXT: MINE})

    done = server.deploy()

    assert done.returncode == 0, done.stdout
    assert (server.runs, server.local_changes) == (commit, "")


@pytest.mark.soak
@pytest.mark.sweep
def test_a_file_here_that_git_does_not_know_is_not_overwritten_by_one_that_comes(server: Server) -> None:
    own = server.checkout / "ticket_descriptions" / "own.txt"
    own.write_text(MINE)
    server.push({"ticket_descriptions/own.txt": "Another text\n"})

    assert server.deploy().returncode == 4
    assert own.read_text() == MINE


@pytest.mark.sweep
def test_commits_of_this_server_and_of_others_are_not_mixed(server: Server, before: tuple[int, str]) -> None:
    server.push(server.changed(TEXT, "\n", "\nHello!\n"))
    git(server.checkout, "commit", "--quiet", "--allow-empty", "--message", "From the server")

    done = server.deploy()

    assert done.returncode == 5, done.stdout
    assert "1 commits of its own" in last_line(done.stdout)
    assert "--take-pushed" in last_line(done.stdout)
    assert (server.main, server.runs) == before
