"""systemd's watchdog: a service that says nothing for WatchdogSec hangs, and is killed and started anew.

A thread of the worker process reports to systemd as long as the process can do its work: a request is answered in it,
its executor and schedule live, and the loop of gunicorn's first process, which starts new workers, runs. Whatever hangs
either stops this thread, too, or is seen by it. Neither the database nor a remote system is asked: a restart mends none
of them, and /readyz reports on them.

With several workers, systemd is content with one that is well. gunicorn ends a worker whose loop hangs (`timeout`).
"""

import logging
import os
import re
import threading
import time
from pathlib import Path

from flask import Flask
from gunicorn.systemd import sd_notify

TIMES_A_PERIOD = 3
"""How often we report in each period of the watchdog, so that a late report on a busy machine does no harm."""
TIMES_ASLEEP = re.compile(r"^voluntary_ctxt_switches:\s*(\d+)", re.MULTILINE)

log = logging.getLogger(__name__)


def watch(app: Flask) -> None:
    """Begin to tell systemd that this process can do its work; does nothing without a watchdog."""
    period = _period_seconds()
    if period:
        arguments = (app, period / TIMES_A_PERIOD)
        threading.Thread(target=_speak, args=arguments, name="watchdog", daemon=True).start()


def _period_seconds() -> float:
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1_000_000 if microseconds.isdecimal() else 0.0


def _speak(app: Flask, pause: float) -> None:
    waits, was_well = None, True
    while True:
        former, waits = waits, _waits_of(os.getppid())
        fault = _fault(app) or _fault_of_parent(former, waits)
        if not fault:
            sd_notify("WATCHDOG=1", log)
        elif was_well:
            log.error("Silent for systemd's watchdog: %s", fault)
        was_well = not fault
        time.sleep(pause)


def _fault(app: Flask) -> str:
    """What keeps this process from its work, or nothing; does not return while it hangs."""
    try:
        status = app.test_client().get("/healthz").status_code
    except Exception as error:
        return f"/healthz fails ({type(error).__name__})"
    if status != 200:
        return f"/healthz answers {status}"
    background = app.extensions.get("background")
    if background is not None and "stopped" in (background.executor_state, background.scheduler_state):
        return "the executor or the schedule has stopped"
    return ""


def _fault_of_parent(former: int | None, waits: int | None) -> str:
    """gunicorn's first process goes to sleep every second; if it is stopped or caught in a loop, it never does."""
    if former is None or waits is None or former != waits:
        return ""
    return "gunicorn's first process hangs"


def _waits_of(process: int) -> int | None:
    """How often a process has gone to sleep so far, or None where the system doesn't tell."""
    try:
        found = TIMES_ASLEEP.search(Path(f"/proc/{process}/status").read_text())
    except OSError:
        return None
    return int(found[1]) if found else None
