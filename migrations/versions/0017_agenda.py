"""messages about legal duties that have no alert: a day's list for each person, and new duties in the application

Revision ID: 0017
Revises: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('delivery', sa.Column('duty_id', sa.BigInteger(), nullable=True))
    op.add_column('delivery', sa.Column('agenda_on', sa.Date(), nullable=True))
    op.create_foreign_key(op.f('fk_delivery_duty_id'), 'delivery', 'duty', ['duty_id'], ['id'])
    op.alter_column('delivery', 'alert_id', existing_type=sa.BigInteger(), nullable=True)
    op.alter_column('delivery', 'event_id', existing_type=sa.BigInteger(), nullable=True)
    op.create_check_constraint(op.f('ck_delivery_subject'), 'delivery',
    'num_nonnulls(event_id, duty_id, agenda_on) = 1')
    op.create_check_constraint(op.f('ck_delivery_event_of_alert'), 'delivery',
    '(alert_id IS NULL) = (event_id IS NULL)')
    op.create_index('ix_delivery_agenda_on', 'delivery', ['agenda_on'], unique=False,
    postgresql_where=sa.text('agenda_on IS NOT NULL'))
    op.create_index('ix_delivery_duty_id', 'delivery', ['duty_id'], unique=False,
    postgresql_where=sa.text('duty_id IS NOT NULL'))


def downgrade() -> None:
    op.execute('DELETE FROM delivery_receipt WHERE delivery_id IN (SELECT id FROM delivery WHERE event_id IS NULL)')
    op.execute('DELETE FROM delivery WHERE event_id IS NULL')
    op.drop_index('ix_delivery_duty_id', table_name='delivery')
    op.drop_index('ix_delivery_agenda_on', table_name='delivery')
    op.drop_constraint(op.f('ck_delivery_event_of_alert'), 'delivery', type_='check')
    op.drop_constraint(op.f('ck_delivery_subject'), 'delivery', type_='check')
    op.alter_column('delivery', 'event_id', existing_type=sa.BigInteger(), nullable=False)
    op.alter_column('delivery', 'alert_id', existing_type=sa.BigInteger(), nullable=False)
    op.drop_constraint(op.f('fk_delivery_duty_id'), 'delivery', type_='foreignkey')
    op.drop_column('delivery', 'agenda_on')
    op.drop_column('delivery', 'duty_id')
