"""Begun uploads, drafts of forms, and what was said about personal data in files.

Revision ID: e91c4a7d2b60
Revises: 7b1e94c2d5f8
Create Date: 2026-12-01
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "e91c4a7d2b60"
down_revision = "7b1e94c2d5f8"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "marathon_upload",
        sa.Column("id", sa.UnicodeText, primary_key=True),
        sa.Column("user_id", sa.UnicodeText, nullable=False, index=True),
        sa.Column("name", sa.UnicodeText, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("changed_on_device", sa.UnicodeText, nullable=False),
        sa.Column("sha256", sa.UnicodeText),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False, index=True),
    )
    op.create_table(
        "marathon_draft",
        sa.Column("id", sa.UnicodeText, primary_key=True),
        sa.Column("user_id", sa.UnicodeText, nullable=False, index=True),
        sa.Column("kind", sa.UnicodeText, nullable=False),
        sa.Column("title", sa.UnicodeText, nullable=False),
        sa.Column("inputs", JSONB, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("saved", sa.DateTime(timezone=True), nullable=False, index=True),
    )
    op.create_table(
        "marathon_personal_data",
        sa.Column("number", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("sha256", sa.UnicodeText, nullable=False, index=True),
        sa.Column("package_id", sa.UnicodeText, nullable=False, index=True),
        sa.Column("file_name", sa.UnicodeText, nullable=False),
        sa.Column("user_id", sa.UnicodeText, nullable=False, index=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.UnicodeText, nullable=False),
        sa.Column("places", JSONB, nullable=False),
    )


def downgrade():
    op.drop_table("marathon_personal_data")
    op.drop_table("marathon_draft")
    op.drop_table("marathon_upload")
