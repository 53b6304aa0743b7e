"""Notes about packages that still have to be indexed.

Revision ID: 6f3d1b92c7ae
Revises: d2a61f83c9e4
Create Date: 2026-11-29
"""

import sqlalchemy as sa
from alembic import op

revision = "6f3d1b92c7ae"
down_revision = "e5c80b3d7f19"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "marathon_index_note",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("package_id", sa.UnicodeText, nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
    )
    for column in ("package_id", "due"):
        op.create_index(f"ix_marathon_index_note_{column}", "marathon_index_note", [column])


def downgrade():
    op.drop_table("marathon_index_note")
