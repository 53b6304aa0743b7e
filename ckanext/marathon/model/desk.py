"""The records that wait on an officer's desk, from the database and not from Solr."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa
from ckan import model
from sqlalchemy.orm import aliased

from ckanext.marathon.model import link, package
from ckanext.marathon.model.link import GIVEN_UP, PACKAGE, Link, Predicate
from ckanext.marathon.visibility import Viewer, filter_public


class Desk(NamedTuple):
    """The person at a desk, and what they look after.

    Attributes:
        user_id: id of the account.
        viewer: the same person, for what they may see.
        organizations: ids of the organisations for which they publish.
        municipalities: codes of those that are municipalities.
    """

    user_id: str
    viewer: Viewer
    organizations: Sequence[str]
    municipalities: Sequence[str]


@dataclass(frozen=True)
class FoundPackages:
    """The first packages of a list, and the number of all."""

    first: list[model.Package]
    count: int


def list_unpublished(desk: Desk, limit: int) -> FoundPackages:
    """Return drafts and private records of the person's organisations, the latest first.

    Drafts that the person began for another organisation are included.
    """
    is_own = sa.or_(
        PACKAGE.owner_org.in_(desk.organizations),
        sa.and_(PACKAGE.state.startswith("draft"), PACKAGE.creator_user_id == desk.user_id),
    )
    condition = sa.and_(
        PACKAGE.state != model.State.DELETED,
        ~filter_public(PACKAGE),
        is_own,
        desk.viewer.filter_visible(PACKAGE),
    )
    return _find(condition, limit)


def list_waiting_ideas(desk: Desk, limit: int) -> FoundPackages:
    """Return ideas without a public dataset, or with a data need that none meets.

    They are those of the person's organisations, and those about their municipalities that others
    own. Discarded ideas wait for nothing.
    """
    dataset = aliased(PACKAGE)
    has_data = (
        sa.select(Link.subject)
        .join(dataset, dataset.id == Link.subject)
        .where(
            Link.object == PACKAGE.id,
            Link.predicate == str(Predicate.DATASET_IDEA),
            filter_public(dataset),
        )
        .exists()
    )
    met = link.select_met_needs().subquery("met")
    has_unmet_need = (
        sa.select(Link.object)
        .where(
            Link.subject == PACKAGE.id,
            Link.predicate == str(Predicate.IDEA_DATA_NEED),
            ~sa.select(met.c.need).where(met.c.need == Link.object).exists(),
        )
        .exists()
    )
    condition = sa.and_(
        PACKAGE.type == package.IDEA,
        PACKAGE.state == model.State.ACTIVE,
        sa.func.coalesce(PACKAGE.extras["status"].astext, "") != GIVEN_UP,
        _is_looked_after(desk),
        sa.or_(~has_data, has_unmet_need),
        desk.viewer.filter_visible(PACKAGE),
    )
    return _find(condition, limit)


def _is_looked_after(desk: Desk) -> sa.ColumnElement[bool]:
    is_own = PACKAGE.owner_org.in_(desk.organizations)
    if not desk.municipalities:
        return is_own
    places = link.select_places_of_workshops_and_ideas().subquery("places")
    about = sa.select(places.c.subject).where(places.c.object.in_(desk.municipalities))
    return sa.or_(is_own, PACKAGE.id.in_(about))


def _find(condition: sa.ColumnElement[bool], limit: int) -> FoundPackages:
    count = model.Session.scalar(sa.select(sa.func.count(PACKAGE.id)).where(condition)) or 0
    query = (
        sa.select(model.Package)
        .where(condition)
        .order_by(PACKAGE.metadata_modified.desc(), PACKAGE.id)
        .limit(limit)
    )
    return FoundPackages(list(model.Session.scalars(query)), count)
