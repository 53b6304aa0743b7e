"""Noting what a transaction touches, and publishing it before it is committed.

Whom activities about it are shown to, and the record of who changed what (``model/auditing.py``),
are written in the same transaction, from the same notes.

CKAN's plugin hooks miss or misplace deletions, purges, moves and everything that happens to
organisations. Listening to the session sees all of them; bulk SQL excepted, which ``feed
verify`` finds.
"""

from __future__ import annotations

from typing import Any

import ckan.plugins as p
from ckan import model
from sqlalchemy import event

from ckanext.marathon.feeds.publish import Touched, publish
from ckanext.marathon.feeds.witness import Witness, write_witness
from ckanext.marathon.model import activity, auditing
from ckanext.marathon.model.clock import ADVANCED

_KEY = "marathon_feed_touched"


def start() -> None:
    """Listen to CKAN's session from now on; again changes nothing."""
    for name, listener in (
        ("after_flush", _after_flush),
        # After CKAN's own listener, which tells Solr.
        ("before_commit", _before_commit),
        ("after_commit", _after_commit),
        ("after_rollback", _forget),
    ):
        if not event.contains(model.Session, name, listener):
            event.listen(model.Session, name, listener)


def _touched(session: Any) -> Touched:
    return session.info.setdefault(_KEY, Touched())


def _after_flush(session: Any, _flush_context: Any) -> None:
    if not p.plugin_loaded("marathon"):
        return
    auditing.note_flush(session)
    # New things have their ids by now, and what was changed is still known.
    modified = [each for each in session.dirty if session.is_modified(each)]
    for thing in (*session.new, *modified, *session.deleted):
        _note(_touched(session), thing)


def _note(touched: Touched, thing: Any) -> None:
    if isinstance(thing, model.Package):
        touched.packages.add(thing.id)
    elif isinstance(thing, model.Resource | model.PackageTag):
        if thing.package_id:
            touched.packages.add(thing.package_id)
    elif isinstance(thing, model.Group):
        touched.groups.add(thing.id)
    elif isinstance(thing, model.Member):
        if thing.table_name == "package" and thing.table_id:
            touched.packages.add(thing.table_id)
    elif isinstance(thing, model.Tag):
        touched.packages.update(each.package_id for each in thing.package_tags)


def _before_commit(session: Any) -> None:
    # Savepoints announce themselves like commits.
    if session.in_nested_transaction() or not p.plugin_loaded("marathon"):
        return
    session.flush()
    auditing.write_entries(session)
    touched = session.info.get(_KEY)
    if touched:
        # Before the clock, which is the last lock that a transaction takes.
        activity.relabel(touched.packages, touched.groups)
        publish(touched)


def _after_commit(session: Any) -> None:
    advanced = session.info.get(ADVANCED)
    if advanced and not session.in_nested_transaction():
        write_witness(Witness(*advanced))
    _forget(session)


def _forget(session: Any) -> None:
    # What a savepoint undid is described all the same, and found to be as it was.
    if not session.in_nested_transaction():
        session.info.pop(_KEY, None)
        session.info.pop(ADVANCED, None)
        auditing.forget_notes(session)
