"""life of an alert: who holds it, what it repeats, whose areas share it, files, who watches

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('alert', sa.Column('assignee_id', sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f('fk_alert_assignee_id'), 'alert', 'app_user', ['assignee_id'], ['id'])
    op.create_index('ix_alert_assignee_id', 'alert', ['assignee_id'], unique=False)
    op.add_column('alert', sa.Column('duplicate_of', sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f('fk_alert_duplicate_of'), 'alert', 'alert', ['duplicate_of'], ['id'])
    op.create_index('ix_alert_duplicate_of', 'alert', ['duplicate_of'], unique=False)
    op.create_table('alert_area',
    sa.Column('alert_id', sa.BigInteger(), nullable=False),
    sa.Column('unit_id', sa.BigInteger(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['alert_id'], ['alert.id'], name=op.f('fk_alert_area_alert_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['admin_unit.id'], name=op.f('fk_alert_area_unit_id')),
    sa.PrimaryKeyConstraint('alert_id', 'unit_id', name=op.f('pk_alert_area'))
    )
    op.create_index('ix_alert_area_unit_id', 'alert_area', ['unit_id'], unique=False)
    op.create_table('alert_attachment',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('alert_id', sa.BigInteger(), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('media_type', sa.String(), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['alert_id'], ['alert.id'], name=op.f('fk_alert_attachment_alert_id')),
    sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_alert_attachment_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alert_attachment')),
    sa.UniqueConstraint('alert_id', 'sha256', name=op.f('uq_alert_attachment_alert_id_sha256'))
    )
    op.create_table('alert_watch',
    sa.Column('alert_id', sa.BigInteger(), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['alert_id'], ['alert.id'], name=op.f('fk_alert_watch_alert_id')),
    sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_alert_watch_user_id')),
    sa.PrimaryKeyConstraint('alert_id', 'user_id', name=op.f('pk_alert_watch'))
    )


def downgrade() -> None:
    op.drop_table('alert_watch')
    op.drop_table('alert_attachment')
    op.drop_table('alert_area')
    op.drop_column('alert', 'duplicate_of')
    op.drop_column('alert', 'assignee_id')
