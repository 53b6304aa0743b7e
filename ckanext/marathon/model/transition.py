"""The history of every idea's status, written by the server alone."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

from ckanext.marathon.model.clock import utcnow


class Transition(tk.BaseModel):
    """One step of one idea. ``organization_id`` is empty where a sysadmin acted for none."""

    __tablename__ = "marathon_idea_transition"

    id = sa.Column(sa.BigInteger, sa.Identity(), primary_key=True)
    idea_id = sa.Column(sa.UnicodeText, nullable=False, index=True)
    at = sa.Column(sa.DateTime, nullable=False)
    status = sa.Column(sa.UnicodeText, nullable=False)
    reason = sa.Column(sa.UnicodeText, nullable=False)
    user_id = sa.Column(sa.UnicodeText)
    organization_id = sa.Column(sa.UnicodeText)


def record(
    idea_id: str, status: str, reason: str, user_id: str | None, organization_id: str | None
) -> None:
    """Add a step to the history of an idea; nothing is committed."""
    step = sa.insert(Transition).values(
        idea_id=idea_id,
        at=utcnow(),
        status=status,
        reason=reason,
        user_id=user_id,
        organization_id=organization_id,
    )
    model.Session.execute(step)


def last_status(idea_id: str) -> str | None:
    """Return the status that the history of an idea ends with."""
    return model.Session.scalar(
        sa.select(Transition.status)
        .where(Transition.idea_id == idea_id)
        .order_by(Transition.id.desc())
        .limit(1)
    )


def history(idea_id: str) -> list[sa.Row]:
    """Return the steps of an idea, first to last, with the names of organisation and user.

    Returns:
        rows of at (UTC), status, reason, organization_id, organization_name, organization_title,
        user_id, user_name; names are ``None`` where there is nobody of that id any more.
    """
    query = (
        sa.select(
            Transition.at,
            Transition.status,
            Transition.reason,
            Transition.organization_id,
            model.Group.name.label("organization_name"),
            model.Group.title.label("organization_title"),
            Transition.user_id,
            model.User.name.label("user_name"),
        )
        .outerjoin(model.Group, model.Group.id == Transition.organization_id)
        .outerjoin(model.User, model.User.id == Transition.user_id)
        .where(Transition.idea_id == idea_id)
        .order_by(Transition.id)
    )
    return list(model.Session.execute(query))


def forget(idea_id: str) -> None:
    """Drop the history of an idea that is no more."""
    model.Session.execute(sa.delete(Transition).where(Transition.idea_id == idea_id))
