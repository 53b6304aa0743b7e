"""Pending steps of takedowns, and the ids that they need.

Revision ID: 5f3b9c1de820
Revises: d2a61f83c9e4
Create Date: 2026-11-29
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "5f3b9c1de820"
down_revision = "6f3d1b92c7ae"
branch_labels = None
depends_on = None

STEPS = ("pages", "search", "files", "tables", "jobs", "traces", "list")
COLUMNS = ("resources", "neighbours", "pending")


def upgrade():
    for name in COLUMNS:
        empty = sa.text("'{}'")
        column = sa.Column(name, ARRAY(sa.UnicodeText), nullable=False, server_default=empty)
        op.add_column("marathon_takedown", column)
    # Earlier takedowns left traces; the first process that starts removes them.
    op.execute(f"UPDATE marathon_takedown SET pending = '{{{','.join(STEPS)}}}'")


def downgrade():
    for name in COLUMNS:
        op.drop_column("marathon_takedown", name)
