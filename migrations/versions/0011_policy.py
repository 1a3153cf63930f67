"""policy: versions of the rules for levels, and what a draft would have changed

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('policy_version',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('hash', sa.String(), nullable=False),
    sa.Column('version', sa.String(), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('base_id', sa.BigInteger(), nullable=True),
    sa.Column('note', sa.String(), nullable=False),
    sa.Column('proposed_by', sa.BigInteger(), nullable=True),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sa.BigInteger(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('in_force_from', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'approved') = (in_force_from IS NOT NULL)", name=op.f('ck_policy_version_in_force')),
    sa.CheckConstraint("proposed_by IS NULL OR decided_by IS NULL OR state <> 'approved' OR proposed_by <> decided_by", name=op.f('ck_policy_version_two_people')),
    sa.ForeignKeyConstraint(['base_id'], ['policy_version.id'], name=op.f('fk_policy_version_base_id')),
    sa.ForeignKeyConstraint(['decided_by'], ['app_user.id'], name=op.f('fk_policy_version_decided_by')),
    sa.ForeignKeyConstraint(['proposed_by'], ['app_user.id'], name=op.f('fk_policy_version_proposed_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_policy_version')),
    sa.UniqueConstraint('hash', name=op.f('uq_policy_version_hash'))
    )
    op.create_table('policy_preview',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('version_id', sa.BigInteger(), nullable=False),
    sa.Column('against_id', sa.BigInteger(), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('percent', sa.BigInteger(), nullable=False),
    sa.Column('result', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('error', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.ForeignKeyConstraint(['against_id'], ['policy_version.id'], name=op.f('fk_policy_preview_against_id')),
    sa.ForeignKeyConstraint(['version_id'], ['policy_version.id'], name=op.f('fk_policy_preview_version_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_policy_preview'))
    )
    op.create_index('ix_policy_preview_version_id', 'policy_preview', ['version_id'], unique=False)


def downgrade() -> None:
    op.drop_table('policy_preview')
    op.drop_table('policy_version')
