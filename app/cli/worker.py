"""`flask worker`: works on orders, and serves nothing but what monitoring asks for."""

import click

from app.cli.base import Command, services
from app.running.serving import serve


@click.command("worker", cls=Command)
@click.option("--name", help="The name it works under, one of its kind. Default: EXECUTOR_ID, or the host's name.")
@click.option("--port", type=click.IntRange(1, 65535), help="For /readyz and /metrics. Default: WORKER_PORT.")
def worker(name: str | None, port: int | None) -> None:
    """Work on orders, notices and the digest, until it is stopped.

    Any number of workers share a PostgreSQL database, each under its own name; with a name that is in use, one stands
    by. With SQLite, one process works and the others stand by.
    """
    settings = services().settings
    serve(ROLE="worker", EXECUTOR_ID=name or settings.executor_id or "", WORKER_PORT=str(port or settings.worker_port))
