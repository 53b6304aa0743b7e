"""Tables that were read from files, and former versions of files.

Revision ID: 7b1e94c2d5f8
Revises: c4e81d05b7f2
Create Date: 2026-11-30
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "7b1e94c2d5f8"
down_revision = "c4e81d05b7f2"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "marathon_table",
        sa.Column("resource_id", sa.UnicodeText, primary_key=True),
        sa.Column("package_id", sa.UnicodeText, nullable=False),
        sa.Column("state", sa.UnicodeText, nullable=False),
        sa.Column("version", sa.UnicodeText, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sheets", JSONB, nullable=False, server_default=sa.text("'[]'")),
        sa.Column("fault", JSONB, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("is_stored", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("is_erased", sa.Boolean, nullable=False, server_default=sa.text("false")),
    )
    op.create_index("ix_marathon_table_package_id", "marathon_table", ["package_id"])
    op.create_index("ix_marathon_table_state", "marathon_table", ["state"])
    op.create_table(
        "marathon_file_version",
        sa.Column("id", sa.UnicodeText, primary_key=True),
        sa.Column("resource_id", sa.UnicodeText, nullable=False),
        sa.Column("package_id", sa.UnicodeText, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("title", sa.UnicodeText, nullable=False),
        sa.Column("file_name", sa.UnicodeText, nullable=False),
        sa.Column("format", sa.UnicodeText, nullable=False),
        sa.Column("mimetype", sa.UnicodeText, nullable=False),
        sa.Column("size", sa.BigInteger),
        sa.Column("hash", sa.UnicodeText, nullable=False),
        sa.Column("uploaded", sa.DateTime(timezone=True)),
        sa.Column("replaced", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.UnicodeText),
        sa.Column("is_erased", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("changes", JSONB, nullable=False, server_default=sa.text("'{}'")),
        sa.UniqueConstraint("resource_id", "number"),
    )
    op.create_index(
        "ix_marathon_file_version_package_id", "marathon_file_version", ["package_id"]
    )


def downgrade():
    op.drop_table("marathon_file_version")
    op.drop_table("marathon_table")
