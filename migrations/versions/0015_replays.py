"""replays: the past run again in schemas of their own

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('replay_run',
    sa.Column('schema', sa.String(), nullable=False),
    sa.Column('first_day', sa.Date(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=False),
    sa.Column('every', sa.BigInteger(), nullable=False),
    sa.Column('diseases', postgresql.ARRAY(sa.TEXT()), nullable=False),
    sa.Column('policy_version', sa.String(), nullable=False),
    sa.Column('policy_hash', sa.String(), nullable=False),
    sa.Column('without', postgresql.ARRAY(sa.TEXT()), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('done_to', sa.Date(), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('scorecard', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('curve', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.PrimaryKeyConstraint('schema', name=op.f('pk_replay_run'))
    )


def downgrade() -> None:
    op.drop_table('replay_run')
