"""gunicorn's settings, and the executor's life in its workers.

One worker with threads is enough for thousands of orders a day. More workers also serve callbacks, and stand
by to execute. No preload: each worker makes its own connections and threads. What else a process may be, ROLE says:
`web` executes nothing, and `worker` serves only what monitoring asks for.
"""

import gc
import mmap
import os
import shutil
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

from gunicorn.arbiter import Arbiter

gc.disable()  # during the imports, as in wsgi.py

sys.path.insert(0, str(Path(__file__).resolve().parent))
os.chdir(Path(__file__).resolve().parent)
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="utopia-handler-metrics-")

from config import PROJECT, SettingsError, load_settings  # noqa: E402

try:
    settings = load_settings()
except SettingsError as error:
    print(f"The settings have faults. Mend them in {PROJECT / '.env'}:", file=sys.stderr)  # noqa: T201
    sys.exit("\n".join(f"  {fault}" for fault in error.faults))
gc.freeze()
gc.enable()

wsgi_app = "wsgi:app"
is_worker = settings.role == "worker"
bind = f"{settings.flask_host}:{settings.worker_port if is_worker else settings.flask_port}"
workers = 1 if is_worker else int(os.environ.get("WEB_CONCURRENCY", "1"))
worker_class = "gunicorn_worker.Worker"
worker_connections = 600
# Callbacks that come together share a commit: while half of the threads wait for theirs, the others read the next ones.
threads = 2 if is_worker else 16
backlog = 1024
keepalive = 5
timeout = 60
# Longer than the longest step: SIGTERM waits for the running steps to end.
graceful_timeout = 180
preload_app = False
control_socket_disable = True
limit_request_line = 4094
errorlog = "-"
loglevel = "warning"


is_up_to_date = mmap.mmap(-1, 1)
"""Shared with all workers: 1 once one of them has brought the database up to date."""
why_it_ended = mmap.mmap(-1, 4096)
"""Shared with all workers: the reason given by the worker that ended the server; zeros as long as none did."""
FOR_WORKERS = "NOTIFY_SOCKET_OF_WORKERS"


def on_starting(_server):
    """Let a worker tell systemd that the service is ready: gunicorn would do so as soon as the port is open.

    This process imports nothing of the service: it would only hold the service in memory a second time.
    """
    if "NOTIFY_SOCKET" in os.environ:
        os.environ[FOR_WORKERS] = os.environ.pop("NOTIFY_SOCKET")


def bring_up_to_date():
    """Bring the database up to date, before any worker takes a callback; several workers do it one after the other.

    If that fails, the whole server ends, and says why: another worker would fail as well.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from app.safekeeping import known_databases
    from app.setup import database_upgrade
    from app.storage import migrate, moves
    from app.storage.database import Database

    database = Database(settings.database_url)
    try:
        known_databases.refuse_missing(database, settings)
        database_upgrade.upgrade(database, settings)
        known_databases.remember(database, settings)
    except (
        known_databases.DatabaseMissing,
        moves.DatabaseMoved,
        migrate.MigrationFailed,
        SQLAlchemyError,
        OSError,
    ) as error:
        end_server(database_upgrade.why_unusable(database, error))
    database.dispose()


def end_server(why):
    """End this worker, and with it the server, which says `why` at its end."""
    text = why.encode()[-len(why_it_ended) :]
    why_it_ended[: len(text)] = text
    sys.exit(Arbiter.WORKER_BOOT_ERROR)


@contextmanager
def known_to_live(worker):
    """During the block, gunicorn does not take the worker for hanging: upgrading a large database takes long."""
    ended = threading.Event()

    def live():
        while not ended.wait(1):
            worker.notify()

    thread = threading.Thread(target=live)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def post_worker_init(worker):
    """Begin to execute, or to stand by; after a reload, take over from the former process."""
    from app.running.background import Background
    from app.running.serving import say_ready, take_over
    from app.running.watchdog import watch
    from wsgi import app

    if not is_up_to_date[0]:
        with known_to_live(worker):
            bring_up_to_date()
        is_up_to_date[0] = 1
    if FOR_WORKERS in os.environ:
        os.environ["NOTIFY_SOCKET"] = os.environ.pop(FOR_WORKERS)
    if settings.role != "web":
        background = Background(app.extensions["services"])
        app.extensions["background"] = background
        background.start()
    take_over(app)
    say_ready()
    watch(app)
    gc.freeze()  # the objects of the start stay for good: the garbage collector need never look through them


def pre_exec(server):
    """A reload (SIGUSR2) starts a process beside this one, with the packages that .venv leads to now.

    It uses the folder's own name, not the link's, so that a deploy that moves the link changes nothing for a running
    process.
    """
    python = (Path(__file__).resolve().parent / ".venv").resolve() / "bin" / "python"
    if python.exists():
        server.START_CTX[0] = server.START_CTX["args"][0] = str(python)


def worker_exit(_server, _worker):
    """Let running steps end; the process ends after that."""
    from wsgi import app

    background = app.extensions.get("background")
    if background is not None:
        background.stop()


def on_exit(_server):
    """Say why the server ended, below gunicorn's own lines; the workers' counters are of this start only."""
    if why := why_it_ended[:].rstrip(b"\0"):
        sys.stderr.write(f"{why.decode(errors='replace')}\n")
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


def child_exit(_server, worker):
    """Tell the metrics that a worker is gone: it no longer counts among the live ones."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)
