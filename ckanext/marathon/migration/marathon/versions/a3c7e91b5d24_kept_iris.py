"""Original IRIs of datasets from other catalogues, and more than one entry per dataset.

Revision ID: a3c7e91b5d24
Revises: 9d60e2f7a4b8
Create Date: 2026-11-29
"""

import re

import sqlalchemy as sa
from alembic import op

revision = "a3c7e91b5d24"
down_revision = "9d60e2f7a4b8"
branch_labels = None
depends_on = None

# A copy of the rule of ``logic/dataset.py``, which may change later.
SCHEMES = ("http:", "https:", "urn:", "ftp:", "doi:", "hdl:", "ark:", "info:", "tag:", "oid:")
INVALID = re.compile(r"[\x00-\x20<>\"{}|\\^`]")
OF_A_RECORD = re.compile(r"/(?:dataset|workshop|idea|commitment|organization)/([0-9a-f-]{36})(?=/|$)")

# The oldest first, active ones before deleted ones.
DATASETS = """
    SELECT id, id AS package_id, extras ->> 'uri' AS uri FROM package
    WHERE extras ->> 'uri' <> '' AND coalesce(type, 'dataset') NOT IN ('workshop', 'idea', 'commitment') {harvested}
    ORDER BY state <> 'active', metadata_created, id
"""
RESOURCES = """
    SELECT resource.id, package_id, resource.extras::jsonb ->> 'uri' AS uri
    FROM resource JOIN package ON package.id = package_id
    WHERE resource.state = 'active' AND resource.extras::jsonb ->> 'uri' <> ''
    AND coalesce(type, 'dataset') NOT IN ('workshop', 'idea', 'commitment') {harvested}
    ORDER BY package.state <> 'active', package.metadata_created, position, resource.id
"""
HARVESTED = """
    AND EXISTS (SELECT FROM harvest_object WHERE harvest_object.package_id = package.id)
"""


def upgrade():
    op.create_table(
        "marathon_kept_iri",
        sa.Column("iri", sa.UnicodeText, primary_key=True),
        sa.Column("thing", sa.UnicodeText, nullable=False, unique=True),
        sa.Column("package_id", sa.UnicodeText, nullable=False),
    )
    op.create_index("ix_marathon_kept_iri_package_id", "marathon_kept_iri", ["package_id"])
    # A dataset that gets another IRI has a tombstone for the former one.
    op.drop_index("idx_marathon_feed_entry_thing", "marathon_feed_entry")
    op.create_index("idx_marathon_feed_entry_thing", "marathon_feed_entry", ["thing", "kind"])
    _store_published_iris(op.get_bind())


def _store_published_iris(connection):
    """Store the IRIs by which the site has published datasets until now.

    If the plugin was already in use, it did not publish ``uri``, and anybody may have typed in a
    value. Then only IRIs of harvested datasets are stored.
    """
    harvested = ""
    if connection.scalar(sa.text("SELECT EXISTS (SELECT FROM marathon_feed_entry)")):
        # The first process that starts rebuilds the log (``operations/feed_job.py``).
        op.execute(
            "INSERT INTO system_info (key, value, state)"
            " VALUES ('ckanext.marathon.feed_rebuild_wanted', '1', 'active')"
            " ON CONFLICT (key) DO NOTHING"
        )
        if not sa.inspect(connection).has_table("harvest_object"):
            return
        harvested = HARVESTED
    taken = set()
    for query in (DATASETS, RESOURCES):
        rows = connection.execute(sa.text(query.format(harvested=harvested))).all()
        wanted = [row for row in rows if _is_name(connection, row)]
        for row in wanted:
            if row.uri in taken:
                continue
            taken.add(row.uri)
            connection.execute(
                sa.text("INSERT INTO marathon_kept_iri VALUES (:uri, :id, :package_id)"),
                row._asdict(),
            )


def _is_name(connection, row):
    if not row.uri.lower().startswith(SCHEMES) or INVALID.search(row.uri):
        return False
    # The IRI of another record of this site is refused.
    named = OF_A_RECORD.search(row.uri)
    if named is None or named[1] in (row.id, row.package_id):
        return True
    there = "SELECT EXISTS (SELECT FROM package WHERE id = :id)"
    there += ' OR EXISTS (SELECT FROM "group" WHERE id = :id)'
    return not connection.scalar(sa.text(there), {"id": named[1]})


def downgrade():
    op.drop_table("marathon_kept_iri")
    op.execute(
        """
        DELETE FROM marathon_feed_entry AS former USING marathon_feed_entry AS other
        WHERE former.thing = other.thing AND former.kind = other.kind AND former.iri <> other.iri
        AND former.digest IS NULL AND (other.digest IS NOT NULL OR former.changed < other.changed)
        """
    )
    op.drop_index("idx_marathon_feed_entry_thing", "marathon_feed_entry")
    op.create_index(
        "idx_marathon_feed_entry_thing", "marathon_feed_entry", ["thing", "kind"], unique=True
    )
