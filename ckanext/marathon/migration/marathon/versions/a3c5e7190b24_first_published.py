"""The time of the first publication of datasets, which their descriptions have.

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
    # One query for all datasets, because changes have no index of IRIs. For a dataset that is older
    # than the plugin, the log has only the time at which the log was written. A dataset that got
    # another IRI has an entry for each. An IRI that a deleted record had before has the changes of
    # both records; only those after the creation of this record are its own.
    op.execute(
        """
        UPDATE marathon_feed_entry AS entry SET first_published = coalesce(
            CASE WHEN created < (SELECT installed_at FROM marathon_installation)
                 THEN created AT TIME ZONE 'UTC' END,
            own,
            of_any
        )
        FROM (
            SELECT dataset.thing, package.metadata_created AS created,
                   min(change.published) AS of_any,
                   min(change.published) FILTER (
                       WHERE change.published >= package.metadata_created AT TIME ZONE 'UTC'
                   ) AS own
            FROM marathon_feed_entry AS dataset
            LEFT JOIN marathon_feed_change AS change
                ON change.iri = dataset.iri AND change.activity = 'Create'
            LEFT JOIN package ON package.id = dataset.thing
            WHERE dataset.kind = 'dataset'
            GROUP BY dataset.thing, package.metadata_created
        ) AS first
        WHERE first.thing = entry.thing AND entry.kind = 'dataset'
        """
    )


def downgrade():
    op.drop_column("marathon_feed_entry", "first_published")
