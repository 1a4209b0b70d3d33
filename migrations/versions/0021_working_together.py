"""Notes are searched, and orders have who is on them and until when they are put off."""

import sqlalchemy as sa
from alembic import op

import app.models

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = app.models.UtcDateTime(timezone=True)
    op.create_table(
        "orders_on_it",
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("taken_by", sa.String(80), nullable=False),
        sa.Column("taken_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_orders_on_it_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_orders_on_it")),
    )
    op.create_table(
        "orders_put_off",
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("until", moment, nullable=False),
        sa.Column("put_off_by", sa.String(80), nullable=False),
        sa.Column("put_off_at", moment, nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_orders_put_off_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_orders_put_off")),
    )
    with op.batch_alter_table("order_search") as batch_op:
        batch_op.add_column(sa.Column("notes", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("order_search") as batch_op:
        batch_op.drop_column("notes")
    op.drop_table("orders_put_off")
    op.drop_table("orders_on_it")
