"""What a receiver refuses while it takes others, and what is looked up among the events and messages"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("others_taken", "is_refused"):
        op.add_column("outgoing", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(op.f("ix_outgoing_kind"), "outgoing", ["kind"])
    op.create_index("ix_outgoing_channel_id", "outgoing", ["channel", "id"])


def downgrade() -> None:
    op.drop_index("ix_outgoing_channel_id", "outgoing")
    op.drop_index(op.f("ix_outgoing_kind"), "outgoing")
    for name in ("is_refused", "others_taken"):
        op.drop_column("outgoing", name)
