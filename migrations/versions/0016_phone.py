"""the officer's phone: acts sent once, browsers that take messages, photos of the work

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('field_act',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('result', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_field_act_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_field_act'))
    )
    op.create_index(op.f('ix_field_act_user_id'), 'field_act', ['user_id'], unique=False)
    op.create_table('push_device',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=False),
    sa.Column('digest', sa.LargeBinary(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('host', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_push_device_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_push_device')),
    sa.UniqueConstraint('digest', name=op.f('uq_push_device_digest'))
    )
    op.create_index(op.f('ix_push_device_user_id'), 'push_device', ['user_id'], unique=False)
    op.create_table('outbreak_photo',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('outbreak_id', sa.BigInteger(), nullable=False),
    sa.Column('event_id', sa.BigInteger(), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['event_id'], ['outbreak_event.id'], name=op.f('fk_outbreak_photo_event_id')),
    sa.ForeignKeyConstraint(['outbreak_id'], ['outbreak.id'], name=op.f('fk_outbreak_photo_outbreak_id')),
    sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_outbreak_photo_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbreak_photo'))
    )
    op.create_index(op.f('ix_outbreak_photo_outbreak_id'), 'outbreak_photo', ['outbreak_id'], unique=False)


def downgrade() -> None:
    op.drop_table('outbreak_photo')
    op.drop_table('push_device')
    op.drop_table('field_act')
