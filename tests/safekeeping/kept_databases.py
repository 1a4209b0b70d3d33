"""What the tests of backups and moves ask of a database and its folder."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from flask import Flask

from app.models import Order
from app.services import Services
from app.storage.database import Database
from config import PROJECT
from tests.tools.processes import ServiceProcess


def run(app: Flask, *arguments: str | Path) -> Any:
    """A command in this process."""
    return app.test_cli_runner().invoke(args=[str(argument) for argument in arguments])


def services_of(app: Flask) -> Services:
    return app.extensions["services"]


def database_of(app: Flask) -> Database:
    return services_of(app).database


def orders_in(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as connection:
        return {orderref for (orderref,) in connection.execute("select orderref from orders")}


def add_order(app: Flask, orderref: str, **columns: Any) -> None:
    with database_of(app).write() as session:
        session.add(Order(orderref=orderref, **columns))


def left_in(folder: Path, part: str) -> list[str]:
    """The names in a folder that have a part."""
    return sorted(path.name for path in folder.iterdir() if part in path.name)


def killed_at(process: ServiceProcess, module: str, function: str, *arguments: str) -> int:
    """Run a command in a process that gets SIGKILL instead of calling a function; its exit code."""
    program = (
        "import os\n"
        "from app.storage import moves; from app.safekeeping import moved_rows, sqlite_restore\n"
        "from wsgi import app\n"
        f"{module}.{function} = lambda *_: os.kill(os.getpid(), 9)\n"
        f"app.test_cli_runner().invoke(args={list(arguments)!r})\n"
    )
    return subprocess.run([sys.executable, "-c", program], cwd=PROJECT, env=process.environment, check=False).returncode
