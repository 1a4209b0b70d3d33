"""What monitoring asks: does the process live, can it do its work, and what has it done."""

import shutil
from pathlib import Path

from flask import Blueprint, Response, current_app, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.alerts import backups
from app.durable.locks import executing
from app.models import now
from app.running.snapshot import snapshot
from app.services import Services, services_of
from app.setup.settings_in_use import mark
from app.storage import moves
from app.storage.migrate import is_current
from app.version import COMMIT, VERSION

health = Blueprint("health", __name__)

ELSEWHERE, NO_WORKER = "in a worker", "no worker runs"
FINE = ("ok", "running", "standby", ELSEWHERE, NO_WORKER)
LEAST_FREE_BYTES = 20 * 1024 * 1024


@health.get("/healthz")
def alive() -> Response:
    """200 while the process lives."""
    return Response("ok\n", mimetype="text/plain")


@health.get("/readyz")
def ready() -> tuple[Response, int]:
    """Whether callbacks can be stored and orders are worked on; no secrets."""
    services = services_of(current_app)
    checks = {"database": _database(services), **_background(services)}
    fine = all(value in FINE for value in checks.values())
    return jsonify(ready=fine, version=VERSION, commit=COMMIT, **checks, **_beside(services)), 200 if fine else 503


def _beside(services: Services) -> dict[str, str | None]:
    """States that are no reason to take the service out of use. Commands and the deploy script ask for the settings."""
    is_current = current_app.extensions["settings_in_use"].is_current()
    in_use = {"settings": "current" if is_current else "changed", "settings_mark": mark(services.settings)}
    return {**in_use, **_backup(services)}


def _backup(services: Services) -> dict[str, str | None]:
    try:
        with services.database.read() as session:
            found = backups.standing(session, services.settings, now())
    except (SQLAlchemyError, OSError):
        return {"backup": "not known", "backup_made_at": None}
    return {"backup": found.word, "backup_made_at": found.made_at.isoformat() if found.made_at else None}


def _background(services: Services) -> dict[str, str]:
    """The executor's and the schedule's state. With the role `web`, orders are stored without a worker, too, so a
    missing worker takes no web process out of use."""
    if services.settings.role == "web":
        return dict.fromkeys(("executor", "scheduler"), _elsewhere(services))
    background = current_app.extensions.get("background")
    if background is None:
        return dict.fromkeys(("executor", "scheduler"), "not started")
    return {"executor": background.executor_state, "scheduler": background.scheduler_state}


def _elsewhere(services: Services) -> str:
    try:
        return ELSEWHERE if executing(services.database) else NO_WORKER
    except (SQLAlchemyError, OSError):
        return "not known"


@health.get("/metrics")
def metrics() -> Response:
    """Prometheus text."""
    services = services_of(current_app)
    body, content_type = services.metrics.render(lambda: snapshot(services))
    return Response(body, content_type=content_type)


def _database(services: Services) -> str:
    try:
        moves.refuse_moved(services.database)
        with services.database.read() as session:
            session.execute(text("select 1"))
        if not is_current(services.database):
            return "needs `utopia-handler db upgrade`"
        return _file(services.database.path) if services.database.is_sqlite else "ok"
    except moves.DatabaseMoved as moved:
        return str(moved)
    except (SQLAlchemyError, OSError) as error:
        return f"not available ({type(error).__name__})"


def _file(path: Path) -> str:
    """Raises if the database's file was deleted: SQLite would go on writing to it, where nobody will find it."""
    path.stat()
    return "the disk is full" if shutil.disk_usage(path.parent).free < LEAST_FREE_BYTES else "ok"
