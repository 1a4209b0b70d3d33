"""Orders, their steps, callbacks, notices and plans"""

import sqlalchemy as sa
from alembic import op

import app.models

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "callbacks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("received_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.Column("remote_address", sa.String(length=64), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("orderref", sa.String(length=64), nullable=True),
        sa.Column("event", sa.String(length=200), nullable=True),
        sa.Column("msg", sa.String(length=200), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callbacks")),
    )
    with op.batch_alter_table("callbacks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_callbacks_orderref"), ["orderref"], unique=False)
        batch_op.create_index(batch_op.f("ix_callbacks_received_at"), ["received_at"], unique=False)

    op.create_table(
        "orders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("orderref", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(length=40), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("actions", sa.JSON(), nullable=False),
        sa.Column("decision", sa.JSON(), nullable=False),
        sa.Column("contract", sa.JSON(), nullable=True),
        sa.Column("account", sa.JSON(), nullable=True),
        sa.Column("site_id", sa.String(length=64), nullable=True),
        sa.Column("customer_id", sa.String(length=32), nullable=True),
        sa.Column("ticket_id", sa.String(length=32), nullable=True),
        sa.Column("remarks", sa.JSON(), nullable=False),
        sa.Column("waiting_for", sa.String(length=16), nullable=True),
        sa.Column("waiting_since", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.Column("next_try_at", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.Column("tried_at", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("restarts", sa.Integer(), nullable=False),
        sa.Column("told_of_wait_since", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.Column("received_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.Column("finished_at", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("orderref", name=op.f("uq_orders_orderref")),
    )
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_orders_site_id"), ["site_id"], unique=False)
        batch_op.create_index("ix_orders_state_next_try_at", ["state", "next_try_at"], unique=False)

    op.create_table(
        "remote_systems",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("down_since", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_probe_at", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.Column("probe", sa.String(length=160), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_remote_systems")),
    )
    op.create_table(
        "service_plan_mappings",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("additional", sa.Boolean(), nullable=False),
        sa.Column("created_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_service_plan_mappings")),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=True),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("waiting_for", sa.String(length=16), nullable=True),
        sa.Column("next_try_at", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.Column("sent_at", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_notices_order_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("key", name=op.f("uq_notices_key")),
    )
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notices_order_id"), ["order_id"], unique=False)
        batch_op.create_index("ix_notices_state_next_try_at", ["state", "next_try_at"], unique=False)

    op.create_table(
        "order_decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("made_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_decisions_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_decisions")),
    )
    with op.batch_alter_table("order_decisions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_order_decisions_order_id"), ["order_id"], unique=False)

    op.create_table(
        "order_steps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("started_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.Column("sent_at", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.Column("finished_at", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_steps_order_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_steps")),
        sa.UniqueConstraint("order_id", "name", name=op.f("uq_order_steps_order_id")),
    )
    op.create_table(
        "notice_deliveries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("updated_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notices.id"], name=op.f("fk_notice_deliveries_notice_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_deliveries")),
        sa.UniqueConstraint("notice_id", "recipient", name=op.f("uq_notice_deliveries_notice_id")),
    )


def downgrade() -> None:
    op.drop_table("notice_deliveries")
    op.drop_table("order_steps")
    with op.batch_alter_table("order_decisions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_order_decisions_order_id"))

    op.drop_table("order_decisions")
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.drop_index("ix_notices_state_next_try_at")
        batch_op.drop_index(batch_op.f("ix_notices_order_id"))

    op.drop_table("notices")
    op.drop_table("service_plan_mappings")
    op.drop_table("remote_systems")
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_index("ix_orders_state_next_try_at")
        batch_op.drop_index(batch_op.f("ix_orders_site_id"))

    op.drop_table("orders")
    with op.batch_alter_table("callbacks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_callbacks_received_at"))
        batch_op.drop_index(batch_op.f("ix_callbacks_orderref"))

    op.drop_table("callbacks")
