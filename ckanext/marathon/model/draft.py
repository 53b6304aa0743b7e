"""Drafts: what somebody has typed into a form that is not saved yet.

A draft belongs to one form on one page, whose token is its id, so that two tabs with new datasets
have two drafts and a saved form takes its own draft away. Nobody but its author sees it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, mapped_column


class Draft(tk.BaseModel):
    """The values of a form.

    Attributes:
        id: token of the form.
        kind: type of the record that the form makes.
        title: title as it was typed, for lists; may be "".
        inputs: pairs of the name of an input and its text, in the order of the form.
        version: counts the saves, so that two tabs with the same draft notice one another.
    """

    __tablename__ = "marathon_draft"

    id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    user_id: Mapped[str] = mapped_column(sa.UnicodeText, index=True)
    kind: Mapped[str] = mapped_column(sa.UnicodeText)
    title: Mapped[str] = mapped_column(sa.UnicodeText)
    inputs: Mapped[list[list[str]]] = mapped_column(JSONB)
    version: Mapped[int] = mapped_column(sa.Integer)
    saved: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), index=True)


def find_draft(draft_id: str, user_id: str) -> Draft | None:
    """Return a draft of a person."""
    query = sa.select(Draft).where(Draft.id == draft_id, Draft.user_id == user_id)
    return model.Session.scalars(query).first()


def list_drafts(user_id: str, kind: str | None = None) -> list[Draft]:
    """Return the drafts of a person, the latest first; ``kind`` limits them to one type."""
    query = sa.select(Draft).where(Draft.user_id == user_id)
    if kind:
        query = query.where(Draft.kind == kind)
    return list(model.Session.scalars(query.order_by(Draft.saved.desc(), Draft.id)))


def count_other_drafts(draft_id: str, user_id: str) -> int:
    """Return how many drafts a person has besides one."""
    query = sa.select(sa.func.count()).where(Draft.user_id == user_id, Draft.id != draft_id)
    return model.Session.scalar(query) or 0


def write_draft(
    draft_id: str, user_id: str, kind: str, title: str, inputs: list[list[str]], version: int
) -> int | None:
    """Write a draft, unless it was written since; commits nothing.

    Args:
        draft_id: token of the form.
        user_id: id of the author.
        kind: type of the record.
        title: title as typed.
        inputs: pairs of name and text.
        version: the number that the form knows; 0 for a form that has written none.

    Returns:
        the new number, ``None`` if the stored one is another or the draft is somebody else's.
    """
    values = {
        "user_id": user_id,
        "kind": kind,
        "title": title,
        "inputs": inputs,
        "saved": datetime.now(UTC),
    }
    added = insert(Draft).values(id=draft_id, version=version + 1, **values)
    statement = added.on_conflict_do_update(
        index_elements=[Draft.id],
        set_={**values, "version": version + 1},
        where=sa.and_(Draft.user_id == user_id, Draft.version == version),
    )
    return model.Session.scalar(statement.returning(Draft.version))


def delete_drafts(draft_ids: Collection[str], user_id: str) -> None:
    """Delete drafts of a person; commits nothing."""
    model.Session.execute(sa.delete(Draft).where(Draft.id.in_(draft_ids), Draft.user_id == user_id))


def delete_drafts_of(user_ids: Collection[str]) -> None:
    """Delete all drafts of people; commits nothing."""
    model.Session.execute(sa.delete(Draft).where(Draft.user_id.in_(user_ids)))


def delete_old_drafts(age: timedelta) -> int:
    """Delete drafts that were last saved before this time; commits nothing. Return how many."""
    before = datetime.now(UTC) - age
    statement = sa.delete(Draft).where(Draft.saved < before).returning(Draft.id)
    return len(model.Session.scalars(statement).all())


def count_old_drafts(age: timedelta) -> int:
    """Return how many drafts were last saved before this time."""
    query = sa.select(sa.func.count()).where(Draft.saved < datetime.now(UTC) - age)
    return model.Session.scalar(query) or 0
