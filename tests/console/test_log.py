"""The log's page: its last lines, an order's lines, escaped, and the files as they are."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Service
from tests.console.pages import HOSTILE
from tests.console.persons import Person

MINE, OTHER = "UIA202411-001186", "UIA202411-009999"


def line(number: int, message: str, order: str = "-", level: str = "INFO") -> str:
    return f"2026-11-22T13:08:24.{number:03}+00:00 {level:<5} [{order}] app.x: {message}\n"


@pytest.fixture
def log_file(service: Service, tmp_path: Path) -> Iterator[Path]:
    """The log that the page shows."""
    path = tmp_path / "api_class.log"
    with service.changed(log_file=path):
        yield path


def test_a_search_by_order_shows_its_lines_and_no_others(as_administrator: Person, log_file: Path) -> None:
    log_file.write_text(line(1, "mine", MINE) + line(2, "not mine", OTHER) + line(3, "mine, too", MINE, "ERROR"))

    page = as_administrator.get(f"/console/log?orderref={MINE.lower()}").text

    assert "mine, too" in page
    assert "not mine" not in page
    assert page.index("mine, too") < page.index("mine\n")


def test_a_hostile_line_stays_text(as_administrator: Person, log_file: Path) -> None:
    log_file.write_text(line(1, f"{HOSTILE}\\n{HOSTILE}", HOSTILE) + HOSTILE + "\n" + '{"message": "<b>x"}\n')

    page = as_administrator.get("/console/log").text

    assert HOSTILE not in page
    assert "<b>x" not in page
    assert "&lt;script&gt;" in page


def test_a_page_stays_small_and_says_that_there_are_older_lines(as_administrator: Person, log_file: Path) -> None:
    log_file.write_text("".join(line(number % 1000, f"event {number}") for number in range(5_000)))

    page = as_administrator.get("/console/log")

    assert len(page.data) < 200_000
    assert "event 4999" in page.text
    assert "event 4799" not in page.text
    assert "There are older lines" in page.text
    assert "There are older lines" not in as_administrator.get("/console/log?text=event 4711").text


def test_a_log_that_can_not_be_read_is_told_in_words(as_administrator: Person, log_file: Path) -> None:
    assert "There is no log at" in as_administrator.get("/console/log").text
    assert as_administrator.get("/console/log/download").status_code == 404
    log_file.mkdir()
    assert "can&#39;t be read" in as_administrator.get("/console/log").text
    assert as_administrator.get("/console/log/download").status_code == 404


def test_the_files_are_downloaded_as_they_are(as_administrator: Person, log_file: Path) -> None:
    Path(f"{log_file}.1").write_text(line(1, "older"))
    log_file.write_text(line(2, f"newer {HOSTILE}"))

    current, whole = (as_administrator.get(f"/console/log/download{query}") for query in ("", "?all=1"))

    assert current.data == log_file.read_bytes()
    assert whole.data == Path(f"{log_file}.1").read_bytes() + log_file.read_bytes()
    assert current.headers["Content-Disposition"].startswith("attachment")
    assert current.headers["X-Content-Type-Options"] == "nosniff"
