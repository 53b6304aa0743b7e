"""References between records, indexed in both directions.

CKAN stores them as text in extras, which stay authoritative: a save replaces the links of its
package in the same transaction. The queries select the municipalities and problems of packages:
their own, or else inherited ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Any, cast

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, aliased, mapped_column

from ckanext.marathon.visibility import filter_public
from ckanext.marathon.vocabulary import problems


class Predicate(StrEnum):
    """The kind of a link; its subject is the id of a package."""

    IDEA_WORKSHOP = "idea_workshop"
    DATASET_IDEA = "dataset_idea"
    DATASET_DATA_NEED = "dataset_data_need"
    IDEA_DATA_NEED = "idea_data_need"
    WORKSHOP_MUNICIPALITY = "workshop_municipality"
    IDEA_MUNICIPALITY = "idea_municipality"
    DATASET_MUNICIPALITY = "dataset_municipality"
    WORKSHOP_PROBLEM = "workshop_problem"
    IDEA_PROBLEM = "idea_problem"
    DATASET_PROBLEM = "dataset_problem"


class Link(tk.BaseModel):
    """One link: a package refers to a package, a data need, a municipality or a problem."""

    __tablename__ = "marathon_link"

    subject: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    predicate: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    object: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)

    __table_args__ = (sa.Index("idx_marathon_link_object", "object", "predicate"),)


def replace_links(subject: str, links: Mapping[Predicate, Iterable[str]]) -> None:
    """Replace all links of a subject by ``links``; commits nothing."""
    wanted = {(str(predicate), obj) for predicate, objects in links.items() for obj in objects}
    rows = model.Session.execute(
        sa.select(Link.predicate, Link.object).where(Link.subject == subject)
    )
    present = {(row.predicate, row.object) for row in rows}
    gone = present - wanted
    if gone:
        model.Session.execute(
            sa.delete(Link).where(
                Link.subject == subject, sa.tuple_(Link.predicate, Link.object).in_(gone)
            )
        )
    _insert(subject, wanted - present)


def add_links(subject: str, predicate: Predicate, objects_: Iterable[str]) -> None:
    """Add links of a subject; commits nothing."""
    _insert(subject, {(str(predicate), object_) for object_ in objects_})


def _insert(subject: str, pairs: set[tuple[str, str]]) -> None:
    if pairs:
        model.Session.execute(
            insert(Link).on_conflict_do_nothing(),
            [{"subject": subject, "predicate": p, "object": o} for p, o in sorted(pairs)],
        )


def remove_subject(subject: str) -> None:
    """Delete all links of a purged package."""
    model.Session.execute(sa.delete(Link).where(Link.subject == subject))


def remove_links(subject: str, objects_: Collection[str]) -> None:
    """Delete the links of a subject to these objects; commits nothing."""
    model.Session.execute(sa.delete(Link).where(Link.subject == subject, Link.object.in_(objects_)))


def list_object_pairs(subjects: Collection[str], predicate: Predicate) -> list[tuple[str, str]]:
    """Return the (subject, object) pairs of these subjects, ordered by object."""
    if not subjects:
        return []
    rows = model.Session.execute(
        sa.select(Link.subject, Link.object)
        .where(Link.subject.in_(subjects), Link.predicate == str(predicate))
        .order_by(Link.object, Link.subject)
    )
    return [(row.subject, row.object) for row in rows]


def list_targets(subjects: Collection[str], predicate: Predicate) -> set[str]:
    """Return the objects that these subjects link to."""
    return {obj for _subject, obj in list_object_pairs(subjects, predicate)}


def list_subject_pairs(objects_: Collection[str], *predicates: Predicate) -> list[tuple[str, str]]:
    """Return the (subject, object) pairs of links to these objects, ordered by subject."""
    if not objects_:
        return []
    rows = model.Session.execute(
        sa.select(Link.subject, Link.object)
        .where(Link.object.in_(objects_), Link.predicate.in_([str(p) for p in predicates]))
        .order_by(Link.subject, Link.object)
    )
    return [(row.subject, row.object) for row in rows]


MUNICIPALITY, DEPARTMENT, PROBLEM = "municipality", "department", problems.KIND
# The status of an idea whose data needs do not count any more.
GIVEN_UP = "discarded"

PACKAGE = cast(Any, model.Package)
# Selects pairs of a subject and an object.
PairQuery = sa.Select[tuple[str, str]]


def select_places() -> sa.CompoundSelect[tuple[str, str]]:
    """Select (id of a package, code of a municipality), own or inherited.

    An idea without municipalities of its own has those of its workshop, and a dataset without any
    those of its ideas.
    """
    of_ideas = _places_of_ideas()
    return sa.union_all(
        select_links(Predicate.WORKSHOP_MUNICIPALITY),
        of_ideas,
        select_links(Predicate.DATASET_MUNICIPALITY),
        select_inherited_links(Predicate.DATASET_IDEA, of_ideas, Predicate.DATASET_MUNICIPALITY),
    )


def select_places_of_workshops_and_ideas() -> sa.CompoundSelect[tuple[str, str]]:
    """Select (id of a workshop or idea, code of a municipality), own or inherited."""
    return sa.union_all(select_links(Predicate.WORKSHOP_MUNICIPALITY), _places_of_ideas())


def select_workshops_and_ideas(kind: str, code: str) -> sa.Select[tuple[str]]:
    """Select the ids of the workshops and ideas about a place or problem; some come twice.

    Args:
        kind: :data:`MUNICIPALITY`, :data:`DEPARTMENT` or :data:`PROBLEM`.
        code: code of the place or problem; that of an area includes its problems.

    Raises:
        UnknownCode: no problem has this notation.
    """
    if kind == PROBLEM:
        pairs = select_links(Predicate.WORKSHOP_PROBLEM, Predicate.IDEA_PROBLEM).subquery()
        return sa.select(pairs.c.subject).where(
            pairs.c.object.in_(problems.list_narrower_or_self(code))
        )
    pairs = select_places_of_workshops_and_ideas().subquery()
    return sa.select(pairs.c.subject).where(select_place_of_kind(pairs.c.object, kind) == code)


def select_place_of_kind(municipality: sa.ColumnElement[str], kind: str) -> sa.ColumnElement[str]:
    """Return a column of municipalities' codes, or for departments one of their codes."""
    # The first two digits of a municipality's code are the code of its department.
    return sa.func.left(municipality, 2) if kind == DEPARTMENT else municipality


