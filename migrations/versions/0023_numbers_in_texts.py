"""Texts of callbacks that differ by a number only are one"""

import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

import app.models

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
MOMENT = app.models.UtcDateTime(timezone=True)
TEXTS = sa.table(
    "callback_messages",
    *(sa.column(name) for name in ("key", "rule", "count", "decided_by")),
    sa.column("first_at", MOMENT),
    sa.column("last_at", MOMENT),
)


def upgrade() -> None:
    """Where two rules meet, the one that somebody chose stays, and rather one that reaches a person."""
    connection = op.get_bind()
    texts: dict[str, list[Mapping[str, Any]]] = {}
    for row in connection.execute(sa.select(TEXTS)).mappings():
        texts.setdefault(NUMBER.sub("…", row["key"]), []).append(row)
    for key, same in texts.items():
        first, *others = sorted(same, key=lambda row: (row["decided_by"] is None, row["rule"] == "ignore", row["key"]))
        if first["key"] == key and not others:
            continue
        connection.execute(sa.delete(TEXTS).where(TEXTS.c.key.in_([row["key"] for row in others])))
        counted = {"count": sum(row["count"] for row in same)}
        moments = {"first_at": min(row["first_at"] for row in same), "last_at": max(row["last_at"] for row in same)}
        connection.execute(sa.update(TEXTS).where(TEXTS.c.key == first["key"]).values(key=key, **counted, **moments))


def downgrade() -> None:
    """Which number a text had is not known any more; the texts stay as they are."""
