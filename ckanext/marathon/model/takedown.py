"""What was taken down for legal reasons: which thing, when, why and by whom, and nothing of it."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model


class Takedown(tk.BaseModel):
    """One thing that was taken down.

    Attributes:
        thing: its id in CKAN.
        kind: its dataset type.
        files: how many uploaded files it had.
    """

    __tablename__ = "marathon_takedown"

    thing = sa.Column(sa.UnicodeText, primary_key=True)
    kind = sa.Column(sa.UnicodeText, nullable=False)
    reason = sa.Column(sa.UnicodeText, nullable=False)
    files = sa.Column(sa.Integer, nullable=False)
    at = sa.Column(sa.DateTime(timezone=True), nullable=False)
    user_id = sa.Column(sa.UnicodeText)


def record(thing: str, kind: str, reason: str, files: int, user_id: str | None) -> None:
    """Write down that something is taken down; nothing is committed."""
    model.Session.execute(
        sa.insert(Takedown).values(
            thing=thing,
            kind=kind,
            reason=reason,
            files=files,
            at=sa.func.clock_timestamp(),
            user_id=user_id,
        )
    )


def every() -> list[sa.Row]:
    """Return the columns of all, the newest first."""
    query = sa.select(*Takedown.__table__.columns).order_by(Takedown.at.desc())
    return list(model.Session.execute(query).all())
