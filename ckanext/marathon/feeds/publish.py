"""Writing changes into the log: what a save touches, compared with what the log has.

CKAN's plugin hooks miss or misplace deletions, purges, moves and everything that happens to
organisations. The session sees all of them (``model/unit_of_work.py``); bulk SQL excepted, which
``feed verify`` finds.

A fault while publishing does not stop the save: the log has a gap then, which is filled later. What
may not be shown any more is taken out of the log at once, or nothing is saved.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from ckanext.marathon.feeds import describe, keys
from ckanext.marathon.feeds.describe import Rendition, describe_records, has_office, keep_public
from ckanext.marathon.feeds.keys import Key
from ckanext.marathon.feeds.log_state import Witness, begin_epoch_after_loss, write_witness
from ckanext.marathon.model import activity, clock, feed, feed_log, unit_of_work
from ckanext.marathon.model.feed import SETTINGS, Activity, Gap, Kind
from ckanext.marathon.model.unit_of_work import SaveRefused, UnitOfWork
from ckanext.marathon.rdf.facts import Site

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
    """Ids of packages and groups that a transaction touched, and whether settings changed."""

    packages: set[str] = field(default_factory=set[str])
    groups: set[str] = field(default_factory=set[str])
    settings: bool = False

    def __bool__(self) -> bool:
        """Return whether there is anything."""
        return bool(self.packages or self.groups or self.settings)


def publish_changes(touched: Touched) -> int:
    """Write this transaction's changes of public content into the log; commits nothing.

    Everything is flushed already.

    Returns:
        how many changes were written.
    """
    return _publish_wanted(
        lambda: describe.find_affected(touched.packages, touched.groups, touched.settings)
    )


def republish_records(wanted: Collection[Key]) -> int:
    """Write down how these records differ from the log; as :func:`publish_changes`.

    What the log says of itself is not trusted: the descriptions are compared.
    """
    return _publish_wanted(lambda: set(wanted), thorough=True)


def withdraw_records(touched: Touched) -> int:
    """Remove records that may no longer be shown from the log, without describing any.

    For when publishing has failed. What may still be shown stays in the log as it was.

    Returns:
        how many changes were written.
    """
    clock.hold_clock()
    rows = feed_log.list_public_entries([*touched.packages, *touched.groups])
    kept = keep_public(Key(Kind(row.kind), row.thing) for row in rows)
    steps = [_make_departure(row) for row in rows if Key(Kind(row.kind), row.thing) not in kept]
    return feed_log.write_steps(steps) if steps else 0


def _publish_wanted(wanted: Callable[[], set[Key]], thorough: bool = False) -> int:
    """Describe without a lock, so that nobody waits; then lock the clock, compare and write.

    Records that other transactions changed in the meantime are described again under the lock, so
    that the transaction that publishes last has seen everything.
    """
    site = keys.find_site()
    renditions, seen = _describe_wanted(wanted(), site)
    if not renditions:
        return 0
    held = clock.hold_clock()
    settled = keys.find_site(held)
    if settled != site:
        site = settled
        renditions, _seen = _describe_wanted(wanted(), site)
    else:
        # A dataset may have come to an organisation since.
        now = wanted() | _list_keys_of_changed_owners(renditions, site) | renditions.keys()
        now |= _list_keys_of_former_holders(renditions, site)
        versions = describe.read_input_versions(now)
        again = {key for key in now if key not in seen or versions[key] != seen[key]}
        if again:
            renditions |= _describe_wanted(again, site, renditions.keys())[0]
    steps = _make_steps(renditions, site, thorough)
    if steps:
        if not held.base:
            clock.settle_clock(site.base, site.vocabulary, keys.page_size())
        return feed_log.write_steps(steps)
    return 0


def _describe_wanted(
    wanted: set[Key], site: Site, done: Collection[Key] = ()
) -> tuple[Renditions, describe.InputVersions]:
    """Describe things, and what belongs to organisations that change in what others say of them.

    Args:
        wanted: the things.
        site: where IRIs start.
        done: what is described already, and is not again because of its organisation.

    Returns:
        the descriptions, and the versions of the rows that they were made from.
    """
    seen = describe.read_input_versions(wanted)
    found = describe_records(wanted, site)
    further = _list_keys_of_changed_owners(found, site) - wanted - set(done)
    if further:
        seen |= describe.read_input_versions(further)
        found |= describe_records(further, site)
    return found, seen


def _list_keys_of_changed_owners(found: Renditions, site: Site) -> set[Key]:
    """Return the records of organisations that appear, disappear, or get or lose an office.

    Datasets name their organisation and its office; the rest of it they do not repeat.
    """
    organizations = {key: each for key, each in found.items() if key.kind == Kind.ORGANIZATION}
    stored = feed_log.read_bodies([key.iri(site) for key in organizations])
    further: set[Key] = set()
    for key, now in organizations.items():
        body = stored.get(key.iri(site))
        before = Rendition(body, ()) if body is not None else None
        if (before is None, has_office(before)) != (now is None, has_office(now)):
            further |= describe.list_keys_of_owner(key.thing)
    return further


def _list_keys_of_former_holders(renditions: Renditions, site: Site) -> set[Key]:
    """Return the records that the log still has under an IRI that now belongs to another."""
    iris = {iri: key for key, iri in keys.find_iris(renditions, site).items()}
    return {
        Key(Kind(row.kind), row.thing)
        for iri, row in feed_log.read_states(iris).items()
        if row.digest is not None and row.thing != iris[iri].thing
    }


def _make_steps(renditions: Renditions, site: Site, thorough: bool) -> list[feed_log.LogStep]:
    iris = keys.find_iris(renditions, site)
    stored = feed_log.read_states(iris.values())
    bodies = feed_log.read_bodies(iris.values()) if thorough else {}
    parts = feed_log.read_scopes(iris.values()) if thorough else {}
    steps: list[feed_log.LogStep] = []
    for key, rendition in renditions.items():
        before = stored.get(iris[key])
        if rendition is None and before is not None and before.thing != key.thing:
            # The IRI is another's by now.
            continue
        activity = _find_activity(before, rendition, key)
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
    steps += _make_departures(renditions, set(iris.values()))
    steps.sort(key=lambda step: (step.activity == Activity.DELETE, ORDER[step.kind], step.iri))
    return steps


def _make_departures(renditions: Renditions, current: Collection[str]) -> list[feed_log.LogStep]:
    """Return the deletions of the IRIs that datasets had before they got others."""
    things = [key.thing for key in renditions if key.kind == Kind.DATASET]
    rows = feed_log.list_public_entries(things)
    return [
        _make_departure(row) for row in rows if row.kind == Kind.DATASET and row.iri not in current
    ]


def _make_departure(row: sa.Row[Any]) -> feed_log.LogStep:
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


def _find_activity(
    before: sa.Row[Any] | None, rendition: Rendition | None, key: Key
) -> Activity | None:
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


logger = logging.getLogger(__name__)

# What could not be published is tried again after this.
RETRY_AFTER = timedelta(minutes=10)


class WithdrawalRefused(SaveRefused):
    """A record that may no longer be shown cannot be removed from the feed: nothing is saved."""

    def __init__(self) -> None:
        """Say what to do."""
        text = tk._(
            "The feed that portals copy could not be told of this change, so nothing was saved: "
            "portals would go on showing what it withdraws. Try again later. If it lasts, tell "
            "the administrator: the server's log says why."
        )
        super().__init__(tk._("The feed"), text)


class OpenedGaps:
    """Noted in a transaction that leaves gaps in the log."""


def publish_or_note(unit: UnitOfWork, touched: Touched) -> None:
    """Publish the records that a transaction touched; if that fails, note them for later.

    Raises:
        WithdrawalRefused: what may not be shown any more cannot be taken out of the log.
    """
    advance = unit.find_notes(clock.Advance)
    # A savepoint of the connection: one of the session would tell Solr of everything again.
    connection = model.Session.connection()
    try:
        with connection.begin_nested():
            publish_changes(touched)
        return
    except Exception as fault:
        unit.replace_notes(clock.Advance, advance)
        is_lost = isinstance(fault, DBAPIError) and fault.connection_invalidated
        if is_lost or not unit.session.is_active:
            # Nothing can be saved in this transaction any more.
            raise
        logger.exception("What was saved could not be published; it is tried again later")
    try:
        with connection.begin_nested():
            withdraw_records(touched)
            feed.add_gaps(touched.packages, touched.groups, touched.settings)
    except Exception as fault:
        unit.replace_notes(clock.Advance, advance)
        logger.exception("What may not be shown any more could not be taken out of the feed")
        raise WithdrawalRefused from fault
    unit.get_notes(OpenedGaps)


def fill_gaps() -> bool:
    """Publish the records that the log lacks, one for each transaction; run as a job.

    Returns:
        whether all that was due is published.
    """
    is_filled = True
    model.Session.rollback()
    while gap := feed.claim_gap():
        try:
            _publish_gap(gap)
        except Exception:
            # One record must not keep all others waiting. ``doctor`` says that it waits.
            model.Session.rollback()
            logger.exception("The record %s cannot be published", gap.record)
            feed.postpone_gap(gap.id, RETRY_AFTER)
            model.Session.commit()
            is_filled = False
    model.Session.rollback()
    return is_filled


def _publish_gap(gap: Gap) -> None:
    packages = {gap.record} if gap.record and not gap.is_group else set[str]()
    groups = {gap.record} if gap.is_group else set[str]()
    republish_records(describe.find_affected(packages, groups, gap.record == SETTINGS))
    feed.close_gaps([gap.id])
    model.Session.commit()


def enqueue_filling(unit: UnitOfWork) -> None:
    """Enqueue a background job that fills the gaps that a transaction opened."""
    if unit.find_notes(OpenedGaps) is None:
        return
    try:
        tk.enqueue_job(fill_gaps, title="marathon: gaps of the feed")
    except RedisError as fault:
        # They stay; a web process fills them.
        logger.warning("No background job for the gaps of the feed: %s", fault)


def note_flush(unit: UnitOfWork) -> None:
    """Note the records that the flush is about to change or delete."""
    for record in (*unit.changed, *unit.deleted):
        _note_record(unit.get_notes(Touched), record)


def note_created(unit: UnitOfWork) -> None:
    """Note the records that the flush inserted."""
    for record in unit.created:
        _note_record(unit.get_notes(Touched), record)


def note_settings() -> None:
    """Note a change of settings that the catalogue's own description uses (its title)."""
    unit_of_work.get_unit().get_notes(Touched).settings = True


