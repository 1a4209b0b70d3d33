"""What became of each row of a report, and what stood in those that were set aside"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

COUNTS = ("rows_due", "rows_for_next_week", "not_closed", "too_old")


def upgrade() -> None:
    with op.batch_alter_table("digest_runs", schema=None) as batch_op:
        for name in COUNTS:
            batch_op.add_column(sa.Column(name, sa.Integer(), server_default="0", nullable=False))
    with op.batch_alter_table("digest_set_aside", schema=None) as batch_op:
        batch_op.add_column(sa.Column("written", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("digest_set_aside", schema=None) as batch_op:
        batch_op.drop_column("written")
    with op.batch_alter_table("digest_runs", schema=None) as batch_op:
        for name in COUNTS:
            batch_op.drop_column(name)
