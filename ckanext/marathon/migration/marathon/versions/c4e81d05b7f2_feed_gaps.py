"""Gaps of the feed's log: records that could not be published.

Revision ID: c4e81d05b7f2
Revises: a3c5e7190b24
Create Date: 2026-11-30
"""

import sqlalchemy as sa
from alembic import op

revision = "c4e81d05b7f2"
down_revision = "a3c5e7190b24"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "marathon_feed_gap",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("record", sa.UnicodeText, nullable=False),
        sa.Column("is_group", sa.Boolean, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_marathon_feed_gap_due", "marathon_feed_gap", ["due"])


def downgrade():
    op.drop_table("marathon_feed_gap")
