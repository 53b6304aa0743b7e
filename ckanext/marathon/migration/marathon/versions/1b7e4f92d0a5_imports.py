"""The ledger of imports.

Revision ID: 1b7e4f92d0a5
Revises: e91c4a7d2b60
Create Date: 2026-11-30
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "1b7e4f92d0a5"
down_revision = "e91c4a7d2b60"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "marathon_import",
        sa.Column("id", sa.UnicodeText, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("user_id", sa.UnicodeText, nullable=False, index=True),
        sa.Column("user_name", sa.UnicodeText, nullable=False),
        sa.Column("organization", sa.UnicodeText, nullable=False),
        sa.Column("files", JSONB, nullable=False),
        sa.Column("state", sa.UnicodeText, nullable=False),
        sa.Column("progress", sa.Integer, nullable=False),
        sa.Column("report", JSONB, nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
        sa.Column("undone_by", sa.UnicodeText),
        sa.Column("undo", JSONB),
    )
    op.create_table(
        "marathon_import_change",
        sa.Column("import_id", sa.UnicodeText, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("package_id", sa.UnicodeText, nullable=False, index=True),
        sa.Column("package_type", sa.UnicodeText, nullable=False),
        sa.Column("action", sa.UnicodeText, nullable=False),
        sa.Column("place", sa.UnicodeText, nullable=False),
        sa.Column("before", JSONB, nullable=False),
        sa.Column("after", JSONB, nullable=False),
        sa.Column("digest", sa.UnicodeText, nullable=False),
    )
    op.create_table(
        "marathon_import_file",
        sa.Column("import_id", sa.UnicodeText, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("name", sa.UnicodeText, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )


def downgrade():
    op.drop_table("marathon_import_file")
    op.drop_table("marathon_import_change")
    op.drop_table("marathon_import")
