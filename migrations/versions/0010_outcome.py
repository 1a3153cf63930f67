"""outcome: how a stay in hospital ended, and when

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('case_version', sa.Column('outcome', sa.String(), nullable=True))
    op.add_column('case_version', sa.Column('date_outcome', sa.Date(), nullable=True))
    op.create_index(
        'ix_case_version_died', 'case_version', ['disease', 'date_report'], unique=False,
        postgresql_where=sa.text("outcome = 'died'")
    )


def downgrade() -> None:
    op.drop_index('ix_case_version_died', table_name='case_version')
    op.drop_column('case_version', 'date_outcome')
    op.drop_column('case_version', 'outcome')
