"""The last guard: whatever deletes or purges a package, also without any action of CKAN's.

What ckanext-activity is about to write down passes here too.

``ckan dataset delete`` changes the state by itself; so may other extensions. Listening to the
session sees all of them, bulk SQL excepted.
"""

from __future__ import annotations

from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import click
import sqlalchemy as sa
from ckan import model
from ckan.types import Context
from sqlalchemy import event

from ckanext.marathon.logic import activity, cutting, guards, say
from ckanext.marathon.logic.viewing import Viewer


class DeletionRefused(tk.ValidationError, click.ClickException):
    """Others depend on it: an error of validation for programs, one line on the command line."""

    def __init__(self, message: str) -> None:
        """Keep the sentence for both."""
        tk.ValidationError.__init__(self, {"message": message})
        self.message = message


def start() -> None:
    """Listen to CKAN's session from now on; again changes nothing.

    Before CKAN's own listener, which notes what has changed.
    """
    if not event.contains(model.Session, "before_flush", _before_flush):
        event.listen(model.Session, "before_flush", _before_flush, insert=True)


def _before_flush(session: Any, _flush_context: Any, _instances: Any) -> None:
    if not p.plugin_loaded("marathon"):
        return
    for package in [each for each in session.dirty if isinstance(each, model.Package)]:
        if _is_being_deleted(package):
            _refuse_orphans(package)
    for package in [each for each in session.deleted if isinstance(each, model.Package)]:
        if package.type in cutting.KINDS:
            cutting.cut(package)
    activity.settle_new_rows(session)


def _is_being_deleted(package: model.Package) -> bool:
    inspected: Any = sa.inspect(package)
    history = inspected.attrs.state.history
    return package.state == model.State.DELETED and history.has_changes()


def _refuse_orphans(package: model.Package) -> None:
    found = guards.dependents(package)
    if found:
        viewer = Viewer(Context())
        raise DeletionRefused(say.text(guards.in_the_way(found, viewer)))
