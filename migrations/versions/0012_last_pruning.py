"""How far pruning has come, which a wrong clock must not hurry."""

import sqlalchemy as sa
from alembic import op

import app.models

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = app.models.UtcDateTime(timezone=True)
    op.create_table(
        "last_pruning",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("as_of", moment, nullable=False),
        sa.Column("pruned_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_last_pruning")),
    )


def downgrade() -> None:
    op.drop_table("last_pruning")
