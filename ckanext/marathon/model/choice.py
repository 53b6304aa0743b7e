"""Which ideas there are to choose from: from the tables, so that it holds while Solr is late."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from ckan import model
from sqlalchemy.orm import aliased

from ckanext.marathon.model.link import Link, Predicate
from ckanext.marathon.visibility import Viewer

_ACCENTED, _PLAIN = "áàâäéèêëíìîïóòôöúùûüñç", "aaaaeeeeiiiioooouuuunc"


@dataclass(frozen=True)
class Wanted:
    """Which ideas: of municipalities (codes), or among ``include`` (ids or names), with a text.

    Both empty means all.
    """

    municipalities: Collection[str] = ()
    include: Collection[str] = ()
    text: str = ""


def ideas(
    viewer: Viewer, wanted: Wanted, limit: int, offset: int = 0
) -> list[tuple[model.Package, model.Package | None]]:
    """Return ideas and the workshop of each (``None``: not to be seen), latest workshop first."""
    idea, workshop = model.Package, aliased(model.Package)
    workshop_id = cast(Any, idea).extras["workshop"].astext
    starts_at = cast(Any, workshop).extras["starts_at"].astext
    query = (
        sa.select(idea, workshop)
        .outerjoin(
            workshop,
            sa.and_(
                workshop.id == workshop_id,
                workshop.state == model.State.ACTIVE,
                viewer.filter_visible(workshop),
            ),
        )
        .where(idea.type == "idea", idea.state == model.State.ACTIVE, viewer.filter_visible(idea))
        .order_by(starts_at.desc().nulls_last(), idea.title, idea.id)
        .limit(limit)
        .offset(offset)
    )
    chosen: list[sa.ColumnElement[bool]] = []
    if wanted.municipalities:
        chosen.append(_is_of(idea.id, workshop_id, wanted.municipalities))
    if wanted.include:
        chosen.append(sa.or_(idea.id.in_(wanted.include), idea.name.in_(wanted.include)))
    if chosen:
        query = query.where(sa.or_(*chosen))
    if wanted.text:
        code = cast(Any, idea).extras["code"].astext
        fields = (idea.title, workshop.title, code)
        query = query.where(sa.or_(*(_contains(field, wanted.text) for field in fields)))
    return [(found, held) for found, held in model.Session.execute(query)]


def _is_of(idea_id: Any, workshop_id: Any, codes: Collection[str]) -> sa.ColumnElement[bool]:
    """Return the condition that an idea is of a municipality: its own, or else its workshop's."""
    own = sa.and_(Link.subject == idea_id, Link.predicate == str(Predicate.IDEA_MUNICIPALITY))
    of_workshop = sa.and_(
        Link.subject == workshop_id, Link.predicate == str(Predicate.WORKSHOP_MUNICIPALITY)
    )
    return sa.or_(
        sa.exists().where(own, Link.object.in_(codes)),
        sa.and_(~sa.exists().where(own), sa.exists().where(of_workshop, Link.object.in_(codes))),
    )


def _contains(column: Any, text: str) -> sa.ColumnElement[bool]:
    """Return the condition that a text is in a column, accents and capitals apart."""
    plain = text.lower().translate(str.maketrans(_ACCENTED, _PLAIN))
    folded = sa.func.translate(sa.func.lower(column), _ACCENTED, _PLAIN)
    return folded.contains(plain, autoescape=True)
