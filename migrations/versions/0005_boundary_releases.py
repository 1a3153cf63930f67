"""boundary releases

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('boundary_release',
    sa.Column('on_date', sa.Date(), nullable=False),
    sa.Column('name', sa.String(), nullable=True),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('imported_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('on_date', name=op.f('pk_boundary_release')),
    sa.UniqueConstraint('name', name=op.f('uq_boundary_release_name'))
    )
    op.add_column('unit_lineage', sa.Column('share', sa.Float(), nullable=True))
    op.add_column('unit_lineage', sa.Column('back_share', sa.Float(), nullable=True))
    op.add_column('unit_lineage', sa.Column('basis', sa.String(), server_default='official', nullable=False))


def downgrade() -> None:
    op.drop_column('unit_lineage', 'basis')
    op.drop_column('unit_lineage', 'back_share')
    op.drop_column('unit_lineage', 'share')
    op.drop_table('boundary_release')
