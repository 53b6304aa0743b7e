"""A random mark of each change, by which a cursor of a lost history is recognised.

Revision ID: e5c80b3d7f19
Revises: d2a61f83c9e4
Create Date: 2026-11-29
"""

import sqlalchemy as sa
from alembic import op

revision = "e5c80b3d7f19"
down_revision = "d2a61f83c9e4"
branch_labels = None
depends_on = None

# 63 random bits, so that the number is positive in every language. A volatile default is evaluated
# for each row that is there already.
RANDOM = sa.text(
    "(('x' || left(md5(gen_random_uuid()::text), 16))::bit(64)::bigint & 9223372036854775807)"
)


def upgrade():
    mark = sa.Column("mark", sa.BigInteger, nullable=False, server_default=RANDOM)
    op.add_column("marathon_feed_change", mark)
    op.alter_column("marathon_feed_change", "mark", server_default=None)
    op.add_column("marathon_feed_clock", sa.Column("mark", sa.BigInteger))
    op.add_column("marathon_feed_clock", sa.Column("unmarked", sa.BigInteger))
    op.add_column("marathon_feed_clock", sa.Column("lost", sa.BigInteger))
    op.add_column("marathon_feed_clock", sa.Column("lost_mark", sa.BigInteger))
    # Up to the present number, followers may have cursors without a mark.
    op.execute(
        f"""
        UPDATE marathon_feed_clock AS clock SET unmarked = number, mark = coalesce(
            (SELECT mark FROM marathon_feed_change AS change WHERE change.number = clock.number),
            {RANDOM}
        )
        """
    )
    op.alter_column("marathon_feed_clock", "mark", nullable=False)
    op.alter_column("marathon_feed_clock", "unmarked", nullable=False)


def downgrade():
    for name in ("lost_mark", "lost", "unmarked", "mark"):
        op.drop_column("marathon_feed_clock", name)
    op.drop_column("marathon_feed_change", "mark")
