"""CAP messages as published, and deliveries of them to machines

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('cap_message',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('identifier', sa.String(), nullable=False),
    sa.Column('alert_id', sa.BigInteger(), nullable=False),
    sa.Column('event_id', sa.BigInteger(), nullable=False),
    sa.Column('sender', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('scope', sa.String(), nullable=False),
    sa.Column('msg_type', sa.String(), nullable=False),
    sa.Column('final', sa.Boolean(), nullable=False),
    sa.Column('unknown', sa.Boolean(), nullable=False),
    sa.Column('sent', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires', sa.DateTime(timezone=True), nullable=False),
    sa.Column('headline', sa.String(), nullable=False),
    sa.Column('xml', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['alert_id'], ['alert.id'], name=op.f('fk_cap_message_alert_id')),
    sa.ForeignKeyConstraint(['event_id'], ['alert_event.id'], name=op.f('fk_cap_message_event_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cap_message')),
    sa.UniqueConstraint('identifier', name=op.f('uq_cap_message_identifier'))
    )
    op.create_index(op.f('ix_cap_message_alert_id'), 'cap_message', ['alert_id'], unique=False)
    op.alter_column('delivery', 'user_id', existing_type=sa.BigInteger(), nullable=True)
    op.add_column('delivery', sa.Column('cap_message_id', sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f('fk_delivery_cap_message_id'), 'delivery', 'cap_message', ['cap_message_id'], ['id'])
    op.create_check_constraint(op.f('ck_delivery_recipient'), 'delivery', '(user_id IS NULL) = (cap_message_id IS NOT NULL)')


def downgrade() -> None:
    op.execute('DELETE FROM delivery WHERE user_id IS NULL')
    op.drop_constraint(op.f('ck_delivery_recipient'), 'delivery', type_='check')
    op.drop_constraint(op.f('fk_delivery_cap_message_id'), 'delivery', type_='foreignkey')
    op.drop_column('delivery', 'cap_message_id')
    op.alter_column('delivery', 'user_id', existing_type=sa.BigInteger(), nullable=False)
    op.drop_table('cap_message')
