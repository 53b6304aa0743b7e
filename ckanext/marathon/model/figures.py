"""How much there is of each thing, by place and by problem: public things only, without Solr.

Each answer is kept in memory until something public changes, which the feed's clock tells.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from ckan import model

from ckanext.marathon import visibility
from ckanext.marathon.model import about, clock, records
from ckanext.marathon.model.about import PROBLEM, package
from ckanext.marathon.model.feed import Entry, Kind, Member
from ckanext.marathon.model.kept import until_a_change
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.vocabulary import problems


class Figures(NamedTuple):
    """Numbers of public things.

    Attributes:
        needs: data that ideas ask for; ideas that were given up ask for nothing.
        needs_met: those of them that a public dataset says it meets.
    """

    workshops: int = 0
    ideas: int = 0
    needs: int = 0
    needs_met: int = 0
    datasets: int = 0

    @property
    def things(self) -> int:
        """How many workshops, ideas and datasets there are together."""
        return self.workshops + self.ideas + self.datasets

    @property
    def needs_unmet(self) -> int:
        """How many of the data that ideas ask for nobody has published."""
        return self.needs - self.needs_met


def as_of() -> datetime:
    """Return when something public changed last, which is what figures are as of."""
    return clock.read().published


def total() -> Figures:
    """Return the figures of the whole site."""
    return until_a_change(
        "figures", "", lambda: _figures(_EVERYTHING, {"": _count(_DATASETS)}).get("", Figures())
    )


def by(kind: str) -> Mapping[str, Figures]:
    """Return code → figures, of places or problems that have any.

    What is about several is counted with each; a problem's things count for its area, once.

    Args:
        kind: ``MUNICIPALITY``, ``DEPARTMENT`` or ``PROBLEM`` of ``model/about.py``.
    """
    return until_a_change("figures", kind, lambda: _figures(_talks(kind), _datasets(kind)))


def _figures(talked: sa.Select, datasets: Mapping[str, int]) -> dict[str, Figures]:
    """Return code → figures, of (subject, code) of workshops and ideas, and of datasets."""
    pairs = talked.subquery("pairs")
    needed = about.needed().subquery()
    needs = (
        sa.select(
            needed.c.idea,
            sa.func.count().label("asked"),
            sa.func.count().filter(needed.c.is_met).label("met"),
        )
        .group_by(needed.c.idea)
        .subquery("needs")
    )
    query = (
        sa.select(
            pairs.c.code,
            sa.func.count().filter(package.type == records.WORKSHOP),
            sa.func.count().filter(package.type == records.IDEA),
            sa.func.coalesce(sa.func.sum(needs.c.asked), 0),
            sa.func.coalesce(sa.func.sum(needs.c.met), 0),
        )
        .join(package, package.id == pairs.c.subject)
        .outerjoin(needs, needs.c.idea == package.id)
        .where(
            visibility.filter_public(package), package.type.in_((records.WORKSHOP, records.IDEA))
        )
        .group_by(pairs.c.code)
    )
    found: dict[str, Figures] = defaultdict(Figures)
    for code, *numbers in model.Session.execute(query):
        found[code] = Figures(*map(int, numbers))
    for code, number in datasets.items():
        found[code] = found[code]._replace(datasets=number)
    return dict(found)


_EVERYTHING = sa.select(package.id.label("subject"), sa.literal("").label("code"))


def _talks(kind: str) -> sa.Select:
    """Return (subject, code), each pair once, of workshops and ideas; as in :func:`by`."""
    if kind == PROBLEM:
        held = about.held(Predicate.WORKSHOP_PROBLEM, Predicate.IDEA_PROBLEM).subquery("held")
        within = [
            (each, above)
            for area in problems.list_areas()
            for each in (area.notation, *area.narrower)
            for above in {area.notation, each}
        ]
        pairs = sa.values(
            sa.column("notation", sa.UnicodeText), sa.column("code", sa.UnicodeText), name="within"
        ).data(within)
        query = sa.select(held.c.subject, pairs.c.code).join(
            pairs, pairs.c.notation == held.c.object
        )
    else:
        places = about.places_of_talks().subquery("places")
        code = about.place_of_kind(places.c.object, kind)
        query = sa.select(places.c.subject, code.label("code"))
    return query.distinct()


def _datasets(kind: str) -> dict[str, int]:
    """Return code → public datasets, which the feed's log knows already."""
    query = (
        sa.select(sa.func.split_part(Member.scope, "/", 2), sa.func.count())
        .where(Member.scope.like(f"{kind}/%"), Member.current.is_(True))
        .group_by(Member.scope)
    )
    return dict(model.Session.execute(query).tuples().all())


_DATASETS = sa.select(sa.func.count()).where(
    Entry.kind == str(Kind.DATASET), Entry.body.is_not(None)
)


def _count(query: sa.Select) -> int:
    return model.Session.execute(query).scalar_one()
