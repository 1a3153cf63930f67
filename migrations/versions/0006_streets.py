"""streets: files of streets, and what the city's own verified cases teach

Revision ID: 0006
Revises: 0004
"""

from __future__ import annotations

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('street_file',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('imported_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('streets', sa.BigInteger(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_street_file'))
    )
    op.create_table('street_lesson',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('street', sa.String(), nullable=False),
    sa.Column('house', sa.String(), nullable=True),
    sa.Column('geom', geoalchemy2.types.Geometry(geometry_type='POINT', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry', nullable=False), nullable=False),
    sa.Column('former_unit_id', sa.BigInteger(), nullable=True),
    sa.Column('unit_id', sa.BigInteger(), nullable=True),
    sa.Column('district_id', sa.BigInteger(), nullable=True),
    sa.Column('known_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('known_to', sa.DateTime(timezone=True), nullable=True),
    sa.Column('taught_by', postgresql.ARRAY(sa.BIGINT()), nullable=False),
    sa.ForeignKeyConstraint(['district_id'], ['admin_unit.id'], name=op.f('fk_street_lesson_district_id')),
    sa.ForeignKeyConstraint(['former_unit_id'], ['admin_unit.id'], name=op.f('fk_street_lesson_former_unit_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['admin_unit.id'], name=op.f('fk_street_lesson_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_street_lesson'))
    )
    op.create_index('ix_street_lesson_current', 'street_lesson', ['id'], unique=False, postgresql_where=sa.text('known_to IS NULL'))
    op.create_index('ix_street_lesson_taught_by', 'street_lesson', ['taught_by'], unique=False, postgresql_using='gin')


def downgrade() -> None:
    op.drop_index('ix_street_lesson_taught_by', table_name='street_lesson', postgresql_using='gin')
    op.drop_index('ix_street_lesson_current', table_name='street_lesson', postgresql_where=sa.text('known_to IS NULL'))
    op.drop_table('street_lesson')
    op.drop_table('street_file')
