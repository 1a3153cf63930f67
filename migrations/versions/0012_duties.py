"""duties: the register of what the law asks, and what happened to each

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_area_level_area', 'area_level', ['disease', 'unit_id', 'known_from'], unique=False)
    op.create_table('duty',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('disease', sa.String(), nullable=False),
    sa.Column('unit_id', sa.BigInteger(), nullable=False),
    sa.Column('criterion', sa.String(), nullable=False),
    sa.Column('alert_id', sa.BigInteger(), nullable=True),
    sa.Column('met_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('settled_by', sa.BigInteger(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('document', sa.String(), nullable=True),
    sa.Column('note', sa.String(), nullable=True),
    sa.Column('why', postgresql.JSONB(), nullable=True),
    sa.Column('detail', postgresql.JSONB(), nullable=False),
    sa.Column('law', sa.String(), nullable=False),
    sa.Column('policy_version', sa.String(), nullable=False),
    sa.Column('policy_hash', sa.String(), nullable=False),
    sa.Column('reminded', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['alert_id'], ['alert.id'], name=op.f('fk_duty_alert_id')),
    sa.ForeignKeyConstraint(['settled_by'], ['app_user.id'], name=op.f('fk_duty_settled_by')),
    sa.ForeignKeyConstraint(['unit_id'], ['admin_unit.id'], name=op.f('fk_duty_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_duty')),
    sa.UniqueConstraint('kind', 'disease', 'unit_id', 'criterion', name=op.f('uq_duty_kind_disease_unit_id_criterion'))
    )
    op.create_index(op.f('ix_duty_alert_id'), 'duty', ['alert_id'], unique=False)
    op.create_index(op.f('ix_duty_unit_id'), 'duty', ['unit_id'], unique=False)
    op.create_index('ix_duty_due_at', 'duty', ['due_at'], unique=False)
    op.create_index('ix_duty_open', 'duty', ['due_at'], unique=False, postgresql_where=sa.text("state = 'open'"))
    op.create_table('duty_event',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('duty_id', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=True),
    sa.Column('message', postgresql.JSONB(), nullable=False),
    sa.Column('comment', sa.String(), nullable=True),
    sa.ForeignKeyConstraint(['duty_id'], ['duty.id'], name=op.f('fk_duty_event_duty_id')),
    sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_duty_event_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_duty_event'))
    )
    op.create_index(op.f('ix_duty_event_duty_id'), 'duty_event', ['duty_id'], unique=False)


def downgrade() -> None:
    op.drop_table('duty_event')
    op.drop_table('duty')
    op.drop_index('ix_area_level_area', table_name='area_level')
