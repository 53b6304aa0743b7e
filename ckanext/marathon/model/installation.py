"""When the plugin came to this site: what is older need not name an idea."""

from __future__ import annotations

from datetime import datetime

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import insert

from ckanext.marathon.model.clock import utcnow


class Installation(tk.BaseModel):
    """The one row that says when."""

    __tablename__ = "marathon_installation"

    singleton = sa.Column(
        sa.Boolean, sa.CheckConstraint("singleton"), primary_key=True, default=True
    )
    installed_at = sa.Column(sa.DateTime, nullable=False)


def installed_at() -> datetime:
    """Return when the plugin was installed, in UTC without an offset (as ``metadata_created``).

    The migration writes it. Where the row is missing, now is written, so that nothing that is
    already there is asked for an idea.
    """
    query = sa.select(Installation.installed_at)
    found = model.Session.scalar(query)
    if found is None:
        model.Session.execute(
            insert(Installation)
            .values(singleton=True, installed_at=utcnow())
            .on_conflict_do_nothing()
        )
        found = model.Session.execute(query).scalar_one()
    return found
