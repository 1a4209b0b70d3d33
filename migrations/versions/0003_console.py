"""The console: users, sign-ins, audit, search, exchanges, ticket texts and previews"""

import sqlalchemy as sa
from alembic import op

import app.models

revision = '0003'
down_revision = '0002'


ADDITIONAL_KEYS = "UPDATE service_plan_mappings SET key = '{}' || substr(key, 2) WHERE additional"


def upgrade() -> None:
    op.execute(ADDITIONAL_KEYS.format(" "))
    op.create_table('audit_entries',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('made_at', app.models.UtcDateTime(timezone=True), nullable=False),
    sa.Column('made_by', sa.String(length=80), nullable=False),
    sa.Column('action', sa.String(length=40), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('key', sa.String(length=64), nullable=True),
    sa.Column('outcome', sa.String(length=16), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_entries')),
    sa.UniqueConstraint('key', name=op.f('uq_audit_entries_key'))
    )
    with op.batch_alter_table('audit_entries', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_audit_entries_made_at'), ['made_at'], unique=False)

    op.create_table('digest_previews',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('asked_at', app.models.UtcDateTime(timezone=True), nullable=False),
    sa.Column('asked_by', sa.String(length=80), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('progress', sa.Text(), nullable=False),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('result', sa.JSON(), nullable=True),
    sa.Column('finished_at', app.models.UtcDateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_digest_previews'))
    )
    op.create_table('failed_sign_ins',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('remote_address', sa.String(length=64), nullable=True),
    sa.Column('failed_at', app.models.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_failed_sign_ins'))
    )
    with op.batch_alter_table('failed_sign_ins', schema=None) as batch_op:
        batch_op.create_index('ix_failed_sign_ins_failed_at', ['failed_at'], unique=False)

    op.create_table('plans_seen',
    sa.Column('key', sa.String(length=200), nullable=False),
    sa.Column('description', sa.String(length=200), nullable=False),
    sa.Column('first_seen_at', app.models.UtcDateTime(timezone=True), nullable=False),
    sa.Column('last_seen_at', app.models.UtcDateTime(timezone=True), nullable=False),
    sa.Column('last_orderref', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_plans_seen'))
    )
    op.create_table('ticket_text_versions',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('file', sa.String(length=200), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('seen_at', app.models.UtcDateTime(timezone=True), nullable=False),
    sa.Column('saved_by', sa.String(length=80), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ticket_text_versions'))
    )
    with op.batch_alter_table('ticket_text_versions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_ticket_text_versions_file'), ['file'], unique=False)

    op.create_table('users',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('password_hash', sa.Text(), nullable=False),
    sa.Column('role', sa.String(length=16), nullable=False),
    sa.Column('created_at', app.models.UtcDateTime(timezone=True), nullable=False),
    sa.Column('signed_in_at', app.models.UtcDateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_users')),
    sa.UniqueConstraint('key', name=op.f('uq_users_key'))
    )
    op.create_table('order_exchanges',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('order_id', sa.Integer(), nullable=False),
    sa.Column('step', sa.String(length=64), nullable=False),
    sa.Column('made_at', app.models.UtcDateTime(timezone=True), nullable=False),
    sa.Column('system', sa.String(length=16), nullable=False),
    sa.Column('action', sa.String(length=80), nullable=False),
    sa.Column('outcome', sa.String(length=16), nullable=False),
    sa.Column('seconds', sa.Double(), nullable=False),
    sa.Column('sent', sa.Text(), nullable=False),
    sa.Column('answered', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_exchanges_order_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_order_exchanges'))
    )
    with op.batch_alter_table('order_exchanges', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_order_exchanges_order_id'), ['order_id'], unique=False)

    op.create_table('order_search',
    sa.Column('order_id', sa.Integer(), nullable=False),
    sa.Column('person', sa.Text(), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('plan', sa.Text(), nullable=False),
    sa.Column('words', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_search_order_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('order_id', name=op.f('pk_order_search'))
    )
    op.create_table('sign_ins',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('began_at', app.models.UtcDateTime(timezone=True), nullable=False),
    sa.Column('last_seen_at', app.models.UtcDateTime(timezone=True), nullable=False),
    sa.Column('remote_address', sa.String(length=64), nullable=True),
    sa.Column('browser', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_sign_ins_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_ins')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_sign_ins_token_hash'))
    )
    with op.batch_alter_table('sign_ins', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sign_ins_user_id'), ['user_id'], unique=False)

    with op.batch_alter_table('digest_messages', schema=None) as batch_op:
        batch_op.create_index('ix_digest_messages_state_run_id', ['state', 'run_id'], unique=False)

    with op.batch_alter_table('orders', schema=None) as batch_op:
        batch_op.add_column(sa.Column('corrections', sa.JSON(), nullable=True))
        batch_op.create_index('ix_orders_state_finished_at', ["state", "finished_at"], unique=False, sqlite_where=sa.text('finished_at IS NOT NULL'), postgresql_where=sa.text('finished_at IS NOT NULL'))
        batch_op.create_index('ix_orders_state_id', ['state', 'id'], unique=False)



def downgrade() -> None:
    op.execute(ADDITIONAL_KEYS.format("+"))
    with op.batch_alter_table("digest_messages", schema=None) as batch_op:
        batch_op.drop_index("ix_digest_messages_state_run_id")
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_index("ix_orders_state_id")
        batch_op.drop_index("ix_orders_state_finished_at")
        batch_op.drop_column("corrections")
    for table in (
        *("sign_ins", "order_search", "order_exchanges", "users", "ticket_text_versions"),
        *("plans_seen", "failed_sign_ins", "digest_previews", "audit_entries"),
    ):
        op.drop_table(table)
