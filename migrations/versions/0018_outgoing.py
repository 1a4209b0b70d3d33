"""Events and messages that go out besides mails"""

import sqlalchemy as sa
from alembic import op

import app.models

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    moment = app.models.UtcDateTime(timezone=True)
    op.create_table(
        "outgoing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("message_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=True),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", moment, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("started_at", moment, nullable=False),
        sa.Column("sent_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_outgoing_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing")),
        sa.UniqueConstraint("key", name=op.f("uq_outgoing_key")),
    )
    op.create_index("ix_outgoing_state_channel", "outgoing", ["state", "channel"])
    op.create_index(op.f("ix_outgoing_order_id"), "outgoing", ["order_id"])


def downgrade() -> None:
    op.drop_table("outgoing")
