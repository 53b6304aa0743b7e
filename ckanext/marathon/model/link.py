"""Who refers to whom: what CKAN keeps as text in extras, indexed both ways.

The extras stay the truth; a save writes the links of its subject anew in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import insert


class Predicate(StrEnum):
    """What a link says of its subject, the id of a package."""

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

    subject = sa.Column(sa.UnicodeText, primary_key=True)
    predicate = sa.Column(sa.UnicodeText, primary_key=True)
    object = sa.Column(sa.UnicodeText, primary_key=True)

    __table_args__ = (sa.Index("idx_marathon_link_object", "object", "predicate"),)


def replace(subject: str, links: Mapping[Predicate, Iterable[str]]) -> None:
    """Make ``links`` all the links of a subject; nothing is committed."""
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


def add(subject: str, predicate: Predicate, objects_: Iterable[str]) -> None:
    """Add links to those of a subject; nothing is committed."""
    _insert(subject, {(str(predicate), each) for each in objects_})


def _insert(subject: str, pairs: set[tuple[str, str]]) -> None:
    if pairs:
        model.Session.execute(
            insert(Link).on_conflict_do_nothing(),
            [{"subject": subject, "predicate": p, "object": o} for p, o in sorted(pairs)],
        )


def remove_subject(subject: str) -> None:
    """Forget every link of a subject that is no more."""
    model.Session.execute(sa.delete(Link).where(Link.subject == subject))


def remove(subject: str, objects_: Collection[str]) -> None:
    """Cut the links of a subject to these objects."""
    model.Session.execute(sa.delete(Link).where(Link.subject == subject, Link.object.in_(objects_)))


def objects(subjects: Collection[str], predicate: Predicate) -> list[tuple[str, str]]:
    """Return the (subject, object) pairs of these subjects, ordered by object."""
    if not subjects:
        return []
    rows = model.Session.execute(
        sa.select(Link.subject, Link.object)
        .where(Link.subject.in_(subjects), Link.predicate == str(predicate))
        .order_by(Link.object, Link.subject)
    )
    return [(row.subject, row.object) for row in rows]


def targets(subjects: Collection[str], predicate: Predicate) -> set[str]:
    """Return the objects that these subjects link to."""
    return {obj for _subject, obj in objects(subjects, predicate)}


def subjects(objects_: Collection[str], *predicates: Predicate) -> list[tuple[str, str]]:
    """Return the (subject, object) pairs that point at these objects, ordered by subject."""
    if not objects_:
        return []
    rows = model.Session.execute(
        sa.select(Link.subject, Link.object)
        .where(Link.object.in_(objects_), Link.predicate.in_([str(p) for p in predicates]))
        .order_by(Link.subject, Link.object)
    )
    return [(row.subject, row.object) for row in rows]
