"""Decisions for all orders of a cause, and plans that one order tries first."""

import sqlalchemy as sa
from alembic import op

import app.models

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = app.models.UtcDateTime(timezone=True)
    op.create_table(
        "joint_decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("newest", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.String(80), nullable=False),
        sa.Column("made_at", moment, nullable=False),
        sa.Column("done_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_joint_decisions")),
    )
    op.create_index(op.f("ix_joint_decisions_done_at"), "joint_decisions", ["done_at"])
    op.create_table(
        "plan_trials",
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("first_order_id", sa.Integer(), nullable=True),
        sa.Column("begun_by", sa.String(80), nullable=False),
        sa.Column("begun_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["first_order_id"], ["orders.id"], name=op.f("fk_plan_trials_first_order_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_plan_trials")),
    )
    op.create_index(op.f("ix_plan_trials_first_order_id"), "plan_trials", ["first_order_id"])
    with op.batch_alter_table("order_decisions") as batch_op:
        batch_op.add_column(sa.Column("joint_id", sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f("ix_order_decisions_joint_id"), ["joint_id"])


def downgrade() -> None:
    with op.batch_alter_table("order_decisions") as batch_op:
        batch_op.drop_index(batch_op.f("ix_order_decisions_joint_id"))
        batch_op.drop_column("joint_id")
    op.drop_table("plan_trials")
    op.drop_table("joint_decisions")
