"""What packages are about, as parts of queries."""

from __future__ import annotations

from typing import Any, cast

import sqlalchemy as sa
from ckan import model
from sqlalchemy.orm import aliased

from ckanext.marathon.model.link import Link, Predicate
from ckanext.marathon.visibility import filter_public
from ckanext.marathon.vocabulary import problems

MUNICIPALITY, DEPARTMENT, PROBLEM = "municipality", "department", problems.KIND
# An idea that was given up needs no data any more.
GIVEN_UP = "discarded"

package = cast(Any, model.Package)


def places() -> sa.CompoundSelect:
    """Return (subject, object) of every package's municipalities, computed ones included."""
    of_ideas = _places_of_ideas()
    return sa.union_all(
        held(Predicate.WORKSHOP_MUNICIPALITY),
        of_ideas,
        held(Predicate.DATASET_MUNICIPALITY),
        through(Predicate.DATASET_IDEA, of_ideas, Predicate.DATASET_MUNICIPALITY),
    )


def places_of_talks() -> sa.CompoundSelect:
    """Return (subject, object) of the municipalities of workshops and ideas."""
    return sa.union_all(held(Predicate.WORKSHOP_MUNICIPALITY), _places_of_ideas())


def talks_about(kind: str, code: str) -> sa.Select:
    """Return the ids of the workshops and ideas about a place or problem; some twice.

    Args:
        kind: :data:`MUNICIPALITY`, :data:`DEPARTMENT` or :data:`PROBLEM`.
        code: its code; an area stands for its problems, too.

    Raises:
        UnknownCode: no problem has this notation.
    """
    if kind == PROBLEM:
        pairs = held(Predicate.WORKSHOP_PROBLEM, Predicate.IDEA_PROBLEM).subquery()
        return sa.select(pairs.c.subject).where(
            pairs.c.object.in_(problems.list_narrower_or_self(code))
        )
    pairs = places_of_talks().subquery()
    return sa.select(pairs.c.subject).where(place_of_kind(pairs.c.object, kind) == code)


def place_of_kind(municipality: Any, kind: str) -> Any:
    """Return the column of municipalities' codes, or of the codes of their departments."""
    # The first two digits of a municipality's code are its department's.
    return sa.func.left(municipality, 2) if kind == DEPARTMENT else municipality


def _places_of_ideas() -> sa.Select:
    of_workshop = held(Predicate.WORKSHOP_MUNICIPALITY)
    found = sa.union_all(
        held(Predicate.IDEA_MUNICIPALITY),
        through(Predicate.IDEA_WORKSHOP, of_workshop, Predicate.IDEA_MUNICIPALITY),
    )
    return sa.select(found.subquery("idea_places"))


def needed() -> sa.Select:
    """Return (idea, need, is_met) of the data needs of all ideas that were not given up.

    A need is met by a public dataset that says so.
    """
    idea, met = aliased(package), meeting().subquery("met")
    is_met = sa.select(met.c.need).where(met.c.need == Link.object).exists()
    return (
        sa.select(Link.subject.label("idea"), Link.object.label("need"), is_met.label("is_met"))
        .join(idea, idea.id == Link.subject)
        .where(
            filter_public(idea),
            Link.predicate == str(Predicate.IDEA_DATA_NEED),
            sa.func.coalesce(idea.extras["status"].astext, "") != GIVEN_UP,
        )
    )


def meeting() -> sa.Select:
    """Return (dataset, need) of public datasets and the data needs that they say they meet."""
    dataset = aliased(package)
    return (
        sa.select(Link.subject.label("dataset"), Link.object.label("need"))
        .join(dataset, dataset.id == Link.subject)
        .where(Link.predicate == str(Predicate.DATASET_DATA_NEED), filter_public(dataset))
    )


def held(*predicates: Predicate) -> sa.Select:
    """Return the (subject, object) of links as they are."""
    return sa.select(Link.subject, Link.object).where(
        Link.predicate.in_([str(each) for each in predicates])
    )


def through(step: Predicate, beyond: sa.Select, own: Predicate) -> sa.Select:
    """Return what subjects have through what they link to, if they have none of their own."""
    first, mine = aliased(Link), aliased(Link)
    further = beyond.subquery()
    has_own = (
        sa.select(mine.subject)
        .where(mine.subject == first.subject, mine.predicate == str(own))
        .exists()
    )
    return (
        sa.select(first.subject, further.c.object)
        .join(further, further.c.subject == first.object)
        .where(first.predicate == str(step), ~has_own)
    )
