"""review of addresses

Revision ID: 0007
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('place_text',
    sa.Column('case_id', sa.BigInteger(), nullable=False),
    sa.Column('report_id', sa.BigInteger(), nullable=False),
    sa.Column('address_key', sa.LargeBinary(), nullable=False),
    sa.Column('group_key', sa.LargeBinary(), nullable=False),
    sa.Column('by_area', sa.Boolean(), nullable=False),
    sa.Column('has_address', sa.Boolean(), nullable=False),
    sa.Column('candidates', postgresql.ARRAY(sa.BIGINT()), nullable=False),
    sa.Column('changed', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['epi_case.id'], name=op.f('fk_place_text_case_id')),
    sa.ForeignKeyConstraint(['report_id'], ['case_report.id'], name=op.f('fk_place_text_report_id')),
    sa.PrimaryKeyConstraint('case_id', name=op.f('pk_place_text'))
    )
    op.create_index('ix_place_text_group_key', 'place_text', ['group_key'], unique=False)
    op.create_index('ix_place_text_changed', 'place_text', ['case_id'], unique=False, postgresql_where=sa.text('changed'))
    op.create_table('address_fix',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('act', sa.BigInteger(), nullable=False),
    sa.Column('case_id', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('before', postgresql.JSONB(), nullable=False),
    sa.Column('after', postgresql.JSONB(), nullable=True),
    sa.Column('report_id', sa.BigInteger(), nullable=True),
    sa.Column('address_key', sa.LargeBinary(), nullable=True),
    sa.Column('after_report', sa.BigInteger(), nullable=False),
    sa.Column('typed', sa.LargeBinary(), nullable=True),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('undoes', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['case_id'], ['epi_case.id'], name=op.f('fk_address_fix_case_id')),
    sa.ForeignKeyConstraint(['report_id'], ['case_report.id'], name=op.f('fk_address_fix_report_id')),
    sa.ForeignKeyConstraint(['undoes'], ['address_fix.id'], name=op.f('fk_address_fix_undoes')),
    sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_address_fix_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_address_fix')),
    sa.UniqueConstraint('undoes', name=op.f('uq_address_fix_undoes'))
    )
    op.create_index(op.f('ix_address_fix_act'), 'address_fix', ['act'], unique=False)
    op.create_index(op.f('ix_address_fix_case_id'), 'address_fix', ['case_id'], unique=False)
    op.create_table('place_alias',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('district', sa.String(), nullable=False),
    sa.Column('province', sa.String(), nullable=False),
    sa.Column('unit_id', sa.BigInteger(), nullable=False),
    sa.Column('learnt_from', sa.BigInteger(), nullable=False),
    sa.Column('valid_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_by', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['learnt_from'], ['address_fix.id'], name=op.f('fk_place_alias_learnt_from')),
    sa.ForeignKeyConstraint(['revoked_by'], ['app_user.id'], name=op.f('fk_place_alias_revoked_by')),
    sa.ForeignKeyConstraint(['unit_id'], ['admin_unit.id'], name=op.f('fk_place_alias_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_place_alias'))
    )
    op.create_index('ix_place_alias_standing', 'place_alias', ['text', 'district', 'province'], unique=True, postgresql_where=sa.text('revoked_at IS NULL'))
    op.create_index('ix_case_version_doubtful', 'case_version', ['id'], unique=False, postgresql_where=sa.text(
        "known_to IS NULL AND (unit_id IS NULL OR place_estimated OR place_level = 'unknown'"
        " OR (uncertainty_m > 1000 AND place_level <> 'commune') OR place_rule IN ("
        "'Tọa độ đo khi điều tra nằm ngoài phường/xã đã ghi: cần kiểm tra lại', "
        "'Tọa độ của nguồn nằm ngoài phường/xã đã ghi: cần kiểm tra lại', "
        "'Tọa độ không nằm trong phường/xã nào: ngoài biển hoặc ngoài địa bàn'))"))


def downgrade() -> None:
    op.drop_index('ix_case_version_doubtful', table_name='case_version')
    op.drop_table('place_alias')
    op.drop_table('address_fix')
    op.drop_table('place_text')
