"""Which organisation is the municipality of a code; one code, one organisation."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

from ckanext.marathon.domain.errors import Taken
from ckanext.marathon.model.claim import claim


class Place(tk.BaseModel):
    """The claim of an organisation to a municipality's code."""

    __tablename__ = "marathon_place"

    municipality_code = sa.Column(sa.UnicodeText, primary_key=True)
    organization_id = sa.Column(sa.UnicodeText, nullable=False, unique=True)


def holder(code: str) -> str | None:
    """Return the id of the active organisation that is this municipality, if one is on the site."""
    return model.Session.scalar(
        sa.select(Place.organization_id)
        .join(model.Group, model.Group.id == Place.organization_id)
        .where(Place.municipality_code == code, model.Group.state == model.State.ACTIVE)
    )


def holders(codes: list[str]) -> dict[str, str]:
    """Return code → id of the active organisation that is this municipality."""
    rows = model.Session.execute(
        sa.select(Place.municipality_code, Place.organization_id)
        .join(model.Group, model.Group.id == Place.organization_id)
        .where(Place.municipality_code.in_(codes), model.Group.state == model.State.ACTIVE)
    )
    return {row.municipality_code: row.organization_id for row in rows}


def assign(organization_id: str, code: str | None) -> None:
    """Let an organisation hold this code and no other; ``None`` or ``""`` for none.

    A code that a deleted or purged organisation left behind is taken over.

    Raises:
        Taken: an active organisation holds it; ``holder`` is its id.
    """
    own = Place.organization_id == organization_id
    stale = own if not code else sa.and_(own, Place.municipality_code != code)
    model.Session.execute(sa.delete(Place).where(stale))
    if not code or _is_held_by(code, organization_id):
        return
    current = model.Session.scalar(
        sa.select(Place.organization_id).where(Place.municipality_code == code).with_for_update()
    )
    if current is not None:
        if holder(code) is not None:
            raise Taken(code, current)
        model.Session.execute(sa.delete(Place).where(Place.municipality_code == code))
    row = sa.insert(Place).values(municipality_code=code, organization_id=organization_id)
    claim(row, code)


def _is_held_by(code: str, organization_id: str) -> bool:
    query = sa.select(Place.municipality_code).where(
        Place.municipality_code == code, Place.organization_id == organization_id
    )
    return model.Session.scalar(query) is not None
