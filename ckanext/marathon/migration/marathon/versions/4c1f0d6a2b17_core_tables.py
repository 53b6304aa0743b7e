"""Links, places, codes, the history of ideas, the installation.

Revision ID: 4c1f0d6a2b17
Revises:
Create Date: 2026-11-23
"""

import sqlalchemy as sa
from alembic import op

revision = "4c1f0d6a2b17"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "marathon_link",
        sa.Column("subject", sa.UnicodeText, primary_key=True),
        sa.Column("predicate", sa.UnicodeText, primary_key=True),
        sa.Column("object", sa.UnicodeText, primary_key=True),
    )
    op.create_index("idx_marathon_link_object", "marathon_link", ["object", "predicate"])
    op.create_table(
        "marathon_place",
        sa.Column("municipality_code", sa.UnicodeText, primary_key=True),
        sa.Column("organization_id", sa.UnicodeText, nullable=False, unique=True),
    )
    op.create_table(
        "marathon_code",
        sa.Column("owner_org", sa.UnicodeText, primary_key=True),
        sa.Column("package_type", sa.UnicodeText, primary_key=True),
        sa.Column("code", sa.UnicodeText, primary_key=True),
        sa.Column("package_id", sa.UnicodeText, nullable=False, unique=True),
    )
    op.create_table(
        "marathon_idea_transition",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("idea_id", sa.UnicodeText, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("status", sa.UnicodeText, nullable=False),
        sa.Column("reason", sa.UnicodeText, nullable=False),
        sa.Column("user_id", sa.UnicodeText),
        sa.Column("organization_id", sa.UnicodeText),
    )
    op.create_index("ix_marathon_idea_transition_idea_id", "marathon_idea_transition", ["idea_id"])
    installation = op.create_table(
        "marathon_installation",
        sa.Column("singleton", sa.Boolean, sa.CheckConstraint("singleton"), primary_key=True),
        sa.Column("installed_at", sa.DateTime, nullable=False),
    )
    # Now, not at the first use: records that are created in between must count as new.
    op.execute(
        installation.insert().values(
            singleton=True, installed_at=sa.text("timezone('UTC', clock_timestamp())")
        )
    )


def downgrade():
    for table in (
        "marathon_installation",
        "marathon_idea_transition",
        "marathon_code",
        "marathon_place",
        "marathon_link",
    ):
        op.drop_table(table)