def _places_of_ideas() -> PairQuery:
    of_workshop = select_links(Predicate.WORKSHOP_MUNICIPALITY)
    found = sa.union_all(
        select_links(Predicate.IDEA_MUNICIPALITY),
        select_inherited_links(Predicate.IDEA_WORKSHOP, of_workshop, Predicate.IDEA_MUNICIPALITY),
    )
    return sa.select(found.subquery("idea_places"))


def select_needs() -> sa.Select[tuple[str, str, bool]]:
    """Select (idea, need, is_met) of the data needs of public ideas that were not discarded.

    A need is met if a public dataset links to it.
    """
    idea, met = aliased(PACKAGE), select_met_needs().subquery("met")
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


def select_met_needs() -> PairQuery:
    """Select (dataset, need) of public datasets and the data needs that they meet."""
    dataset = aliased(PACKAGE)
    return (
        sa.select(Link.subject.label("dataset"), Link.object.label("need"))
        .join(dataset, dataset.id == Link.subject)
        .where(Link.predicate == str(Predicate.DATASET_DATA_NEED), filter_public(dataset))
    )


def select_links(*predicates: Predicate) -> PairQuery:
    """Select (subject, object) of links, without inherited ones."""
    return sa.select(Link.subject, Link.object).where(
        Link.predicate.in_([str(predicate) for predicate in predicates])
    )


def select_inherited_links(step: Predicate, beyond: PairQuery, own: Predicate) -> PairQuery:
    """Select values inherited over one link by subjects without a value of their own."""
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
