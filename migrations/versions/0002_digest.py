"""The weekly digest's ledger"""

import sqlalchemy as sa
from alembic import op

import app.models

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "digest_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("iso_week", sa.String(length=8), nullable=False),
        sa.Column("started_by", sa.String(length=80), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("window_starts_on", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("planned", sa.Boolean(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("next_try_at", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.Column("started_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.Column("finished_at", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("already_reported", sa.Integer(), nullable=False),
        sa.Column("repeated", sa.Integer(), nullable=False),
        sa.Column("for_next_week", sa.Integer(), nullable=False),
        sa.Column("set_aside", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest_runs")),
        sa.UniqueConstraint("key", name=op.f("uq_digest_runs_key")),
    )
    with op.batch_alter_table("digest_runs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_digest_runs_iso_week"), ["iso_week"], unique=False)

    op.create_table(
        "digest_window",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("set_by", sa.String(length=80), nullable=False),
        sa.Column("set_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest_window")),
    )
    op.create_table(
        "schedule_marks",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("kept_since", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schedule_marks")),
    )
    op.create_table(
        "digest_messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("slot", sa.String(length=340), nullable=True),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("sent_at", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["digest_runs.id"], name=op.f("fk_digest_messages_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest_messages")),
        sa.UniqueConstraint("slot", name=op.f("uq_digest_messages_slot")),
    )
    with op.batch_alter_table("digest_messages", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_digest_messages_email_key"), ["email_key"], unique=False)
        batch_op.create_index("ix_digest_messages_run_id_batch", ["run_id", "batch"], unique=False)

    op.create_table(
        "digest_set_aside",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("date", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["digest_runs.id"], name=op.f("fk_digest_set_aside_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest_set_aside")),
    )
    with op.batch_alter_table("digest_set_aside", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_digest_set_aside_run_id"), ["run_id"], unique=False)

    op.create_table(
        "reported_tickets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("slot", sa.String(length=340), nullable=True),
        sa.Column("ticket", sa.String(length=120), nullable=False),
        sa.Column("ticket_key", sa.String(length=320), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["digest_messages.id"], name=op.f("fk_reported_tickets_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reported_tickets")),
        sa.UniqueConstraint("slot", name=op.f("uq_reported_tickets_slot")),
    )
    with op.batch_alter_table("reported_tickets", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reported_tickets_closed_on"), ["closed_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_reported_tickets_message_id"), ["message_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("reported_tickets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reported_tickets_message_id"))
        batch_op.drop_index(batch_op.f("ix_reported_tickets_closed_on"))

    op.drop_table("reported_tickets")
    with op.batch_alter_table("digest_set_aside", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_digest_set_aside_run_id"))

    op.drop_table("digest_set_aside")
    with op.batch_alter_table("digest_messages", schema=None) as batch_op:
        batch_op.drop_index("ix_digest_messages_run_id_batch")
        batch_op.drop_index(batch_op.f("ix_digest_messages_email_key"))

    op.drop_table("digest_messages")
    op.drop_table("schedule_marks")
    op.drop_table("digest_window")
    with op.batch_alter_table("digest_runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_digest_runs_iso_week"))

    op.drop_table("digest_runs")
