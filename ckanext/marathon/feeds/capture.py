"""The steps of a save that tell the feed's log: noting what is touched, and publishing it.

CKAN's plugin hooks miss or misplace deletions, purges, moves and everything that happens to
organisations. The session sees all of them (``model/unit_of_work.py``); bulk SQL excepted, which
``feed verify`` finds.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from ckan import model

from ckanext.marathon.feeds.gaps import publish_or_note
from ckanext.marathon.feeds.publish import Touched
from ckanext.marathon.feeds.witness import Witness, begin_epoch_after_loss, write_witness
from ckanext.marathon.model import activity, clock, unit_of_work
from ckanext.marathon.model.unit_of_work import UnitOfWork


def note_flush(unit: UnitOfWork) -> None:
    """Note what is about to be changed or deleted."""
    for record in (*unit.changed, *unit.deleted):
        _note(unit.get_notes(Touched), record)


def note_created(unit: UnitOfWork) -> None:
    """Note what was inserted."""
    for record in unit.created:
        _note(unit.get_notes(Touched), record)


def note_settings() -> None:
    """Note that settings of the site change, which the catalogue says of itself."""
    unit_of_work.get_unit().get_notes(Touched).settings = True


def _note(touched: Touched, record: Any) -> None:
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
    """Have activities about what is touched shown to those who may see it now."""
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
    """Write down, once a process, what the catalogue says of itself since settings changed.

    They are in a file that is read when a process starts. Before anything was published nothing
    is: where IRIs start may still be set. If an older database was brought back, a new epoch of the
    log begins first.
    """
    begin_epoch_after_loss()
    if clock.read_clock().number:
        note_settings()
    model.Session.commit()
