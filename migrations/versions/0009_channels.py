"""channels: what people choose, digests, receipts, tokens

Revision ID: 0009
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('message_choice',
    sa.Column('user_id', sa.BigInteger(), nullable=False),
    sa.Column('channel', sa.String(), nullable=False),
    sa.Column('address', sa.String(), nullable=True),
    sa.Column('at_once_from', sa.BigInteger(), nullable=False),
    sa.Column('digest', sa.Boolean(), nullable=False),
    sa.Column('diseases', postgresql.ARRAY(sa.String()), nullable=True),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_message_choice_user_id')),
    sa.PrimaryKeyConstraint('user_id', 'channel', name=op.f('pk_message_choice'))
    )
    op.create_table('delivery_receipt',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('delivery_id', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('provider_id', sa.String(), nullable=True),
    sa.Column('note', sa.String(), nullable=True),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_delivery_receipt_delivery_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery_receipt'))
    )
    op.create_index(op.f('ix_delivery_receipt_delivery_id'), 'delivery_receipt', ['delivery_id'], unique=False)
    op.create_index('ix_delivery_receipt_provider_id', 'delivery_receipt', ['provider_id'], unique=False)
    op.create_table('channel_secret',
    sa.Column('channel', sa.String(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('channel', name=op.f('pk_channel_secret'))
    )
    op.add_column('delivery', sa.Column('digest', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.alter_column('delivery', 'digest', server_default=None)


def downgrade() -> None:
    op.drop_column('delivery', 'digest')
    op.drop_table('channel_secret')
    op.drop_table('delivery_receipt')
    op.drop_table('message_choice')
