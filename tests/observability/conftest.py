"""A log configured for one test, read back from the file, and logging put back as it was."""

import json
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.observability import logs
from app.observability.logs import configure_logging

KEY = "utopia-KEY+4711/zz=="
"""The secret that the configured logs know."""


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.raiseExceptions, sys.excepthook, threading.excepthook
    levels = {name: logging.getLogger(name).level for name in logs._QUIET_LIBRARIES}
    yield
    for handler in [one for one in root.handlers if one not in before[0]]:
        root.removeHandler(handler)
        handler.close()
    root.handlers[:], level, logging.raiseExceptions, sys.excepthook, threading.excepthook = before
    root.setLevel(level)
    logging.captureWarnings(False)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


class Written:
    """The log file, read as a person or a program would."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    def lines(self) -> list[str]:
        return self.text().splitlines()

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines()]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path / "handler.log")


@pytest.fixture
def text_log(written: Written) -> Written:
    configure_logging(log_file=written.path, level="DEBUG", format="text", secrets=[KEY])
    return written


@pytest.fixture
def json_log(written: Written) -> Written:
    configure_logging(log_file=written.path, level="DEBUG", format="json", secrets=[KEY])
    return written


@pytest.fixture(params=["text", "json"])
def any_log(request: pytest.FixtureRequest, written: Written) -> Written:
    configure_logging(log_file=written.path, level="DEBUG", format=request.param, secrets=[KEY])
    return written
