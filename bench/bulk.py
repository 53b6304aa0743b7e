"""Creating many packages in batches, with all checks of a save; they are indexed afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib import search
from ckan.types import Context

from ckanext.marathon.model import audit

# Packages per transaction and per request to Solr.
BATCH = 100

PackageRow = Mapping[str, Any]


@dataclass
class BulkOutcome:
    """The result of an import.

    Attributes:
        ids: ids of the created packages, in the order of the rows.
        errors: number of a row, from 1 → errors by field; the row was not saved.
    """

    ids: list[str] = field(default_factory=list)
    errors: dict[int, dict[str, Any]] = field(default_factory=dict)


def create_packages(
    rows: Sequence[PackageRow],
    user: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> BulkOutcome:
    """Create packages by ``package_create``, one transaction per batch, and index each batch.

    Several processes may do so at the same time.

    Args:
        rows: dicts for ``package_create``.
        user: name of the user, whose permissions apply.
        progress: called with (rows done, total rows).

    Returns:
        the result; rows with errors do not affect the others.
    """
    outcome = BulkOutcome()
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        with audit.record_as_import():
            created = _saved(dict(enumerate(batch, start + 1)), user, outcome)
        search.rebuild(package_ids=created, defer_commit=True, force=True, quiet=True)
        outcome.ids += created
        progress(start + len(batch), len(rows))
    search.commit()
    return outcome


def _saved(rows: dict[int, PackageRow], user: str, outcome: BulkOutcome) -> list[str]:
    """Save the rows of a batch without errors, in one transaction; return the ids."""
    while True:
        created = []
        for number, row in rows.items():
            context: Context = {"user": user, "defer_commit": True, "return_id_only": True}
            try:
                created.append(tk.get_action("package_create")(context, dict(row)))
            except tk.ValidationError as error:
                # CKAN has rolled back the other rows of this batch.
                outcome.errors[number] = dict(error.error_dict)
                break
        else:
            model.repo.commit()
            model.Session.expunge_all()
            return created
        del rows[number]
