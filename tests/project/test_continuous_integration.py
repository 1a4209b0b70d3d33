"""What CI relies on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import PROJECT

TESTS = """
import pytest

def test_that_runs():
    pass

def test_that_wants_what_is_missing():
    pytest.importorskip("a_library_that_is_not_installed")
"""


@pytest.mark.sweep
@pytest.mark.parametrize(("ci", "expected"), [("true", 1), ("", 0)])
def test_a_skipped_test_fails_the_run_on_ci_and_is_named(tmp_path: Path, ci: str, expected: int) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    browsers = ("-p", "no:playwright", "-p", "no:xdist")  # not needed here, and slow to load
    options = (*browsers, "-p", "tests.conftest", "-c", str(PROJECT / "pyproject.toml"), "--rootdir", str(tmp_path))
    command = [sys.executable, "-m", "pytest", *options, str(tmp_path)]
    run = subprocess.run(
        command, cwd=PROJECT, env={**os.environ, "CI": ci}, capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == expected, run.stdout
    assert ("fails the run as CI=true: test_some.py::test_that_wants_what_is_missing" in run.stdout) == (ci == "true")
