"""telling: rota, quiet hours, silences, escalations

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('address_fault',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=False),
    sa.Column('address', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('cleared_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cleared_by', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['cleared_by'], ['app_user.id'], name=op.f('fk_address_fault_cleared_by')),
    sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_address_fault_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_address_fault'))
    )
    op.create_index('ix_address_fault_current', 'address_fault', ['user_id', 'address'], unique=True, postgresql_where=sa.text('cleared_at IS NULL'))
    op.create_table('duty_shift',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=False),
    sa.Column('unit_id', sa.BigInteger(), nullable=True),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('phone', sa.String(), nullable=True),
    sa.Column('channel', sa.String(), nullable=True),
    sa.Column('made_by', sa.BigInteger(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('removed_by', sa.BigInteger(), nullable=True),
    sa.CheckConstraint('starts_at < ends_at', name=op.f('ck_duty_shift_span')),
    sa.ForeignKeyConstraint(['made_by'], ['app_user.id'], name=op.f('fk_duty_shift_made_by')),
    sa.ForeignKeyConstraint(['removed_by'], ['app_user.id'], name=op.f('fk_duty_shift_removed_by')),
    sa.ForeignKeyConstraint(['unit_id'], ['admin_unit.id'], name=op.f('fk_duty_shift_unit_id')),
    sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_duty_shift_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_duty_shift'))
    )
    op.create_index('ix_duty_shift_ends_at', 'duty_shift', ['ends_at'], unique=False, postgresql_where=sa.text('removed_at IS NULL'))
    op.create_table('quiet_hours',
    sa.Column('user_id', sa.BigInteger(), nullable=False),
    sa.Column('starts', sa.Time(), nullable=False),
    sa.Column('ends', sa.Time(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_quiet_hours_user_id')),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_quiet_hours'))
    )
    op.create_table('silence',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('unit_id', sa.BigInteger(), nullable=False),
    sa.Column('disease', sa.String(), nullable=True),
    sa.Column('level_max', sa.BigInteger(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_by', sa.BigInteger(), nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('level_max BETWEEN 2 AND 3', name=op.f('ck_silence_level')),
    sa.CheckConstraint('starts_at < ends_at', name=op.f('ck_silence_span')),
    sa.ForeignKeyConstraint(['ended_by'], ['app_user.id'], name=op.f('fk_silence_ended_by')),
    sa.ForeignKeyConstraint(['unit_id'], ['admin_unit.id'], name=op.f('fk_silence_unit_id')),
    sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_silence_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_silence'))
    )
    op.create_index('ix_silence_unsettled', 'silence', ['ends_at'], unique=False, postgresql_where=sa.text('settled_at IS NULL'))
    op.create_table('escalation',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('alert_id', sa.BigInteger(), nullable=False),
    sa.Column('spell_id', sa.BigInteger(), nullable=False),
    sa.Column('step', sa.String(), nullable=False),
    sa.Column('level', sa.BigInteger(), nullable=False),
    sa.Column('statutory', sa.Boolean(), nullable=False),
    sa.Column('event_id', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['alert_id'], ['alert.id'], name=op.f('fk_escalation_alert_id')),
    sa.ForeignKeyConstraint(['event_id'], ['alert_event.id'], name=op.f('fk_escalation_event_id')),
    sa.ForeignKeyConstraint(['spell_id'], ['alert_event.id'], name=op.f('fk_escalation_spell_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_escalation')),
    sa.UniqueConstraint('alert_id', 'spell_id', 'step', 'level', 'statutory', name='uq_escalation_step')
    )
    op.add_column('delivery', sa.Column('urgent', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.alter_column('delivery', 'urgent', server_default=None)
    op.add_column('delivery', sa.Column('muted', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.alter_column('delivery', 'muted', server_default=None)
    op.add_column('delivery', sa.Column('for_unit_id', sa.BigInteger(), nullable=True))
    op.add_column('delivery', sa.Column('address', sa.String(), nullable=True))
    op.create_foreign_key(op.f('fk_delivery_for_unit_id'), 'delivery', 'admin_unit', ['for_unit_id'], ['id'])


def downgrade() -> None:
    op.drop_constraint(op.f('fk_delivery_for_unit_id'), 'delivery', type_='foreignkey')
    op.drop_column('delivery', 'address')
    op.drop_column('delivery', 'for_unit_id')
    op.drop_column('delivery', 'muted')
    op.drop_column('delivery', 'urgent')
    op.drop_table('escalation')
    op.drop_index('ix_silence_unsettled', table_name='silence', postgresql_where=sa.text('settled_at IS NULL'))
    op.drop_table('silence')
    op.drop_table('quiet_hours')
    op.drop_index('ix_duty_shift_ends_at', table_name='duty_shift', postgresql_where=sa.text('removed_at IS NULL'))
    op.drop_table('duty_shift')
    op.drop_index('ix_address_fault_current', table_name='address_fault', postgresql_where=sa.text('cleared_at IS NULL'))
    op.drop_table('address_fault')
