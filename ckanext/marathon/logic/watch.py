"""Deleting and purging packages, also without any action of CKAN's.

``ckan dataset delete`` changes the state by itself; so may other extensions. These steps of every
save (``logic/saving.py``) see all of them, bulk SQL excepted.
"""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import click
import sqlalchemy as sa
from ckan import model
from ckan.types import Context

from ckanext.marathon.logic import cutting, guards, say
from ckanext.marathon.model.unit_of_work import UnitOfWork
from ckanext.marathon.visibility import Viewer


class DeletionRefused(tk.ValidationError, click.ClickException):
    """Others depend on it: an error of validation for programs, one line on the command line."""

    def __init__(self, message: str) -> None:
        """Keep the sentence for both."""
        tk.ValidationError.__init__(self, {"message": message})
        self.message = message


def refuse_orphans(unit: UnitOfWork) -> None:
    """Refuse to delete a package that others depend on.

    Raises:
        DeletionRefused: others depend on it.
    """
    for package in [record for record in unit.session.dirty if isinstance(record, model.Package)]:
        if _is_being_deleted(package):
            _refuse_if_needed(package)


def cut_links_of_purged(unit: UnitOfWork) -> None:
    """Take packages that are about to be purged out of what refers to them."""
    for package in [record for record in unit.session.deleted if isinstance(record, model.Package)]:
        if package.type in cutting.KINDS:
            cutting.cut(package)


def _is_being_deleted(package: model.Package) -> bool:
    inspected: Any = sa.inspect(package)
    history = inspected.attrs.state.history
    return package.state == model.State.DELETED and history.has_changes()


def _refuse_if_needed(package: model.Package) -> None:
    found = guards.dependents(package)
    if found:
        viewer = Viewer(Context())
        raise DeletionRefused(say.text(guards.in_the_way(found, viewer)))
