"""The unit of work: calls the steps of a save in a fixed order.

Rules that may refuse a save, links, the search index, the record of changes and the feed's log all
work within the transaction of the save. They are written as *steps*: functions with the unit as
argument. ``logic/saving.py`` lists the steps of each phase in their order. This module alone
listens to CKAN's session and calls them.

All saves pass through the session: those of forms, the API, commands, jobs and other plugins. Only
bulk SQL does not; ``feed verify`` and ``index check`` find its changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import click
import sqlalchemy as sa
from ckan import model
from sqlalchemy import event

Notes = TypeVar("Notes")


class SaveRefused(tk.ValidationError, click.ClickException):
    """The site refuses a save: a validation error, so that forms keep the typed values.

    Attributes:
        text: the message, which tells people what to do; a command prints only this line.
    """

    def __init__(self, heading: str, text: str) -> None:
        """Set the message; forms show it under the heading."""
        tk.ValidationError.__init__(self, {"message": [text]}, {heading: text})
        self.message = self.text = text


class UnitOfWork:
    """One transaction of a session, with the notes of its steps.

    It begins with the first note or the first flush and ends with the outermost transaction.
    Savepoints belong to it; a record whose change is rolled back with a savepoint may be noted, and
    must then turn out to be unchanged.

    Attributes:
        session: the session; its transaction is open until the unit has ended.
        created: records that the current flush inserts. Their ids are known in ``note_created``.
        changed: records that the current flush updates.
        deleted: records that the current flush deletes.
    """

    def __init__(self, session: Any) -> None:
        """Begin with no notes."""
        self.session = session
        self.created: list[Any] = []
        self.changed: list[Any] = []
        self.deleted: list[Any] = []
        self._notes: dict[type[Any], Any] = {}

    def get_notes(self, kind: type[Notes]) -> Notes:
        """Return the notes of a class; an empty instance is made at the first call."""
        return self._notes.setdefault(kind, kind())

    def find_notes(self, kind: type[Notes]) -> Notes | None:
        """Return the notes of a class, ``None`` if there are none."""
        return self._notes.get(kind)

    def replace_notes(self, kind: type[Notes], notes: Notes | None) -> None:
        """Replace the notes of a class; ``None`` deletes them."""
        self._notes.pop(kind, None)
        if notes is not None:
            self._notes[kind] = notes


def settle_created() -> None:
    """Call the steps for the records that the last flush inserted.

    Needed before records are expunged from the session in the middle of a long transaction.
    """
    unit = find_unit()
    if unit is not None:
        _settle_created(unit)


Step = Callable[[UnitOfWork], None]


@dataclass(frozen=True)
class Steps:
    """The steps of each phase, in the order in which they are called.

    Attributes:
        before_flush: before anything is written; links still have their former state. A step may
            raise, which refuses the save, and may change further records.
        note_flush: ``created``, ``changed`` and ``deleted`` are final, and the former values are
            still known. A step changes nothing.
        note_created: the records in ``created`` were inserted and have their ids. Called before the
            next flush or the commit. A step changes nothing.
        before_commit: everything is flushed, and CKAN has updated Solr. Only for the outermost
            commit. A step may raise, which refuses the save.
        after_commit: the transaction is over; the session must not be used.
        after_rollback: the transaction was rolled back, or its session was closed or removed; the
            session must not be used.
    """

    before_flush: tuple[Step, ...] = ()
    note_flush: tuple[Step, ...] = ()
    note_created: tuple[Step, ...] = ()
    before_commit: tuple[Step, ...] = ()
    after_commit: tuple[Step, ...] = ()
    after_rollback: tuple[Step, ...] = ()


_KEY = "marathon_unit_of_work"
_steps = Steps()


def start_listening(steps: Steps) -> None:
    """Set the steps that are called from now on."""
    global _steps
    _steps = steps
    # CKAN's own listener of ``before_flush`` notes changed records, so ours comes before it. CKAN's
    # listener of ``before_commit`` updates Solr, and ours comes after it.
    for name, listener, is_first in (
        ("before_flush", _before_flush, True),
        ("before_commit", _before_commit, False),
        ("after_commit", _after_end, False),
        ("after_transaction_end", _after_end, False),
    ):
        if not event.contains(model.Session, name, listener):
            event.listen(model.Session, name, listener, insert=is_first)


def get_unit() -> UnitOfWork:
    """Return the unit of the current session, begun if there is none."""
    return _get_unit(model.Session())


def find_unit() -> UnitOfWork | None:
    """Return the unit of the current session, ``None`` if nothing has begun one."""
    return model.Session().info.get(_KEY)


def _get_unit(session: Any) -> UnitOfWork:
    if _KEY not in session.info:
        session.info[_KEY] = UnitOfWork(session)
    return session.info[_KEY]


def _call_steps(steps: tuple[Step, ...], unit: UnitOfWork) -> None:
    for step in steps:
        step(unit)


def _before_flush(session: Any, _flush_context: Any, _instances: Any) -> None:
    if not p.plugin_loaded("marathon"):
        return
    unit = _get_unit(session)
    _settle_created(unit)
    _call_steps(_steps.before_flush, unit)
    unit.created = list(session.new)
    unit.changed = [record for record in session.dirty if session.is_modified(record)]
    unit.deleted = list(session.deleted)
    _call_steps(_steps.note_flush, unit)


def _settle_created(unit: UnitOfWork) -> None:
    """Call the steps for records that the last flush inserted and no savepoint has undone."""
    unit.created = [record for record in unit.created if not _is_undone(record)]
    if unit.created:
        _call_steps(_steps.note_created, unit)
    unit.created = []


def _is_undone(record: Any) -> bool:
    inspected: Any = sa.inspect(record)
    return inspected.transient


def _before_commit(session: Any) -> None:
    # The event is also sent for savepoints.
    if session.in_nested_transaction() or not p.plugin_loaded("marathon"):
        return
    session.flush()
    unit = session.info.get(_KEY)
    if unit is not None:
        _settle_created(unit)
        _call_steps(_steps.before_commit, unit)


def _after_end(session: Any, transaction: Any = None) -> None:
    """End the unit after a commit or, if ``transaction`` is given, after its end.

    The event of a commit comes first, so a unit that still exists when its transaction ends was
    rolled back. SQLAlchemy has an event for rollbacks, but not for sessions that are closed.
    """
    if session.in_nested_transaction() or (transaction and transaction.parent is not None):
        return
    unit = session.info.pop(_KEY, None)
    if unit is not None:
        _call_steps(_steps.after_rollback if transaction else _steps.after_commit, unit)
