"""A server in place of this process (`flask worker`), its take-over at a reload, and requests answered in time."""

import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from logging import getLogger
from typing import TYPE_CHECKING, Any, NoReturn

from flask import Flask
from gunicorn.systemd import sd_notify

from app.storage.patience import in_a_hurry
from config import PROJECT

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

FORMER = "GUNICORN_PID"
"""gunicorn's environment variable with the former first process, set in the process that replaces it."""
READY_WITHIN_SECONDS = 15.0
ASK_EVERY_SECONDS = 0.2
WAITS_FOR_DATABASE_SECONDS = 4.0
"""How long a request may wait for the database in all: a caller is told within 5 s that nothing was stored."""

log = getLogger(__name__)


class NotReady(RuntimeError):
    """This process can't do the work; the text is what `/readyz` says."""


def answering_in_time(answer: "WSGIApplication") -> "WSGIApplication":
    """The application, with a limit on how long each request waits for a locked database."""

    def answer_in_time(environ: Any, start_response: Any) -> Iterable[bytes]:
        with in_a_hurry(WAITS_FOR_DATABASE_SECONDS):
            return answer(environ, start_response)

    return answer_in_time


def serve(**environment: str) -> NoReturn:
    """Replace this process by gunicorn with gunicorn.conf.py; `environment` goes before the settings of .env."""
    os.chdir(PROJECT)
    os.environ.update(environment)
    arguments = [sys.executable, "-m", "gunicorn", "-c", str(PROJECT / "gunicorn.conf.py"), "wsgi:app"]
    os.execv(sys.executable, arguments)  # noqa: S606 - fixed arguments


def take_over(app: Flask) -> None:
    """After a reload: end the former process once this one can work, and tell systemd which one serves from now on.

    Does nothing in a process that replaces no other. Raises `NotReady` if this process can't work: it then ends, and
    the former process, which has served all the while, goes on.
    """
    former = os.environ.get(FORMER)
    if former is None:
        return
    _wait_until_ready(app)
    sd_notify(f"MAINPID={os.getppid()}", log)
    with suppress(ProcessLookupError):
        os.kill(int(former), signal.SIGTERM)


def say_ready() -> None:
    """Tell systemd that the service has started."""
    sd_notify("READY=1", log)


def _wait_until_ready(app: Flask) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while (answer := app.test_client().get("/readyz")).status_code != 200:
        if time.monotonic() > deadline:
            raise NotReady(answer.get_data(as_text=True).strip())
        time.sleep(ASK_EVERY_SECONDS)
