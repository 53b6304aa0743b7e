"""Looking after the tables of files, and their former versions: what is missing or left over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from ckan import model

from ckanext.marathon.logic import resource
from ckanext.marathon.logic import table as table_logic
from ckanext.marathon.model import datastore, file_version, table
from ckanext.marathon.model.table import TableState

_AT_ONCE = 500


@dataclass(frozen=True)
class TableCondition:
    """The condition of the tables of a site.

    Attributes:
        loaded: number of tables that are loaded.
        waiting: number of tables that wait to be loaded or dropped.
        failed: number of files whose table could not be read.
        lost: ids of files whose table the DataStore should have and does not.
        left: names of tables in the DataStore whose file does not exist or is deleted.
    """

    loaded: int
    waiting: int
    failed: int
    lost: tuple[str, ...]
    left: tuple[str, ...]


def examine_tables() -> TableCondition:
    """Compare the tables of files with the DataStore."""
    rows = table.list_tables()
    states = Counter(row.state for row in rows)
    present = datastore.list_table_ids()
    lost = [
        row.resource_id
        for row in rows
        if row.state == TableState.LOADED
        and datastore.is_available()
        and row.is_stored
        and row.resource_id not in present
    ]
    return TableCondition(
        states[TableState.LOADED],
        states[TableState.WAITING] + states[TableState.LOADING] + states[TableState.GONE],
        states[TableState.FAILED],
        tuple(lost),
        tuple(sorted(present - _list_existing(present) - {row.resource_id for row in rows})),
    )


def _list_existing(ids: set[str]) -> set[str]:
    """Return those ids that files have which are not deleted, nor their record."""
    resource, package = model.Resource, model.Package
    found: set[str] = set()
    everything = sorted(ids)
    for start in range(0, len(everything), _AT_ONCE):
        query = (
            sa.select(resource.id)
            .join(package, package.id == resource.package_id)
            .where(
                resource.id.in_(everything[start : start + _AT_ONCE]),
                resource.state != model.State.DELETED,
                package.state != model.State.DELETED,
            )
        )
        found.update(model.Session.scalars(query))
    return found


def note_outdated_tables(everything: bool = False) -> int:
    """Note all tables that are missing or outdated, and drop those that are left over.

    Args:
        everything: whether to note every table, as after a backup was restored: the DataStore has
            what the site had before.

    Returns:
        how many tables wait to be loaded or dropped.
    """
    packages = table.list_packages_with_files()
    for start in range(0, len(packages), _AT_ONCE):
        table.note_packages(packages[start : start + _AT_ONCE])
    condition = examine_tables()
    rows = table.list_tables()
    again = {
        row.resource_id
        for row in rows
        if everything
        or row.resource_id in condition.lost
        # The site got a DataStore later.
        or (row.state == TableState.LOADED and datastore.is_available() and not row.is_stored)
        or (row.state == TableState.FAILED and row.fault.get("message") in table_logic.TEMPORARY)
    }
    table.note_again(sorted(again))
    model.Session.commit()
    for name in condition.left:
        datastore.drop_table(name)
    return table.count_due_tables()


def update_tables(progress: Callable[[int, int], None]) -> int:
    """Load and drop all tables that wait; return how many.

    Args:
        progress: called with (tables done, total).
    """
    total = table.count_due_tables()
    progress(0, total)
    return table_logic.work_off(lambda done: progress(min(done, total), total))


def list_missing_versions() -> list[str]:
    """Return the ids of former versions of files whose bytes are not stored."""
    missing: list[str] = []
    if not resource.stores_in_folder("resource"):
        # Asking another storage would fetch every file.
        return missing
    for id_ in file_version.list_stored_ids():
        try:
            with resource.open_stored_file(id_):
                pass
        except FileNotFoundError:
            missing.append(id_)
    return missing
