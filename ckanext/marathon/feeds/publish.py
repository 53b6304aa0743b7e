"""Comparing what is public with what the log says, and writing down the difference."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import sqlalchemy as sa

from ckanext.marathon.feeds import keys, reach
from ckanext.marathon.feeds.keys import Key
from ckanext.marathon.feeds.render import Rendition, has_office, keep_public, render
from ckanext.marathon.model import clock, feed_log
from ckanext.marathon.model.feed import Activity, Kind
from ckanext.marathon.rdf.iri import Site

# A follower hears of a neighbour before it hears of who names it.
ORDER = {
    kind: number
    for number, kind in enumerate(
        (
            Kind.CATALOG,
            Kind.ORGANIZATION,
            Kind.WORKSHOP,
            Kind.IDEA,
            Kind.COMMITMENT,
            Kind.DATASET,
        )
    )
}

Renditions = dict[Key, Rendition | None]


@dataclass
class Touched:
    """What a transaction touched: ids of packages and of groups, and whether the settings."""

    packages: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    settings: bool = False

    def __bool__(self) -> bool:
        """Return whether there is anything."""
        return bool(self.packages or self.groups or self.settings)


def publish(touched: Touched) -> int:
    """Write down how what is public changes with this transaction; nothing is committed.

    Everything is flushed already.

    Returns:
        how many changes were written.
    """
    return _publish(lambda: reach.of(touched.packages, touched.groups, touched.settings))


def republish(wanted: Collection[Key]) -> int:
    """Write down how what is public differs from the log, of these things; as :func:`publish`.

    What the log says of itself is not trusted: the descriptions are compared.
    """
    return _publish(lambda: set(wanted), thorough=True)


def withdraw(touched: Touched) -> int:
    """Take what may not be shown any more out of the log, without describing anything.

    For when publishing has failed. What may still be shown stays in the log as it was.

    Returns:
        how many changes were written.
    """
    clock.hold_clock()
    rows = feed_log.list_public_entries([*touched.packages, *touched.groups])
    kept = keep_public(Key(Kind(row.kind), row.thing) for row in rows)
    steps = [_departure(row) for row in rows if Key(Kind(row.kind), row.thing) not in kept]
    return feed_log.write_steps(steps) if steps else 0


def _publish(wanted: Callable[[], set[Key]], thorough: bool = False) -> int:
    """Describe first, which holds nobody up; then hold the clock, compare and write.

    What others changed in the meantime is described again, of those things alone: whoever
    publishes last has seen everything.
    """
    site = keys.site()
    renditions, seen = _described(wanted(), site)
    if not renditions:
        return 0
    held = clock.hold_clock()
    settled = keys.site(held)
    if settled != site:
        site = settled
        renditions, _seen = _described(wanted(), site)
    else:
        # A dataset may have come to an organisation since.
        now = wanted() | _of_changed_owners(renditions, site) | renditions.keys()
        now |= _of_former_holders(renditions, site)
        versions = reach.inputs(now)
        again = {key for key in now if key not in seen or versions[key] != seen[key]}
        if again:
            renditions |= _described(again, site, renditions.keys())[0]
    steps = _steps(renditions, site, thorough)
    if steps:
        if not held.base:
            clock.settle_clock(site.base, site.vocabulary, keys.page_size())
        return feed_log.write_steps(steps)
    return 0


def _described(
    wanted: set[Key], site: Site, done: Collection[Key] = ()
) -> tuple[Renditions, reach.Inputs]:
    """Describe things, and what belongs to organisations that change in what others say of them.

    Args:
        wanted: the things.
        site: where IRIs start.
        done: what is described already, and is not again because of its organisation.

    Returns:
        the descriptions, and the versions of the rows that they were made from.
    """
    seen = reach.inputs(wanted)
    found = render(wanted, site)
    further = _of_changed_owners(found, site) - wanted - set(done)
    if further:
        seen |= reach.inputs(further)
        found |= render(further, site)
    return found, seen


def _of_changed_owners(found: Renditions, site: Site) -> set[Key]:
    """Return what belongs to organisations that appear, disappear, or get or lose an office.

    Datasets name their organisation and its office; the rest of it they do not repeat.
    """
    organizations = {key: each for key, each in found.items() if key.kind == Kind.ORGANIZATION}
    stored = feed_log.read_bodies([key.iri(site) for key in organizations])
    further: set[Key] = set()
    for key, now in organizations.items():
        body = stored.get(key.iri(site))
        before = Rendition(body, ()) if body is not None else None
        if (before is None, has_office(before)) != (now is None, has_office(now)):
            further |= reach.of_owner(key.thing)
    return further


def _of_former_holders(renditions: Renditions, site: Site) -> set[Key]:
    """Return the things that the log still has under an IRI that now is another's."""
    iris = {iri: key for key, iri in keys.iris(renditions, site).items()}
    return {
        Key(Kind(row.kind), row.thing)
        for iri, row in feed_log.read_states(iris).items()
        if row.digest is not None and row.thing != iris[iri].thing
    }


