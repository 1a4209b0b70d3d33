"""What callbacks say, and cases"""

import sqlalchemy as sa
from alembic import op

import app.models

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    moment = app.models.UtcDateTime(timezone=True)
    op.create_table(
        "callback_messages",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("msg", sa.String(length=200), nullable=False),
        sa.Column("rule", sa.String(length=24), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_at", moment, nullable=False),
        sa.Column("last_at", moment, nullable=False),
        sa.Column("last_orderref", sa.String(length=64), nullable=True),
        sa.Column("last_event", sa.String(length=200), nullable=True),
        sa.Column("decided_by", sa.String(length=80), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_callback_messages")),
    )
    op.create_table(
        "cases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("slot", sa.String(length=120), nullable=True),
        sa.Column("order_id", sa.Integer(), nullable=True),
        sa.Column("orderref", sa.String(length=64), nullable=True),
        sa.Column("customer_id", sa.String(length=32), nullable=True),
        sa.Column("entries", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("opened_at", moment, nullable=False),
        sa.Column("opened_by", sa.String(length=80), nullable=False),
        sa.Column("utopia_at", moment, nullable=True),
        sa.Column("utopia_by", sa.String(length=80), nullable=True),
        sa.Column("powercode_at", moment, nullable=True),
        sa.Column("powercode_by", sa.String(length=80), nullable=True),
        sa.Column("status", sa.String(length=40), nullable=True),
        sa.Column("status_read_at", moment, nullable=True),
        sa.Column("closed_at", moment, nullable=True),
        sa.Column("closed_by", sa.String(length=80), nullable=True),
        sa.Column("closing_note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_cases_order_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("slot", name=op.f("uq_cases_slot")),
    )
    op.create_index(op.f("ix_cases_order_id"), "cases", ["order_id"])
    op.create_index(op.f("ix_cases_customer_id"), "cases", ["customer_id"])
    op.create_index("ix_cases_closed_at_due_on", "cases", ["closed_at", "due_on"])
    with op.batch_alter_table("customer_writes") as writes:
        writes.add_column(sa.Column("case_id", sa.Integer(), nullable=True))
        writes.create_foreign_key(op.f("fk_customer_writes_case_id"), "cases", ["case_id"], ["id"], ondelete="CASCADE")
        writes.create_index(op.f("ix_customer_writes_case_id"), ["case_id"])


def downgrade() -> None:
    with op.batch_alter_table("customer_writes") as writes:
        writes.drop_index(op.f("ix_customer_writes_case_id"))
        writes.drop_constraint(op.f("fk_customer_writes_case_id"), type_="foreignkey")
        writes.drop_column("case_id")
    op.drop_table("cases")
    op.drop_table("callback_messages")
