"""A connection to PostgreSQL outside the pool, for what belongs to one session: a lock, or listening."""

from typing import Any

import psycopg

from app.storage.engines import HOST_IS_GONE, server_options


def connect_directly(url: str, **options: Any) -> psycopg.Connection[Any]:
    """Connect to the database at SQLAlchemy's `url`; each statement is a transaction of its own.

    A transaction pooler would share the session with others. `options` are libpq's, such as keepalives.
    """
    address = url.replace("postgresql+psycopg://", "postgresql://")
    gone = server_options(**HOST_IS_GONE)
    return psycopg.connect(address, autocommit=True, connect_timeout=5, options=gone, **options)
