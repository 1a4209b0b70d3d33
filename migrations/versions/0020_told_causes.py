"""The causes that the office was told of"""

import sqlalchemy as sa
from alembic import op

import app.models

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "told_causes",
        sa.Column("key", sa.String(500), nullable=False),
        sa.Column("told_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_told_causes")),
    )


def downgrade() -> None:
    op.drop_table("told_causes")
