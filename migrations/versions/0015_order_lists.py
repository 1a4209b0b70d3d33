"""Lists of orders by cause, by day and by person, without reading the orders."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

STOPPED = sa.text("problem IS NOT NULL")


def upgrade() -> None:
    op.create_index("ix_orders_received_at", "orders", ["received_at", "state", "problem"])
    op.create_index("ix_orders_problem", "orders", ["problem"], sqlite_where=STOPPED, postgresql_where=STOPPED)
    op.create_index("ix_order_search_person", "order_search", ["person"])


def downgrade() -> None:
    op.drop_index("ix_order_search_person", "order_search")
    op.drop_index("ix_orders_problem", "orders")
    op.drop_index("ix_orders_received_at", "orders")
