"""Orders that never came, and the comparisons that found them"""

import sqlalchemy as sa
from alembic import op

import app.models

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    moment = app.models.UtcDateTime(timezone=True)
    op.create_table(
        "reconciliations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("started_by", sa.String(length=80), nullable=False),
        sa.Column("started_at", moment, nullable=False),
        sa.Column("claimed_at", moment, nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", moment, nullable=True),
        sa.Column("finished_at", moment, nullable=True),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("is_first", sa.Boolean(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliations")),
        sa.UniqueConstraint("key", name=op.f("uq_reconciliations_key")),
    )
    op.create_table(
        "missing_orders",
        sa.Column("orderref", sa.String(length=64), nullable=False),
        sa.Column("found_at", moment, nullable=False),
        sa.Column("seen_at", moment, nullable=False),
        sa.Column("is_older", sa.Boolean(), nullable=False),
        sa.Column("asked_at", moment, nullable=True),
        sa.Column("answer", sa.String(length=16), nullable=True),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=80), nullable=False),
        sa.Column("told_at", moment, nullable=True),
        sa.Column("put_aside_at", moment, nullable=True),
        sa.Column("put_aside_by", sa.String(length=80), nullable=True),
        sa.PrimaryKeyConstraint("orderref", name=op.f("pk_missing_orders")),
    )


def downgrade() -> None:
    op.drop_table("missing_orders")
    op.drop_table("reconciliations")
