"""Ideas: the history of their status, choices for forms, and their data needs.

Only the server writes the history. The choices are read from the database, not from Solr, which may
not have the last changes yet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, cast

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.orm import Mapped, aliased, mapped_column

from ckanext.marathon.model import link
from ckanext.marathon.model.clock import cache_until_change, get_utc_now
from ckanext.marathon.model.link import PACKAGE, Link, Predicate
from ckanext.marathon.records import Idea
from ckanext.marathon.visibility import Viewer


class Transition(tk.BaseModel):
    """A change of an idea's status.

    ``organization_id`` is ``None`` if a sysadmin acted for no organisation.
    """

    __tablename__ = "marathon_idea_transition"

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    idea_id: Mapped[str] = mapped_column(sa.UnicodeText, index=True)
    at: Mapped[datetime] = mapped_column(sa.DateTime)
    status: Mapped[str] = mapped_column(sa.UnicodeText)
    reason: Mapped[str] = mapped_column(sa.UnicodeText)
    user_id: Mapped[str | None] = mapped_column(sa.UnicodeText)
    organization_id: Mapped[str | None] = mapped_column(sa.UnicodeText)


def record_transition(
    idea_id: str, status: str, reason: str, user_id: str | None, organization_id: str | None
) -> None:
    """Add a step to the history of an idea; commits nothing."""
    step = sa.insert(Transition).values(
        idea_id=idea_id,
        at=get_utc_now(),
        status=status,
        reason=reason,
        user_id=user_id,
        organization_id=organization_id,
    )
    model.Session.execute(step)


def find_last_status(idea_id: str) -> str | None:
    """Return the last status in the history of an idea, ``None`` without a history."""
    return model.Session.scalar(
        sa.select(Transition.status)
        .where(Transition.idea_id == idea_id)
        .order_by(Transition.id.desc())
        .limit(1)
    )


class NamedTransition(NamedTuple):
    """A step of an idea, with the names of organisation and user.

    Attributes:
        at: in UTC, without an offset.
        organization_name: ``None`` if the organisation does not exist any more; the same for
            ``organization_title`` and ``user_name``.
    """

    at: datetime
    status: str
    reason: str
    organization_id: str | None
    organization_name: str | None
    organization_title: str | None
    user_id: str | None
    user_name: str | None


def read_idea_history(idea_id: str) -> list[NamedTransition]:
    """Return the steps of an idea, first to last."""
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
    return [NamedTransition(*row) for row in model.Session.execute(query)]


def delete_history(idea_id: str) -> None:
    """Delete the history of a purged idea."""
    model.Session.execute(sa.delete(Transition).where(Transition.idea_id == idea_id))


_ACCENTED, _PLAIN = "áàâäéèêëíìîïóòôöúùûüñç", "aaaaeeeeiiiioooouuuunc"


@dataclass(frozen=True)
class WantedIdeas:
    """Conditions of ideas. An idea matches if it is of one of the municipalities or in ``include``.

    Attributes:
        municipalities: codes.
        include: ids or names of ideas. If this and ``municipalities`` are empty, all ideas match.
        text: a text in the title, the code or the title of the workshop; "" for any.
    """

    municipalities: Collection[str] = ()
    include: Collection[str] = ()
    text: str = ""


def list_idea_choices(
    viewer: Viewer, wanted: WantedIdeas, limit: int, offset: int = 0
) -> list[tuple[model.Package, model.Package | None]]:
    """Return ideas that a viewer may see, each with its workshop, latest workshop first.

    The workshop is ``None`` if the viewer may not see it.
    """
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
    return [(found, its_workshop) for found, its_workshop in model.Session.execute(query)]


def _is_of(idea_id: Any, workshop_id: Any, codes: Collection[str]) -> sa.ColumnElement[bool]:
    """Return the condition that an idea has one of the municipalities, its own or inherited."""
    own = sa.and_(Link.subject == idea_id, Link.predicate == str(Predicate.IDEA_MUNICIPALITY))
    of_workshop = sa.and_(
        Link.subject == workshop_id, Link.predicate == str(Predicate.WORKSHOP_MUNICIPALITY)
    )
    return sa.or_(
        sa.exists().where(own, Link.object.in_(codes)),
        sa.and_(~sa.exists().where(own), sa.exists().where(of_workshop, Link.object.in_(codes))),
    )


def _contains(column: Any, text: str) -> sa.ColumnElement[bool]:
    """Return the condition that a column contains a text; accents and case are ignored."""
    plain = text.lower().translate(str.maketrans(_ACCENTED, _PLAIN))
    folded = sa.func.translate(sa.func.lower(column), _ACCENTED, _PLAIN)
    return folded.contains(plain, autoescape=True)


class AskedNeeds(NamedTuple):
    """The number of data needs of an idea, and of those that a public dataset meets."""

    needs: int
    met: int


def read_asked_needs(ids: Collection[str]) -> dict[str, AskedNeeds]:
    """Return idea id → counts of data needs, for public ideas that were not discarded."""
    if not ids:
        return {}
    needed = link.select_needs().subquery("needed")
    query = (
        sa.select(
            needed.c.idea, sa.func.count(), sa.func.count().filter(needed.c.is_met).label("met")
        )
        .where(needed.c.idea.in_(ids))
        .group_by(needed.c.idea)
    )
    return {idea: AskedNeeds(needs, met) for idea, needs, met in model.Session.execute(query)}


class UnmetNeed(NamedTuple):
    """A data need that no public dataset meets, and the idea that has it."""

    id: str
    what: str
    idea: Idea


def list_unmet_needs(limit: int, kind: str = "", code: str = "") -> list[UnmetNeed]:
    """Return data needs of public ideas that no public dataset meets, newest idea first.

    ``figures.py`` has their total number. Cached until something public changes.

    Args:
        limit: the maximum number of needs.
        kind: as in :func:`.read_figures_by`, for the needs of a place or problem; ``""`` for all.
        code: code of the place or problem.
    """
    arguments = (limit, kind, code)
    return cache_until_change("unmet needs", arguments, lambda: _unmet(limit, kind, code))


def _unmet(limit: int, kind: str, code: str) -> list[UnmetNeed]:
    needed = link.select_needs().subquery("needed")
    query = (
        sa.select(PACKAGE.id, PACKAGE.name, PACKAGE.title, PACKAGE.extras, needed.c.need)
        .join(needed, needed.c.idea == PACKAGE.id)
        .where(~needed.c.is_met)
        .order_by(PACKAGE.metadata_created.desc(), PACKAGE.id, needed.c.need)
        .limit(limit)
    )
    if kind:
        query = query.where(PACKAGE.id.in_(link.select_workshops_and_ideas(kind, code)))
    rows: Any = model.Session.execute(query)
    return [
        UnmetNeed(row.need, idea.name_need(row.need), idea)
        for row in rows
        for idea in [Idea.from_stored(row)]
    ]


def read_needs_met_by_datasets(ids: Collection[str]) -> dict[str, set[str]]:
    """Return dataset id → ids of the data needs that it meets, as this transaction sees them.

    Every given dataset is in the result; one that is not public meets no need.
    """
    pairs = link.select_met_needs().subquery()
    query = sa.select(pairs.c.dataset, pairs.c.need).where(pairs.c.dataset.in_(ids))
    found: dict[str, set[str]] = defaultdict(set)
    # On the connection, so that the query flushes nothing.
    for dataset, need in model.Session.connection().execute(query):
        found[dataset].add(need)
    return {id_: found[id_] for id_ in ids}


def list_met_needs(needs: Collection[str]) -> set[str]:
    """Return the ids of the data needs that a public dataset meets."""
    if not needs:
        return set()
    pairs = link.select_met_needs().subquery()
    return set(model.Session.scalars(sa.select(pairs.c.need).where(pairs.c.need.in_(needs))))


def list_asking_ideas(needs: Collection[str]) -> list[str]:
    """Return the ids of the ideas that have these data needs."""
    if not needs:
        return []
    query = sa.select(Link.subject.distinct()).where(
        Link.object.in_(needs), Link.predicate == str(Predicate.IDEA_DATA_NEED)
    )
    return sorted(model.Session.scalars(query))
