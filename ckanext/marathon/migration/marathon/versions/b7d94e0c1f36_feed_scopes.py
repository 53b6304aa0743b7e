"""The parts of the catalogue that datasets are in, with their last changes.

Revision ID: b7d94e0c1f36
Revises: 8e2b7c50a391
Create Date: 2026-11-25
"""

import sqlalchemy as sa
from alembic import op

revision = "b7d94e0c1f36"
down_revision = "8e2b7c50a391"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "marathon_feed_member",
        sa.Column("scope", sa.UnicodeText, primary_key=True),
        sa.Column("place", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("iri", sa.UnicodeText, nullable=False),
        sa.Column("current", sa.Boolean, nullable=False),
        sa.Column("entered", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
    )
    op.create_index(
        "idx_marathon_feed_member_iri", "marathon_feed_member", ["iri", "scope"], unique=True
    )
    op.create_index(
        "idx_marathon_feed_member_changed", "marathon_feed_member", ["scope", "changed"]
    )
    op.create_index("idx_marathon_feed_entry_changed", "marathon_feed_entry", ["changed"])
    # An older log does not have the parts of datasets, so it must be rebuilt.
    op.execute("UPDATE marathon_feed_clock SET complete = false WHERE number > 0")


def downgrade():
    op.drop_index("idx_marathon_feed_entry_changed", "marathon_feed_entry")
    op.drop_table("marathon_feed_member")
