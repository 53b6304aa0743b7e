"""The record of changes.

Revision ID: 9d60e2f7a4b8
Revises: 5f3b9c1de820
Create Date: 2026-11-29
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "9d60e2f7a4b8"
down_revision = "5f3b9c1de820"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "marathon_audit",
        sa.Column("number", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.UnicodeText),
        sa.Column("user_name", sa.UnicodeText),
        sa.Column("origin", sa.UnicodeText, nullable=False),
        sa.Column("kind", sa.UnicodeText, nullable=False),
        sa.Column("action", sa.UnicodeText, nullable=False),
        sa.Column("record", sa.UnicodeText, nullable=False),
        sa.Column("parent", sa.UnicodeText),
        sa.Column("parent_kind", sa.UnicodeText),
        sa.Column("organization", sa.UnicodeText),
        sa.Column("former", sa.UnicodeText),
        sa.Column("label", sa.UnicodeText),
        sa.Column("changes", JSONB, nullable=False),
    )
    for column in ("organization", "former", "record", "parent", "user_id"):
        op.create_index(f"idx_marathon_audit_{column}", "marathon_audit", [column, "number"])


def downgrade():
    op.drop_table("marathon_audit")
