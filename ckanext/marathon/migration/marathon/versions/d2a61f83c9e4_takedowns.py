"""Records that were taken down for legal reasons.

Revision ID: d2a61f83c9e4
Revises: b7d94e0c1f36
Create Date: 2026-11-25
"""

import sqlalchemy as sa
from alembic import op

revision = "d2a61f83c9e4"
down_revision = "b7d94e0c1f36"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "marathon_takedown",
        sa.Column("thing", sa.UnicodeText, primary_key=True),
        sa.Column("kind", sa.UnicodeText, nullable=False),
        sa.Column("reason", sa.UnicodeText, nullable=False),
        sa.Column("files", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.UnicodeText),
    )


def downgrade():
    op.drop_table("marathon_takedown")
