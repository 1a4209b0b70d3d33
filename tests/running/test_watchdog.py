"""systemd hears from the service while it can work, and only then. What listens is a real socket, as systemd's is."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask

from app import create_app
from app.running import watchdog
from config import PROJECT
from sandbox import Sandbox
from tests.conftest import settings_for
from tests.tools.processes import until

# how `ended` ends the thread
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")]

PERIOD_SECONDS = 1.5
SILENCE_SECONDS = 3.0

# As gunicorn's first process and its worker: one that sleeps again and again, and its child.
PARENT_AND_CHILD = """
import os, time
from flask import Flask
from app.running import watchdog
if os.fork() == 0:
    app = Flask("worker")
    app.add_url_rule("/healthz", view_func=lambda: "ok")
    watchdog.watch(app)
    print(os.getpid(), flush=True)
while True:
    time.sleep(0.05)
"""


class Listener:
    """systemd's end of NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))

    def hears(self, seconds: float = 10.0) -> bool:
        """Whether a message comes within `seconds`."""
        self._socket.settimeout(seconds)
        try:
            return self._socket.recv(4096) == b"WATCHDOG=1"
        except TimeoutError:
            return False

    def is_left_alone(self) -> bool:
        """Whether nothing comes for longer than the watchdog waits; what was said before doesn't count."""
        while self.hears(0.2):
            pass
        return not self.hears(SILENCE_SECONDS)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    listener = Listener(tmp_path / "notify")
    yield listener
    listener.close()


@pytest.fixture
def watched(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(listener.path))
    monkeypatch.setenv("WATCHDOG_USEC", str(int(PERIOD_SECONDS * 1_000_000)))


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The thread lives as long as its process: here it ends with the test, and nobody knows what the parent does."""
    over = threading.Event()

    def sleep(seconds: float) -> None:
        if over.wait(seconds):
            sys.exit()

    monkeypatch.setattr(watchdog, "time", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(watchdog, "_waits_of", lambda process: None)
    yield
    over.set()
    for thread in threading.enumerate():
        if thread.name == "watchdog":
            thread.join(10)


def an_app(executor: str = "running", scheduler: str = "running") -> Flask:
    app = Flask("worker")
    app.add_url_rule("/healthz", view_func=lambda: "ok")
    app.extensions["background"] = SimpleNamespace(executor_state=executor, scheduler_state=scheduler)
    return app


@pytest.mark.usefixtures("watched", "ended")
@pytest.mark.parametrize("executor", ["running", "standby"])
def test_a_process_that_works_or_stands_by_speaks_again_and_again(listener: Listener, executor: str) -> None:
    watchdog.watch(an_app(executor, executor))

    assert [listener.hears() for _ in range(4)] == [True] * 4


@pytest.mark.usefixtures("watched", "ended")
@pytest.mark.parametrize("states", [("stopped", "stopped"), ("running", "stopped")])
def test_a_stopped_executor_or_schedule_is_silence(
    listener: Listener, states: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "app.running.watchdog"):
        watchdog.watch(an_app(*states))

        assert listener.is_left_alone()
    assert len(caplog.messages) == 1


@pytest.mark.usefixtures("watched", "ended")
def test_requests_that_hang_are_silence_until_they_go_on(listener: Listener) -> None:
    go_on = threading.Event()
    app = an_app()
    app.before_request(lambda: go_on.wait(60) and None)
    watchdog.watch(app)

    assert listener.is_left_alone()
    go_on.set()
    assert listener.hears()


@pytest.mark.usefixtures("watched", "ended")
def test_requests_that_fail_are_silence(listener: Listener) -> None:
    app = an_app()
    app.before_request(lambda: ("broken", 500))
    watchdog.watch(app)

    assert listener.is_left_alone()


@pytest.mark.usefixtures("watched", "ended")
def test_a_database_that_is_down_is_no_reason_to_be_silent(
    sandbox: Sandbox, listener: Listener, tmp_path: Path
) -> None:
    app = create_app(settings_for(sandbox, tmp_path, database_url="postgresql://nobody@127.0.0.1:1/gone"))
    assert app.test_client().get("/readyz").status_code == 503

    watchdog.watch(app)

    assert listener.hears()
    assert listener.hears()


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize("asked", [None, "", "0", "soon"])
def test_without_a_watchdog_nothing_is_started(asked: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    if asked is not None:
        monkeypatch.setenv("WATCHDOG_USEC", asked)

    watchdog.watch(an_app())

    assert "watchdog" not in {thread.name for thread in threading.enumerate()}


@pytest.fixture
def parent_and_child(listener: Listener) -> Iterator[tuple[int, int]]:
    environment = {
        "PATH": os.environ["PATH"],
        "NOTIFY_SOCKET": str(listener.path),
        "WATCHDOG_USEC": str(int(PERIOD_SECONDS * 1_000_000)),
    }
    command = [sys.executable, "-c", PARENT_AND_CHILD]
    with subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        yield parent.pid, child
        for process in (parent.pid, child):
            os.kill(process, signal.SIGKILL)


@pytest.mark.sweep
@pytest.mark.parametrize("frozen", ["the first process", "the worker"])
def test_a_frozen_process_is_silence_until_it_goes_on(
    listener: Listener, parent_and_child: tuple[int, int], frozen: str
) -> None:
    process = parent_and_child[frozen == "the worker"]
    assert listener.hears()
    assert listener.hears()

    os.kill(process, signal.SIGSTOP)
    time.sleep(PERIOD_SECONDS)  # what it did before it was stopped still counts once
    assert listener.is_left_alone()

    os.kill(process, signal.SIGCONT)
    until(listener.hears)
