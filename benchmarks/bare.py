"""The yardstick for callbacks: a bare Flask endpoint that does nothing but commit one row with synchronous=FULL."""

import os
from typing import Any

from flask import Flask, Response, jsonify, request
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, create_engine, event, insert

app = Flask(__name__)
engine = create_engine(f"sqlite:///{os.environ['BARE_DATABASE']}", connect_args={"timeout": 30})
callbacks = Table("callbacks", MetaData(), Column("id", Integer, primary_key=True), Column("body", LargeBinary))
INSERT = insert(callbacks)


@event.listens_for(engine, "connect")
def _prepare(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


callbacks.create(engine, checkfirst=True)


@app.post("/api-callback")
def receive() -> Response:
    """Commit the body as one row."""
    with engine.begin() as connection:
        connection.execute(INSERT, {"body": request.get_data()})
    return jsonify(data="Information received")
