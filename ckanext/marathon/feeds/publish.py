"""Writing changes into the log: the records that a save touches, compared with their entries.

CKAN's plugin hooks are not called for all deletions, purges, moves and changes of organisations, so
the session is listened to (``model/unit_of_work.py``). Only bulk SQL is not seen there; ``feed
verify`` finds its changes.

A fault while publishing does not stop the save: the log gets a gap, which a job fills later.
Records that may not be shown any more are taken out of the log at once; if that fails, the save is
refused.
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

# The order of changes within a transaction: neighbours before the records that name them.
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

    The session must be flushed.

    Returns:
        the number of changes written.
    """
    return _publish_wanted(lambda: port.get_source().find_affected(touched))


def republish_records(wanted: Collection[Key]) -> int:
    """Write the differences between these records and the log; as :func:`publish_changes`.

    The stored descriptions themselves are compared, not only their digests.
    """
    return _publish_wanted(lambda: set(wanted), thorough=True)


def withdraw_records(touched: Touched) -> int:
    """Remove records that may no longer be shown from the log, without describing any.

    Called when publishing has failed. Other records stay in the log as they were.

    Returns:
        the number of changes written.
    """
    clock.lock_clock()
    rows = feed_log.list_public_entries([*touched.packages, *touched.groups])
    kept = port.get_source().keep_public([Key(Kind(row.kind), row.thing) for row in rows])
    steps = [_make_departure(row) for row in rows if Key(Kind(row.kind), row.thing) not in kept]
    return feed_log.write_steps(steps) if steps else 0


def _publish_wanted(wanted: Callable[[], set[Key]], thorough: bool = False) -> int:
    """Describe records without a lock, so that nobody waits; then lock the clock and write.

    Records that other transactions changed in the meantime are described again under the lock, so
    that no change of a concurrent transaction is lost.
    """
    settings = find_settings()
    descriptions, seen = _describe_wanted(wanted(), settings)
    if not descriptions:
        return 0
    locked = clock.lock_clock()
    fixed = find_settings(locked)
    if fixed != settings:
        settings = fixed
        descriptions, _seen = _describe_wanted(wanted(), settings)
    else:
        source = port.get_source()
        # Another transaction may have moved a dataset to one of these organisations.
        now = wanted() | source.find_affected_by_descriptions(descriptions) | descriptions.keys()
        now |= _list_keys_of_former_holders(descriptions)
        versions = source.read_input_versions(now)
        again = {key for key in now if key not in seen or versions[key] != seen[key]}
        if again:
            descriptions |= _describe_wanted(again, settings, descriptions.keys())[0]
    steps = _make_steps(descriptions, thorough)
    if steps:
        if not locked.base:
            clock.fix_settings(settings.base, settings.vocabulary, settings.page_size)
        return feed_log.write_steps(steps)
    return 0


def _describe_wanted(
    wanted: set[Key], settings: FeedSettings, done: Collection[Key] = ()
) -> tuple[Descriptions, dict[Key, Hashable]]:
    """Describe records, and the further ones that these descriptions affect.

    Args:
        wanted: the records.
        settings: the settings of the feed.
        done: records that are described already; they are not described again because another
            description affects them.

    Returns:
        the descriptions, and the versions of the rows that they were made from.
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
    """Return the records whose entries have an IRI that now belongs to another record."""
    holders = {found.iri: key for key, found in descriptions.items() if found}
    return {
        Key(Kind(row.kind), row.thing)
        for iri, row in feed_log.read_states(holders).items()
        if row.digest is not None and row.thing != holders[iri].thing
    }


def _make_steps(descriptions: Descriptions, thorough: bool) -> list[feed_log.LogStep]:
    """Return the changes after which the log has these descriptions, in order."""
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
            logged = bodies.get(found.iri, b""), parts.get(found.iri, ())
            if logged != (found.body, found.scopes):
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

# A record that could not be published is tried again after this time.
RETRY_AFTER = timedelta(minutes=10)


class WithdrawalRefused(SaveRefused):
    """A record that may no longer be shown cannot be removed from the feed: nothing is saved."""

    def __init__(self) -> None:
        """Set the text that the person reads."""
        text = tk._(
            "The feed that portals copy could not be told of this change, so nothing was saved: "
            "portals would go on showing what it withdraws. Try again later. If it lasts, tell "
            "the administrator: the server's log says why."
        )
        super().__init__(tk._("The feed"), text)


class OpenedGaps:
    """The note of a transaction that leaves gaps in the log."""


def publish_or_note(unit: UnitOfWork, touched: Touched) -> None:
    """Publish the records that a transaction touched; if that fails, add gaps for them.

    Raises:
        WithdrawalRefused: records that may not be shown any more cannot be taken out of the log.
    """
    advance = unit.find_notes(clock.Advance)
    # A savepoint of the connection: one of the session would index all records again.
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
        logger.exception("The saved records could not be published; it is tried again later")
    try:
        with connection.begin_nested():
            withdraw_records(touched)
            feed.add_gaps(touched.packages, touched.groups, touched.settings)
    except Exception as fault:
        unit.replace_notes(clock.Advance, advance)
        logger.exception("Records that may not be shown could not be taken out of the feed")
        raise WithdrawalRefused from fault
    unit.get_notes(OpenedGaps)


def fill_gaps() -> bool:
    """Publish the records of all due gaps, each in a transaction of its own; run as a job.

    Returns:
        whether all of them were published.
    """
    is_filled = True
    model.Session.rollback()
    while gap := feed.claim_gap():
        try:
            _publish_gap(gap)
        except Exception:
            # One record must not keep all others waiting. ``doctor`` reports it.
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
        # The gaps stay; a web process fills them later.
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
    """Note a change of settings that the catalogue's description uses (its title)."""
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
    """Publish what the transaction touched.

    It must be the last step, because the clock must be the last lock that a transaction takes.
    """
    touched = unit.find_notes(Touched)
    if touched:
        publish_or_note(unit, touched)


def note_witness(unit: UnitOfWork) -> None:
    """Write the witness, once the last change is committed."""
    advance = unit.find_notes(clock.Advance)
    if advance:
        write_witness(Witness(advance.number, advance.mark))


@cache
def publish_settings() -> None:
    """Publish the catalogue's description if settings changed; once for each process.

    Settings are in a file that is read when a process starts. Nothing is written before the first
    publication, so that the start of IRIs can still be set. If an older database was restored, a
    new epoch of the log begins first.
    """
    begin_epoch_after_loss()
    if clock.read_clock().number:
        note_settings()
    model.Session.commit()
