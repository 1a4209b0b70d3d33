"""Alerts about the system itself"""

import sqlalchemy as sa
from alembic import op

import app.models

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    moment = app.models.UtcDateTime(timezone=True)
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slot", sa.String(length=200), nullable=True),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("subject", sa.String(length=160), nullable=False),
        sa.Column("began_at", moment, nullable=False),
        sa.Column("opened_at", moment, nullable=True),
        sa.Column("gone_since", moment, nullable=True),
        sa.Column("closed_at", moment, nullable=True),
        sa.Column("looked_at", moment, nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("slot", name=op.f("uq_alerts_slot")),
    )
    op.create_table(
        "known_certificates",
        sa.Column("server", sa.String(length=300), nullable=False),
        sa.Column("fingerprint", sa.String(length=95), nullable=True),
        sa.Column("looked_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("server", name=op.f("pk_known_certificates")),
    )
    with op.batch_alter_table("remote_systems", schema=None) as batch_op:
        batch_op.add_column(sa.Column("up_since", moment, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("remote_systems", schema=None) as batch_op:
        batch_op.drop_column("up_since")
    op.drop_table("known_certificates")
    op.drop_table("alerts")
