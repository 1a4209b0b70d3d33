"""Beside the words of an order stand numbers that rule most orders out of a search."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

NUMBERS = [f"pieces_{number}" for number in (1, 2, 3, 4)]


def upgrade() -> None:
    for name in NUMBERS:
        op.add_column("order_search", sa.Column(name, sa.BigInteger(), nullable=False, server_default="-1"))


def downgrade() -> None:
    with op.batch_alter_table("order_search") as batch_op:
        for name in NUMBERS:
            batch_op.drop_column(name)
