"""Orders that come from a backup, and moves to another database"""

import sqlalchemy as sa
from alembic import op

import app.models

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "database_moves",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.Column("begun_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.Column("arrived_at", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_database_moves")),
    )
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.add_column(sa.Column("in_doubt_since", app.models.UtcDateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_column("in_doubt_since")
    op.drop_table("database_moves")
