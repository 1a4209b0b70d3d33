"""The baseline for callbacks: a bare Flask endpoint that only commits one row with synchronous=FULL."""

import os
import sqlite3
import threading

from flask import Flask, Response, jsonify, request

app = Flask(__name__)
_connections = threading.local()


@app.post("/api-callback")
def receive() -> Response:
    """Commit the body as one row."""
    _connection().execute("INSERT INTO callbacks (body) VALUES (?)", (request.get_data(),))
    return jsonify(data="Information received")


def _connection() -> sqlite3.Connection:
    """One connection a thread; each statement is a transaction of its own."""
    if not hasattr(_connections, "connection"):
        connection = sqlite3.connect(os.environ["BARE_DATABASE"], timeout=30, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS callbacks (id INTEGER PRIMARY KEY, body BLOB)")
        _connections.connection = connection
    return _connections.connection  # type: ignore[no-any-return]
