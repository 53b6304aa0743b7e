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
from collections.abc import Callable, Collection, Hashable
from datetime import timedelta
from functools import cache

import ckan.plugins.toolkit as tk
from ckan import model
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from ckanext.marathon.feeds import port
from ckanext.marathon.feeds.log_state import (
    Witness,
    begin_epoch_after_loss,
    find_settings,
    write_witness,
)
from ckanext.marathon.feeds.port import Description, Descriptions, FeedSettings, Key, Touched
from ckanext.marathon.model import clock, feed, feed_log, unit_of_work
from ckanext.marathon.model.feed import SETTINGS, Activity, Gap, Kind
from ckanext.marathon.model.feed_log import EntryState, PublicEntry
from ckanext.marathon.model.unit_of_work import SaveRefused, UnitOfWork

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


def publish_changes(touched: Touched) -> int:
    """Write this transaction's changes of public content into the log; commits nothing.

    Everything is flushed already.

    Returns:
        how many changes were written.
    """
    return _publish_wanted(lambda: port.get_source().find_affected(touched))


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
    kept = port.get_source().keep_public([Key(Kind(row.kind), row.thing) for row in rows])
    steps = [_make_departure(row) for row in rows if Key(Kind(row.kind), row.thing) not in kept]
    return feed_log.write_steps(steps) if steps else 0


def _publish_wanted(wanted: Callable[[], set[Key]], thorough: bool = False) -> int:
    """Describe without a lock, so that nobody waits; then lock the clock, compare and write.

    Records that other transactions changed in the meantime are described again under the lock, so
    that the transaction that publishes last has seen everything.
    """
    settings = find_settings()
    descriptions, seen = _describe_wanted(wanted(), settings)
    if not descriptions:
        return 0
    held = clock.hold_clock()
    settled = find_settings(held)
    if settled != settings:
        settings = settled
        descriptions, _seen = _describe_wanted(wanted(), settings)
    else:
        source = port.get_source()
        # A dataset may have come to an organisation since.
        now = wanted() | source.find_affected_by_descriptions(descriptions) | descriptions.keys()
        now |= _list_keys_of_former_holders(descriptions)
        versions = source.read_input_versions(now)
        again = {key for key in now if key not in seen or versions[key] != seen[key]}
        if again:
            descriptions |= _describe_wanted(again, settings, descriptions.keys())[0]
    steps = _make_steps(descriptions, thorough)
    if steps:
        if not held.base:
            clock.settle_clock(settings.base, settings.vocabulary, settings.page_size)
        return feed_log.write_steps(steps)
    return 0


def _describe_wanted(
    wanted: set[Key], settings: FeedSettings, done: Collection[Key] = ()
) -> tuple[Descriptions, dict[Key, Hashable]]:
    """Describe records, and the further ones that these descriptions affect.

    Args:
        wanted: the records.
        settings: where IRIs start.
        done: what is described already, and is not again because another description affects it.

    Returns:
        the descriptions, and the versions of what they were made from.
    """
    source = port.get_source()
    seen = dict(source.read_input_versions(wanted))
    found = source.describe_records(wanted, settings)
    further = source.find_affected_by_descriptions(found) - wanted - set(done)
    if further:
        seen |= source.read_input_versions(further)
        found |= source.describe_records(further, settings)
    return found, seen


def _list_keys_of_former_holders(descriptions: Descriptions) -> set[Key]:
    """Return the records that the log still has under an IRI that now belongs to another."""
    holders = {found.iri: key for key, found in descriptions.items() if found}
    return {
        Key(Kind(row.kind), row.thing)
        for iri, row in feed_log.read_states(holders).items()
        if row.digest is not None and row.thing != holders[iri].thing
    }


def _make_steps(descriptions: Descriptions, thorough: bool) -> list[feed_log.LogStep]:
    """Return what is to be written so that the log has these descriptions, in order."""
    iris = [found.iri for found in descriptions.values() if found]
    stored = feed_log.read_states(iris)
    bodies = feed_log.read_bodies(iris) if thorough else {}
    parts = feed_log.read_scopes(iris) if thorough else {}
    steps: list[feed_log.LogStep] = []
    for key, found in descriptions.items():
        if found is None:
            continue
        before = stored.get(found.iri)
        activity = _find_activity(before, found, key)
        if thorough:
            said = bodies.get(found.iri, b""), parts.get(found.iri, ())
            if said != (found.body, found.scopes):
                activity = activity or Activity.UPDATE
        if activity is None:
            continue
        steps.append(
            feed_log.LogStep(
                iri=found.iri,
                kind=key.kind,
                thing=key.thing,
                activity=activity,
                slot=before.slot if before else None,
                body=zlib.compress(found.body),
                digest=found.digest,
                refs=found.refs,
                degraded=found.degraded,
                scopes=found.scopes,
                first_published=found.first_published,
            )
        )
    steps += [_make_departure(row) for row in list_departed_entries(descriptions)]
    steps.sort(key=lambda step: (step.activity == Activity.DELETE, ORDER[step.kind], step.iri))
    return steps


def list_departed_entries(descriptions: Descriptions) -> list[PublicEntry]:
    """Return the public entries that must become tombstones.

    These are all entries of a record that is not public, and entries of a dataset under an IRI that
    it had before. An IRI that another record has by now is left out.
    """
    current = {found.iri for found in descriptions.values() if found}
    things = [
        key.thing
        for key, found in descriptions.items()
        if found is None or key.kind == Kind.DATASET
    ]
    return [
        row
        for row in feed_log.list_public_entries(things)
        if Key(Kind(row.kind), row.thing) in descriptions and row.iri not in current
    ]


def _make_departure(row: PublicEntry) -> feed_log.LogStep:
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


def _find_activity(before: EntryState | None, found: Description, key: Key) -> Activity | None:
    """Return what happened to a public record, ``None`` if nothing did."""
    if before is None or before.digest is None:
        return Activity.CREATE
    same = (before.digest, before.degraded, before.thing) == (
        found.digest,
        found.degraded,
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
    touched = Touched(packages, groups, gap.record == SETTINGS)
    republish_records(port.get_source().find_affected(touched))
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


def _note_record(touched: Touched, record: object) -> None:
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