def _steps(renditions: Renditions, site: Site, thorough: bool) -> list[feed_log.LogStep]:
    iris = keys.iris(renditions, site)
    stored = feed_log.read_states(iris.values())
    bodies = feed_log.read_bodies(iris.values()) if thorough else {}
    parts = feed_log.read_scopes(iris.values()) if thorough else {}
    steps = []
    for key, rendition in renditions.items():
        before = stored.get(iris[key])
        if rendition is None and before is not None and before.thing != key.thing:
            # The IRI is another's by now.
            continue
        activity = _activity(before, rendition, key)
        if rendition and thorough:
            said = bodies.get(iris[key], b""), parts.get(iris[key], ())
            if said != (rendition.body, rendition.scopes):
                activity = activity or Activity.UPDATE
        if activity is None:
            continue
        steps.append(
            feed_log.LogStep(
                iri=iris[key],
                kind=key.kind,
                thing=key.thing,
                activity=activity,
                slot=before.slot if before else None,
                body=zlib.compress(rendition.body) if rendition else None,
                digest=rendition.digest if rendition else None,
                refs=list(rendition.refs) if rendition else [],
                degraded=bool(rendition and rendition.degraded),
                scopes=rendition.scopes if rendition else (),
                first_published=rendition.first_published if rendition else None,
            )
        )
    steps += _departures(renditions, set(iris.values()))
    steps.sort(key=lambda step: (step.activity == Activity.DELETE, ORDER[step.kind], step.iri))
    return steps


def _departures(renditions: Renditions, current: Collection[str]) -> list[feed_log.LogStep]:
    """Return the deletions of the IRIs that datasets had before they got others."""
    things = [key.thing for key in renditions if key.kind == Kind.DATASET]
    rows = feed_log.list_public_entries(things)
    return [_departure(row) for row in rows if row.kind == Kind.DATASET and row.iri not in current]


def _departure(row: sa.Row) -> feed_log.LogStep:
    """Return the step by which a public entry becomes a tombstone."""
    return feed_log.LogStep(
        iri=row.iri,
        kind=Kind(row.kind),
        thing=row.thing,
        activity=Activity.DELETE,
        slot=row.slot,
        body=None,
        digest=None,
        refs=[],
        degraded=False,
        scopes=(),
    )


def _activity(before: sa.Row | None, rendition: Rendition | None, key: Key) -> Activity | None:
    was_public = before is not None and before.digest is not None
    if rendition is None:
        return Activity.DELETE if was_public else None
    if before is None or not was_public:
        return Activity.CREATE
    same = (before.digest, before.degraded, before.thing) == (
        rendition.digest,
        rendition.degraded,
        key.thing,
    )
    return None if same else Activity.UPDATE
