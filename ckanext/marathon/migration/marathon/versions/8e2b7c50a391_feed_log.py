"""The feed's log: entries, changes, clock, windows and their renderings.

Revision ID: 8e2b7c50a391
Revises: 4c1f0d6a2b17
Create Date: 2026-11-25
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "8e2b7c50a391"
down_revision = "4c1f0d6a2b17"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "marathon_feed_entry",
        sa.Column("iri", sa.UnicodeText, primary_key=True),
        sa.Column("kind", sa.UnicodeText, nullable=False),
        sa.Column("thing", sa.UnicodeText, nullable=False),
        sa.Column("slot", sa.BigInteger, unique=True),
        sa.Column("body", sa.LargeBinary),
        sa.Column("digest", sa.LargeBinary),
        sa.Column("refs", ARRAY(sa.UnicodeText), nullable=False),
        sa.Column("degraded", sa.Boolean, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.CheckConstraint("(body IS NULL) = (digest IS NULL)", name="marathon_feed_entry_body"),
    )
    # PostgreSQL need not compress bodies, which are compressed already.
    op.execute("ALTER TABLE marathon_feed_entry ALTER COLUMN body SET STORAGE EXTERNAL")
    op.create_index(
        "idx_marathon_feed_entry_thing", "marathon_feed_entry", ["thing", "kind"], unique=True
    )
    op.create_index(
        "idx_marathon_feed_entry_refs", "marathon_feed_entry", ["refs"], postgresql_using="gin"
    )
    op.create_table(
        "marathon_feed_change",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("iri", sa.UnicodeText, nullable=False),
        sa.Column("activity", sa.UnicodeText, nullable=False),
        sa.Column("published", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "marathon_feed_clock",
        sa.Column("singleton", sa.Boolean, sa.CheckConstraint("singleton"), primary_key=True),
        sa.Column("epoch", sa.UnicodeText, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("published", sa.DateTime(timezone=True), nullable=False),
        sa.Column("slots", sa.BigInteger, nullable=False),
        sa.Column("base", sa.UnicodeText, nullable=False),
        sa.Column("vocabulary", sa.UnicodeText, nullable=False),
        sa.Column("page_size", sa.Integer, nullable=False),
        sa.Column("began", sa.DateTime(timezone=True), nullable=False),
        sa.Column("home", sa.BigInteger, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
    )
    # The log of an empty site is complete; on other sites it is rebuilt.
    op.execute(
        """
        INSERT INTO marathon_feed_clock
        SELECT true, gen_random_uuid()::text, 0, now(), 0, '', '', 100, now(),
               'marathon_feed_clock'::regclass::oid::bigint,
               NOT EXISTS (SELECT 1 FROM package) AND NOT EXISTS
                   (SELECT 1 FROM "group" WHERE is_organization)
        """
    )
    op.create_table(
        "marathon_feed_window",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("live", sa.Integer, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "marathon_feed_rendering",
        sa.Column("window", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("format", sa.UnicodeText, primary_key=True),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("crc", sa.BigInteger, nullable=False),
    )
    op.execute("ALTER TABLE marathon_feed_rendering ALTER COLUMN body SET STORAGE EXTERNAL")


def downgrade():
    for table in (
        "marathon_feed_rendering",
        "marathon_feed_window",
        "marathon_feed_clock",
        "marathon_feed_change",
        "marathon_feed_entry",
    ):
        op.drop_table(table)
