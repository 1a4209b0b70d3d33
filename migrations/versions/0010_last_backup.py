"""What became of the backups that are made into a folder."""

import sqlalchemy as sa
from alembic import op

import app.models

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = app.models.UtcDateTime(timezone=True)
    op.create_table(
        "last_backup",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("watched_since", moment, nullable=False),
        sa.Column("made_at", moment, nullable=True),
        sa.Column("file", sa.Text(), nullable=True),
        sa.Column("failed_at", moment, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_last_backup")),
    )


def downgrade() -> None:
    op.drop_table("last_backup")
