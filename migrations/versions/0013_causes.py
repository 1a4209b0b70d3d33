"""What the orders share that need a person for the same reason."""

import sqlalchemy as sa
from alembic import op

import app.models

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

STANDS = sa.text("cause IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("orders") as batch_op:
        batch_op.add_column(sa.Column("cause", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("stopped_at", app.models.UtcDateTime(timezone=True), nullable=True))
    columns = ["cause", "state", "id"]
    op.create_index("ix_orders_cause", "orders", columns, sqlite_where=STANDS, postgresql_where=STANDS)


def downgrade() -> None:
    op.drop_index("ix_orders_cause", "orders")
    with op.batch_alter_table("orders") as batch_op:
        batch_op.drop_column("stopped_at")
        batch_op.drop_column("cause")
