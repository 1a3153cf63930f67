"""verification: what wards found

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('case_version', sa.Column('investigation_id', sa.BigInteger(), nullable=True))
    op.add_column('case_version', sa.Column('verification', sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f('fk_case_version_investigation_id'), 'case_version', 'case_report', ['investigation_id'], ['id'])


def downgrade() -> None:
    op.drop_constraint(op.f('fk_case_version_investigation_id'), 'case_version', type_='foreignkey')
    op.drop_column('case_version', 'verification')
    op.drop_column('case_version', 'investigation_id')