def _note_record(touched: Touched, record: Any) -> None:
    if isinstance(record, model.Package):
        touched.packages.add(record.id)
    elif isinstance(record, model.Resource | model.PackageTag):
        if record.package_id:
            touched.packages.add(record.package_id)
    elif isinstance(record, model.Group):
        touched.groups.add(record.id)
    elif isinstance(record, model.Member):
        if record.table_name == "package" and record.table_id:
            touched.packages.add(record.table_id)
    elif isinstance(record, model.Tag):
        touched.packages.update(tagging.package_id for tagging in record.package_tags)


def relabel_activities(unit: UnitOfWork) -> None:
    """Give activities about the touched records the present permission labels."""
    touched = unit.find_notes(Touched)
    if touched:
        activity.relabel_rows(touched.packages, touched.groups)


def publish_touched(unit: UnitOfWork) -> None:
    """Tell the log. The last step: the clock is the last lock that a transaction takes."""
    touched = unit.find_notes(Touched)
    if touched:
        publish_or_note(unit, touched)


def note_witness(unit: UnitOfWork) -> None:
    """Note the last change outside of the database, once it is committed."""
    advance = unit.find_notes(clock.Advance)
    if advance:
        write_witness(Witness(advance.number, advance.mark))


@cache
def publish_settings() -> None:
    """Publish, once for each process, the catalogue's description if settings changed.

    They are in a file that is read when a process starts. Before anything was published nothing
    is: where IRIs start may still be set. If an older database was brought back, a new epoch of the
    log begins first.
    """
    begin_epoch_after_loss()
    if clock.read_clock().number:
        note_settings()
    model.Session.commit()
