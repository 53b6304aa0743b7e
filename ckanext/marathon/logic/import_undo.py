"""Undoing an import: created records are deleted, changed fields get their former values.

What was edited since the import stays, and is listed. Everything is undone in one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.marathon.logic import bulk, deletion, importing
from ckanext.marathon.model import audit, unit_of_work
from ckanext.marathon.model import importing as ledger
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.importing import ImportChange

DELETED, RESTORED, PARTLY, KEPT = "deleted", "restored", "partly_restored", "kept"
# Records after which the session is emptied.
_BATCH = 200


class UndoneRecord(NamedTuple):
    """What became of one record of the import.

    Attributes:
        outcome: ``deleted``, ``restored``, ``partly_restored`` or ``kept``.
        reason: why it, or some of its fields, stay as they are.
    """

    outcome: str
    type: str
    id: str
    title: str
    reason: str = ""


@dataclass
class UndoReport:
    """The result of an undo; ``records`` are in the order of the undo."""

    records: list[UndoneRecord] = field(default_factory=list[UndoneRecord])

    def count(self, *outcomes: str) -> int:
        """Return the number of records with one of these outcomes."""
        return sum(record.outcome in outcomes for record in self.records)

    def list_left(self) -> list[UndoneRecord]:
        """Return the records that stay, wholly or in part."""
        return [record for record in self.records if record.outcome in (KEPT, PARTLY)]


def undo_import(import_id: str, user: str) -> UndoReport:
    """Undo an import.

    Args:
        import_id: its id in the ledger.
        user: name of the person, whose permissions apply to every record.

    Raises:
        ckan.plugins.toolkit.ObjectNotFound: there is no such import.
        ckan.plugins.toolkit.ValidationError: it saved nothing, or is undone already.
    """
    found = ledger.find_import(import_id, is_locked=True)
    if found is None:
        model.Session.rollback()
        raise tk.ObjectNotFound(tk._("Not found"))
    if found.state != ledger.ImportState.DONE:
        model.Session.rollback()
        message = (
            tk._("This import is undone already")
            if found.state == ledger.ImportState.UNDONE
            else tk._("This import saved nothing, so there is nothing to undo")
        )
        raise tk.ValidationError({"id": [message]})
    undo = _Undo(user)
    try:
        with audit.record_as_import():
            undo.run(import_id)
        ledger.change_import(
            import_id,
            state=ledger.ImportState.UNDONE,
            undone_at=datetime.now(UTC),
            undone_by=user,
            undo={"records": [record._asdict() for record in undo.report.records]},
        )
        bulk.mark_for_index(undo.touched)
        model.repo.commit()
    except BaseException:
        model.Session.rollback()
        model.Session.expunge_all()
        raise
    model.Session.expunge_all()
    bulk.index_packages(undo.touched)
    return undo.report


class _Undo:
    def __init__(self, user: str) -> None:
        self._user = user
        self.report = UndoReport()
        self.touched: list[str] = []

    def run(self, import_id: str) -> None:
        """Undo the changes, the last first, so that dependents come before their targets."""
        for number, change in enumerate(ledger.read_changes_backwards(import_id), 1):
            self.report.records.append(self._undo_change(change))
            if number % _BATCH == 0:
                unit_of_work.settle_created()
                model.Session.expunge_all()

    def _undo_change(self, change: ImportChange) -> UndoneRecord:
        package = package_model.lock_packages([change.package_id]).get(change.package_id)
        if package is None or package.state == model.State.DELETED:
            return _report(KEPT, change, "", tk._("It was deleted since"))
        title = package.title or package.name
        context = bulk.make_context(self._user, model.User.get(self._user))
        try:
            if change.action == importing.CREATED:
                outcome, reason = self._delete(context, package, change)
            else:
                outcome, reason = self._restore(context, package, change)
        except tk.ValidationError as error:
            if bulk.is_saving(context):
                raise
            reason = "; ".join(importing.flatten_errors(error.error_dict))
            outcome = KEPT
        except tk.NotAuthorized:
            outcome, reason = KEPT, tk._("You may not change it")
        if outcome != KEPT:
            self.touched.append(change.package_id)
        return _report(outcome, change, title, reason)

    @staticmethod
    def _delete(context: Any, package: model.Package, change: ImportChange) -> tuple[str, str]:
        if bulk.digest_package(package) != change.digest:
            return KEPT, tk._("It was edited since")
        if dependents := deletion.list_dependents(package):
            viewer = importing.Viewer(context)
            names = deletion.write_record_names(dependents, viewer)
            return KEPT, tk._("Other records depend on it: {names}").format(names=names)
        bulk.delete_package(context, package)
        return DELETED, ""

    @staticmethod
    def _restore(context: Any, package: model.Package, change: ImportChange) -> tuple[str, str]:
        edited = [
            name
            for name, value in change.after.items()
            if importing.read_field(package, name) != value
        ]
        values = {name: value for name, value in change.before.items() if name not in edited}
        reason = ""
        if edited:
            names = importing.name_fields(change.package_type, edited)
            reason = tk._("Edited since: {fields}").format(fields=", ".join(names))
        if not values:
            return KEPT, reason or tk._("It was edited since")
        bulk.update_package(context, importing.make_update(context, package, values), False)
        return (PARTLY if edited else RESTORED), reason


def _report(outcome: str, change: ImportChange, title: str, reason: str) -> UndoneRecord:
    return UndoneRecord(
        outcome, change.package_type, change.package_id, title or change.place, reason
    )
