"""Customers' status read back, and what people had written after the account"""

import sqlalchemy as sa
from alembic import op

import app.models

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    moment = app.models.UtcDateTime(timezone=True)
    op.create_table(
        "customer_statuses",
        sa.Column("customer_id", sa.String(length=32), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("billing", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("read_at", moment, nullable=True),
        sa.Column("next_read_at", moment, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("router", sa.String(length=16), nullable=False),
        sa.Column("router_mac", sa.String(length=17), nullable=True),
        sa.Column("put_aside_at", moment, nullable=True),
        sa.Column("put_aside_by", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_customer_statuses_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer_statuses")),
    )
    op.create_index(op.f("ix_customer_statuses_order_id"), "customer_statuses", ["order_id"])
    op.create_index("ix_customer_statuses_billing_next_read_at", "customer_statuses", ["billing", "next_read_at"])
    op.create_table(
        "customer_writes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=True),
        sa.Column("customer_id", sa.String(length=32), nullable=True),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("sent_at", moment, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("finished_at", moment, nullable=True),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("asks", sa.Boolean(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("next_look_at", moment, nullable=True),
        sa.Column("settled_by", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_customer_writes_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_writes")),
        sa.UniqueConstraint("key", name=op.f("uq_customer_writes_key")),
    )
    op.create_index(op.f("ix_customer_writes_order_id"), "customer_writes", ["order_id"])
    op.create_index(op.f("ix_customer_writes_customer_id"), "customer_writes", ["customer_id"])
    op.create_index("ix_customer_writes_state_id", "customer_writes", ["state", "id"])


def downgrade() -> None:
    op.drop_table("customer_writes")
    op.drop_table("customer_statuses")
