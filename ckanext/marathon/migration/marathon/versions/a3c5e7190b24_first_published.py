"""When a dataset became public for the first time, which its description says.

Revision ID: a3c5e7190b24
Revises: a3c7e91b5d24
Create Date: 2026-11-29
"""

import sqlalchemy as sa
from alembic import op

revision = "a3c5e7190b24"
down_revision = "a3c7e91b5d24"
branch_labels = None
depends_on = None


def upgrade():
    column = sa.Column("first_published", sa.DateTime(timezone=True))
    op.add_column("marathon_feed_entry", column)
    # A dataset that is older than the plugin came into the log when the log was made.
    op.execute(
        """
        UPDATE marathon_feed_entry AS entry SET first_published = coalesce(
            (SELECT package.metadata_created AT TIME ZONE 'UTC'
             FROM package, marathon_installation
             WHERE package.id = entry.thing AND package.metadata_created < installed_at),
            (SELECT min(change.published) FROM marathon_feed_change AS change
             WHERE change.iri = entry.iri AND change.activity = 'Create')
        ) WHERE entry.kind = 'dataset'
        """
    )


def downgrade():
    op.drop_column("marathon_feed_entry", "first_published")
