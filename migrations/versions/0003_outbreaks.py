"""outbreaks

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql
revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('outbreak',
    sa.Column('id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('disease', sa.String(), nullable=False),
    sa.Column('profile', sa.String(), nullable=False),
    sa.Column('first_known_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbreak'))
    )
    op.create_table('outbreak_version',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('outbreak_id', sa.BigInteger(), nullable=False),
    sa.Column('known_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('known_to', sa.DateTime(timezone=True), nullable=True),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('life', postgresql.JSONB(), nullable=False),
    sa.Column('kind', sa.BigInteger(), nullable=False),
    sa.Column('units', postgresql.ARRAY(sa.BIGINT()), nullable=False),
    sa.Column('members', postgresql.ARRAY(sa.BIGINT()), nullable=False),
    sa.Column('why', postgresql.JSONB(), nullable=False),
    sa.Column('near', postgresql.JSONB(), nullable=False),
    sa.Column('confirmed', sa.BigInteger(), nullable=False),
    sa.Column('first_event', sa.Date(), nullable=False),
    sa.Column('last_event', sa.Date(), nullable=False),
    sa.Column('criteria_met_on', sa.Date(), nullable=False),
    sa.Column('expected_end', sa.Date(), nullable=False),
    sa.Column('closing_from', sa.Date(), nullable=False),
    sa.Column('diameter_m', sa.Float(), nullable=False),
    sa.Column('zone', sa.BigInteger(), nullable=False),
    sa.Column('shares_zone', sa.Boolean(), nullable=False),
    sa.Column('notes', postgresql.JSONB(), nullable=False),
    sa.Column('geom', Geometry(geometry_type='MULTIPOLYGON', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True),
    sa.ForeignKeyConstraint(['outbreak_id'], ['outbreak.id'], name=op.f('fk_outbreak_version_outbreak_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbreak_version'))
    )
    op.create_index('ix_outbreak_version_current', 'outbreak_version', ['outbreak_id'], unique=True, postgresql_where=sa.text('known_to IS NULL'))
    op.create_index('ix_outbreak_version_known_from', 'outbreak_version', ['known_from'], unique=False)
    op.create_index('ix_outbreak_version_units', 'outbreak_version', ['units'], unique=False, postgresql_using='gin')
    op.create_index('ix_outbreak_version_members', 'outbreak_version', ['members'], unique=False, postgresql_using='gin')
    op.create_table('outbreak_event',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('outbreak_id', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=True),
    sa.Column('message', postgresql.JSONB(), nullable=False),
    sa.Column('detail', postgresql.JSONB(), nullable=False),
    sa.ForeignKeyConstraint(['outbreak_id'], ['outbreak.id'], name=op.f('fk_outbreak_event_outbreak_id')),
    sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_outbreak_event_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbreak_event'))
    )
    op.create_index(op.f('ix_outbreak_event_outbreak_id'), 'outbreak_event', ['outbreak_id'], unique=False)


def downgrade() -> None:
    op.drop_table('outbreak_event')
    op.drop_table('outbreak_version')
    op.drop_table('outbreak')
