"""clusters

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('cluster',
    sa.Column('id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('disease', sa.String(), nullable=False),
    sa.Column('first_known_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_first', sa.Date(), nullable=False),
    sa.Column('seen_last', sa.Date(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cluster'))
    )
    op.create_table('cluster_version',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('cluster_id', sa.BigInteger(), nullable=False),
    sa.Column('known_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('known_to', sa.DateTime(timezone=True), nullable=True),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('parents', postgresql.ARRAY(sa.BIGINT()), nullable=False),
    sa.Column('into', sa.BigInteger(), nullable=True),
    sa.Column('units', postgresql.ARRAY(sa.BIGINT()), nullable=False),
    sa.Column('unit_cases', postgresql.ARRAY(sa.BIGINT()), nullable=False),
    sa.Column('unit_expected', postgresql.ARRAY(sa.FLOAT()), nullable=False),
    sa.Column('first_day', sa.Date(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=False),
    sa.Column('observed', sa.BigInteger(), nullable=False),
    sa.Column('expected', sa.Float(), nullable=False),
    sa.Column('relative_risk', sa.Float(), nullable=True),
    sa.Column('p', sa.Float(), nullable=False),
    sa.Column('recurrence_days', sa.Float(), nullable=False),
    sa.Column('stands_in', sa.BigInteger(), nullable=False),
    sa.Column('placements', sa.BigInteger(), nullable=False),
    sa.Column('stable', sa.Boolean(), nullable=False),
    sa.Column('alarm', sa.Boolean(), nullable=False),
    sa.Column('seed', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['cluster_id'], ['cluster.id'], name=op.f('fk_cluster_version_cluster_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cluster_version'))
    )
    op.create_index('ix_cluster_version_current', 'cluster_version', ['cluster_id'], unique=True, postgresql_where=sa.text('known_to IS NULL'))
    op.create_index('ix_cluster_version_known_from', 'cluster_version', ['known_from'], unique=False)
    op.create_table('cluster_scan',
    sa.Column('disease', sa.String(), nullable=False),
    sa.Column('scanned_to', sa.Date(), nullable=False),
    sa.PrimaryKeyConstraint('disease', name=op.f('pk_cluster_scan'))
    )


def downgrade() -> None:
    op.drop_table('cluster_scan')
    op.drop_table('cluster_version')
    op.drop_table('cluster')
