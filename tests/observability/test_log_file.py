"""The log's file, its modes and its troubles, and what else configuring sets up."""

import io
import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.observability import logs
from app.observability.logs import configure_logging
from tests.observability.conftest import Written
from wire.masking import MARK

KEY = "utopia-KEY+4711/zz=="
ROOT = Path(__file__).resolve().parents[2]
log = logging.getLogger("app.provisioning")


def test_neither_file_lock_nor_copies_are_readable_by_the_world(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "LOG_FILE_BYTES", 200)
    old = os.umask(0)
    try:
        configure_logging(log_file=written.path, level="INFO", format="text", secrets=[])
        for _ in range(8):
            log.info("x" * 80)
    finally:
        os.umask(old)
    files = list(written.path.parent.iterdir())
    assert {"handler.log", "handler.log.1", ".__handler.lock"} <= {file.name for file in files}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o640}


def test_a_log_file_left_readable_by_an_older_version_is_closed_to_the_world(written: Written) -> None:
    written.path.write_text("")
    written.path.chmod(0o644)
    configure_logging(log_file=written.path, level="INFO", format="text", secrets=[])
    assert stat.S_IMODE(written.path.stat().st_mode) == 0o640


def test_configuring_twice_doubles_no_line(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        configure_logging(log_file=written.path, level="INFO", format="text", secrets=[])
    log.info("once")
    assert len(written.lines()) == 1
    assert capsys.readouterr().err.count("once") == 1


def test_the_second_call_knows_the_new_secrets(written: Written) -> None:
    configure_logging(log_file=written.path, level="INFO", format="text", secrets=[])
    configure_logging(log_file=written.path, level="INFO", format="text", secrets=["second-key"])
    log.info("second-key")
    assert "second-key" not in written.text()


def test_libraries_stay_quiet_even_at_debug(text_log: Written) -> None:
    for name in ("urllib3", "werkzeug", "apscheduler.scheduler", "dbos", "sqlalchemy.engine"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("warning of %s", name)
    assert "chatter" not in text_log.text()
    assert len(text_log.lines()) == 5


def test_a_file_that_cannot_be_opened_is_said_and_stderr_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(log_file=tmp_path, level="INFO", format="text", secrets=[KEY], stderr=False)
    log.info("still here with %s", KEY)
    warning, line = capsys.readouterr().err.splitlines()
    assert warning.startswith("WARNING log file ")
    assert warning.endswith("can't be opened (Is a directory): the log goes to stderr only")
    assert line.endswith(f"still here with {MARK}")


def test_commands_can_keep_the_log_off_stderr(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(log_file=written.path, level="INFO", format="text", secrets=[], stderr=False)
    log.error("for the file")
    assert "for the file" in written.text()
    assert capsys.readouterr().err == ""


def test_a_closed_stderr_stops_nobody(text_log: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    log.info("for the file")
    monkeypatch.setattr(sys, "stderr", None)
    log.info("for the file")
    assert text_log.text().count("for the file") == 2


def run(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


SETUP = """
import logging, sys
from pathlib import Path
from app.observability.logs import configure_logging
configure_logging(log_file=Path(sys.argv[1]), level="INFO", format="text", secrets=["utopia-key-1"])
log = logging.getLogger("app")
"""


@pytest.mark.sweep
def test_a_full_disk_stops_nobody_and_is_said_once(written: Written) -> None:
    full = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
    done = run(
        SETUP + full + "for n in range(100): log.info('line %d %s', n, 'utopia-key-1')\nprint('done')", written.path
    )
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert done.stderr.count("can't be written: File too large") == 1
    assert "line 99" in done.stderr
    assert "utopia-key-1" not in done.stderr


WORKERS = """
import logging, os, sys
from pathlib import Path
import app.observability.logs as logs

logs.LOG_FILE_BYTES = 20_000
workers = []
for name in ("one", "two"):
    if not (worker := os.fork()):
        logs.configure_logging(log_file=Path(sys.argv[1]), level="INFO", format="text", secrets=[], stderr=False)
        for n in range(200):
            logging.getLogger("app").info("%s-%03d %s", name, n, "x" * 100)
        os._exit(0)
    workers.append(worker)
print([os.waitpid(worker, 0)[1] for worker in workers])
"""


@pytest.mark.sweep
def test_several_processes_write_whole_lines_while_the_file_turns_over(written: Written) -> None:
    done = run(WORKERS, written.path)
    assert done.stdout == "[0, 0]\n", done.stderr
    lines = [line for file in written.path.parent.glob("handler.log*") for line in file.read_text().splitlines()]
    assert len(lines) == 400
    assert all(line.endswith("x" * 100) for line in lines)
    assert len({line.split("app: ")[1][:7] for line in lines}) == 400


@pytest.mark.sweep
def test_an_error_at_start_that_nothing_catches_shows_no_secret(written: Written) -> None:
    done = run(SETUP + "raise RuntimeError('refused utopia-key-1')", written.path)
    assert done.returncode == 1
    assert f"RuntimeError: refused {MARK}" in done.stderr
    assert "utopia-key-1" not in done.stderr.replace("raise RuntimeError('refused utopia-key-1')", "")
