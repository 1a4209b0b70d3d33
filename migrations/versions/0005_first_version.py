"""All tables of the first version: orders, digest, console, safekeeping and alerts.

It was five versions once, of which some databases are left. Their tables are completed here with what they lack.
"""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op

import app.models

revision = "0005"
down_revision = None

NAMES = (
    "alerts",
    "audit_entries",
    "callbacks",
    "database_moves",
    "digest_previews",
    "digest_runs",
    "digest_window",
    "failed_sign_ins",
    "known_certificates",
    "orders",
    "plans_seen",
    "remote_systems",
    "schedule_marks",
    "service_plan_mappings",
    "ticket_text_versions",
    "users",
    "digest_messages",
    "digest_set_aside",
    "notices",
    "order_decisions",
    "order_exchanges",
    "order_search",
    "order_steps",
    "sign_ins",
    "notice_deliveries",
    "reported_tickets",
)


def upgrade() -> None:
    there = sa.inspect(op.get_bind())
    tables = {name: there.get_columns(name) for name in there.get_table_names()}
    indexes = {found["name"] for name in tables for found in there.get_indexes(name)}

    def table(name: str, *parts: sa.schema.SchemaItem) -> None:
        if name not in tables:
            op.create_table(name, *parts)
            return
        known = {column["name"] for column in tables[name]}
        for column in (part for part in parts if isinstance(part, sa.Column) and part.name not in known):
            if not column.nullable:
                column.server_default = sa.DefaultClause("0")
            op.add_column(name, column)

    def index(name: str, table_name: str, columns: Iterable[str], **options: Any) -> None:
        if name not in indexes:
            op.create_index(name, table_name, columns, **options)

    make(table, index)
    if "service_plan_mappings" in tables:  # so that no plan's name can look like an additional one's
        op.execute("UPDATE service_plan_mappings SET key = ' ' || substr(key, 2) WHERE additional AND key LIKE '+%'")
    if "key" not in {column["name"] for column in tables.get("audit_entries", [{"name": "key"}])}:
        op.create_index("uq_audit_entries_key", "audit_entries", ["key"], unique=True)
    if op.get_bind().dialect.name == "postgresql" and "remote_systems" in tables:
        op.alter_column("remote_systems", "probe", type_=sa.String(160))


def make(table: Any, index: Any) -> None:
    table(
        "alerts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slot", sa.String(length=200), nullable=True),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("subject", sa.String(length=160), nullable=False),
        sa.Column("began_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.Column("opened_at", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.Column("gone_since", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.Column("closed_at", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.Column("looked_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("slot", name=op.f("uq_alerts_slot")),
    )
    table(
        "audit_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("made_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("key", sa.String(length=64), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
        sa.UniqueConstraint("key", name=op.f("uq_audit_entries_key")),
    )
    index(op.f("ix_audit_entries_made_at"), "audit_entries", ["made_at"], unique=False)
    table(
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
    index(op.f("ix_callbacks_orderref"), "callbacks", ["orderref"], unique=False)
    index(op.f("ix_callbacks_received_at"), "callbacks", ["received_at"], unique=False)
    table(
        "database_moves",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.Column("begun_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.Column("arrived_at", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_database_moves")),
    )
    table(
        "digest_previews",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("asked_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("finished_at", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest_previews")),
    )
    table(
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
    index(op.f("ix_digest_runs_iso_week"), "digest_runs", ["iso_week"], unique=False)
    table(
        "digest_window",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("set_by", sa.String(length=80), nullable=False),
        sa.Column("set_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest_window")),
    )
    table(
        "failed_sign_ins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("remote_address", sa.String(length=64), nullable=True),
        sa.Column("failed_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failed_sign_ins")),
    )
    index("ix_failed_sign_ins_failed_at", "failed_sign_ins", ["failed_at"], unique=False)
    table(
        "known_certificates",
        sa.Column("server", sa.String(length=300), nullable=False),
        sa.Column("fingerprint", sa.String(length=95), nullable=True),
        sa.Column("looked_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("server", name=op.f("pk_known_certificates")),
    )
    table(
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
        sa.Column("corrections", sa.JSON(), nullable=True),
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
        sa.Column("in_doubt_since", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("orderref", name=op.f("uq_orders_orderref")),
    )
    index(op.f("ix_orders_site_id"), "orders", ["site_id"], unique=False)
    index(
        "ix_orders_state_finished_at",
        "orders",
        ["state", "finished_at"],
        unique=False,
        sqlite_where=sa.text("finished_at IS NOT NULL"),
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    index("ix_orders_state_id", "orders", ["state", "id"], unique=False)
    index("ix_orders_state_next_try_at", "orders", ["state", "next_try_at"], unique=False)
    table(
        "plans_seen",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("first_seen_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_orderref", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_plans_seen")),
    )
    table(
        "remote_systems",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("down_since", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.Column("up_since", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_probe_at", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.Column("probe", sa.String(length=160), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_remote_systems")),
    )
    table(
        "schedule_marks",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("kept_since", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schedule_marks")),
    )
    table(
        "service_plan_mappings",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("additional", sa.Boolean(), nullable=False),
        sa.Column("created_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_service_plan_mappings")),
    )
    table(
        "ticket_text_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("file", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("seen_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.Column("saved_by", sa.String(length=80), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_text_versions")),
    )
    index(op.f("ix_ticket_text_versions_file"), "ticket_text_versions", ["file"], unique=False)
    table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("created_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.Column("signed_in_at", app.models.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("key", name=op.f("uq_users_key")),
    )
    table(
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
    index(op.f("ix_digest_messages_email_key"), "digest_messages", ["email_key"], unique=False)
    index("ix_digest_messages_run_id_batch", "digest_messages", ["run_id", "batch"], unique=False)
    index("ix_digest_messages_state_run_id", "digest_messages", ["state", "run_id"], unique=False)
    table(
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
    index(op.f("ix_digest_set_aside_run_id"), "digest_set_aside", ["run_id"], unique=False)
    table(
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
    index(op.f("ix_notices_order_id"), "notices", ["order_id"], unique=False)
    index("ix_notices_state_next_try_at", "notices", ["state", "next_try_at"], unique=False)
    table(
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
    index(op.f("ix_order_decisions_order_id"), "order_decisions", ["order_id"], unique=False)
    table(
        "order_exchanges",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=64), nullable=False),
        sa.Column("made_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.Column("system", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("sent", sa.Text(), nullable=False),
        sa.Column("answered", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_exchanges_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_exchanges")),
    )
    index(op.f("ix_order_exchanges_order_id"), "order_exchanges", ["order_id"], unique=False)
    table(
        "order_search",
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_search_order_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_order_search")),
    )
    table(
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
    table(
        "sign_ins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("began_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", app.models.UtcDateTime(timezone=True), nullable=False),
        sa.Column("remote_address", sa.String(length=64), nullable=True),
        sa.Column("browser", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sign_ins_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_ins_token_hash")),
    )
    index(op.f("ix_sign_ins_user_id"), "sign_ins", ["user_id"], unique=False)
    table(
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
    table(
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
    index(op.f("ix_reported_tickets_closed_on"), "reported_tickets", ["closed_on"], unique=False)
    index(op.f("ix_reported_tickets_message_id"), "reported_tickets", ["message_id"], unique=False)


def downgrade() -> None:
    for name in reversed(NAMES):
        op.drop_table(name)
