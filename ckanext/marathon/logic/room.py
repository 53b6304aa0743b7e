"""No save begins while the disk is nearly full.

PostgreSQL stops when it cannot write its log, and Solr closes its index; both serve readers too.
So what would be saved is refused before the first row is written, by everybody who saves: pages,
the API, imports, background jobs and commands. The session knows all of them, bulk SQL excepted.
"""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from flask import g, has_request_context

from ckanext.marathon.model import disk
from ckanext.marathon.model.unit_of_work import SaveRefused, UnitOfWork

# Notes that CKAN makes of somebody who only reads.
_NOTES = {"last_active", "last_access", "activity_stream_last_viewed", "email_last_sent"}
_REFUSED = "marathon_no_room"


class NoRoom(SaveRefused):
    """The disk is full."""

    def __init__(self) -> None:
        """Say what to do, and note for the answer's status that this was the reason."""
        text = tk._(
            "The disk of the server is full: nothing was saved, and nothing is half saved. What "
            "is published can be read meanwhile. Try again later; what you entered is still in "
            "the form. If it lasts, tell the administrator to make room on the disk."
        )
        super().__init__(tk._("Disk full"), text)
        if has_request_context():
            g.marathon_no_room = text


def get_refusal() -> str | None:
    """Return what a save of this request was refused with for lack of room, if one was."""
    return g.get(_REFUSED)


def refuse_without_room(unit: UnitOfWork) -> None:
    """Refuse a save while the disk is nearly full.

    Raises:
        NoRoom: it is.
    """
    if _saves(unit.session) and not disk.has_room():
        raise NoRoom


def _saves(session: Any) -> bool:
    """Return whether the session holds more than notes about readers."""
    if session.new or session.deleted:
        return True
    return any(_changed(record) - _NOTES for record in session.dirty)


def _changed(record: Any) -> set[str]:
    inspected: Any = sa.inspect(record)
    return {attribute.key for attribute in inspected.attrs if attribute.history.has_changes()}
