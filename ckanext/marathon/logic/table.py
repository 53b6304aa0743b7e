"""Reading tables from uploaded files, in the background, after each save that changes a file.

The steps of a save note which files have to be read (``model/table.py``), in the same transaction.
After the commit a job reads them: the columns and the first rows of every sheet are kept for the
file's page, and the first sheet with data becomes a table of the DataStore, if the site has one.
That has the id of the file for its name, so that CKAN shows it to people who may see the file.

A file that cannot be read, or whose table the DataStore refuses, can still be downloaded. The
reason is kept and shown to the people who may edit the record.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, cast

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.types import Context
from redis.exceptions import RedisError
from rq.timeouts import JobTimeoutException
from sqlalchemy.exc import SQLAlchemyError

from ckanext.marathon.domain.errors import N_, Fault, Malformed
from ckanext.marathon.domain.table import ColumnType, ParsedCell, write_cell
from ckanext.marathon.domain.texts import is_json_object
from ckanext.marathon.files.profile import (
    NO_ROWS,
    ColumnProfile,
    Heading,
    SheetProfile,
    order_sheets,
    profile_file,
    read_records,
)
from ckanext.marathon.logic import reindex
from ckanext.marathon.logic import resource as resource_logic
from ckanext.marathon.logic.redacting import redact_text
from ckanext.marathon.model import datastore, disk, table
from ckanext.marathon.model.datastore import StoreColumn
from ckanext.marathon.model.table import ClaimedTable, TableState
from ckanext.marathon.model.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

# Seconds. A job of CKAN's ends after three minutes otherwise.
LONGEST_JOB = 3_600
# How much of each table is kept for the pages.
FIRST_ROWS, MOST_SHEETS, MOST_SHOWN_COLUMNS, LONGEST_SHOWN = 50, 20, 100, 500

STORE_TYPES = {
    ColumnType.STRING: "text",
    ColumnType.INTEGER: "int8",
    ColumnType.NUMBER: "numeric",
    ColumnType.BOOLEAN: "bool",
    ColumnType.DATE: "date",
    ColumnType.DATETIME: "timestamp",
}

MISSING = N_("The file is not in the storage of the site. Upload it again")
NO_ROOM = N_("The disk of the server is nearly full. The table is read again when there is room")
REFUSED = N_("The database refused the table: {why}")
TOO_SLOW = N_("Reading the table took more than an hour and was ended")
UNKNOWN = N_("The table could not be read, for a reason that the site's log has")
# Faults after which the same file may be read later.
TEMPORARY = frozenset({NO_ROOM, UNKNOWN, TOO_SLOW, MISSING})


@dataclass
class TouchedTables:
    """The packages whose files or state one transaction changes.

    Attributes:
        package_ids: their ids.
        has_work: whether a job has something to do after the commit.
        has_deleted: whether files are deleted.
    """

    package_ids: set[str] = field(default_factory=set[str])
    has_work: bool = False
    has_deleted: bool = False


def note_flush(unit: UnitOfWork) -> None:
    """Note the packages whose files are changed or deleted."""
    found = {id_ for record in unit.deleted if (id_ := _find_package_id(record))}
    if found or any(_is_deleted_file(record) for record in unit.changed):
        unit.get_notes(TouchedTables).has_deleted = True
    found |= {id_ for record in unit.changed if (id_ := _find_changed_package_id(record))}
    if found:
        unit.get_notes(TouchedTables).package_ids |= found


def note_created(unit: UnitOfWork) -> None:
    """Note the packages that get files."""
    found = {
        record.package_id
        for record in unit.created
        if isinstance(record, model.Resource) and record.package_id
    }
    if found:
        unit.get_notes(TouchedTables).package_ids |= found


def write_notes(unit: UnitOfWork) -> None:
    """Write which tables have to be loaded or dropped, in the transaction of the save."""
    touched = unit.find_notes(TouchedTables)
    if touched is not None:
        touched.has_work = table.note_packages(touched.package_ids)


def enqueue_after_commit(unit: UnitOfWork) -> None:
    """Enqueue a background job, if tables have to be loaded or dropped."""
    touched = unit.find_notes(TouchedTables)
    if touched is not None and touched.has_work:
        enqueue_loading()


def enqueue_loading() -> None:
    """Enqueue a background job that loads and drops the noted tables."""
    try:
        timeout = {"timeout": LONGEST_JOB}
        tk.enqueue_job(work_off, title="marathon: tables of files", rq_kwargs=timeout)
    except RedisError as fault:
        # The next job, or ``ckan marathon tables update``, takes them along.
        log.warning("No background job for the tables of files: %s", fault)


def _is_deleted_file(record: object) -> bool:
    return isinstance(record, model.Resource) and record.state == model.State.DELETED


def _find_package_id(record: object) -> str | None:
    if isinstance(record, model.Resource):
        return record.package_id
    return record.id if isinstance(record, model.Package) else None


def _find_changed_package_id(record: object) -> str | None:
    """Return the package of a changed file, or of a package whose state changes."""
    if isinstance(record, model.Package):
        inspected: Any = sa.inspect(record)
        return record.id if inspected.attrs.state.history.has_changes() else None
    return _find_package_id(record)


def work_off(report: Callable[[int], object] = bool) -> int:
    """Load and drop the noted tables; return how many.

    Called as a background job, and by ``ckan marathon tables update``.

    Args:
        report: called after each table with the number of tables that are done.
    """
    done = 0
    model.Session.rollback()
    while claimed := table.claim_next_table():
        if claimed.is_gone:
            _drop(claimed)
        else:
            _load(claimed)
        done += 1
        report(done)
    return done


def _drop(claimed: ClaimedTable) -> None:
    datastore.drop_table(claimed.resource_id)
    table.forget_table(claimed.resource_id)
    _index(claimed)
    model.Session.commit()


def _load(claimed: ClaimedTable) -> None:
    """Load one table; a fault is stored with it and does not stop the others."""
    fault: dict[str, Any] = {}
    reading = FileReading()
    try:
        reading = _read_file(claimed)
    except Malformed as error:
        fault = dictize_fault(error.fault)
    except FileNotFoundError:
        fault = dictize_fault(Fault(MISSING))
    except tk.ObjectNotFound:
        # Deleted meanwhile; the next round drops what was made.
        fault = dictize_fault(Fault(MISSING))
    except tk.ValidationError as error:
        fault = dictize_fault(Fault(REFUSED, {"why": _summarize(error)}))
    except SQLAlchemyError as error:
        fault = dictize_fault(Fault(REFUSED, {"why": _first_line(error)}))
    except JobTimeoutException:
        fault = dictize_fault(Fault(TOO_SLOW))
    except Exception:
        log.exception("The table of the file %s cannot be read", claimed.resource_id)
        fault = dictize_fault(Fault(UNKNOWN))
    model.Session.rollback()
    if fault:
        # The rows of the file before it must not be taken for those of this one.
        datastore.drop_table(claimed.resource_id)
    state = TableState.FAILED if fault else TableState.LOADED
    table.settle_table(
        claimed,
        state=state,
        fault=fault,
        sheets=reading.sheets,
        is_stored=reading.is_stored and not fault,
        is_erased=False,
    )
    _index(claimed)
    model.Session.commit()


def _index(claimed: ClaimedTable) -> None:
    """Have the record indexed, whose copy in Solr says which files have tables."""
    if datastore.is_available():
        reindex.mark_for_index([claimed.package_id])


@dataclass
class FileReading:
    """What was read of a file.

    Attributes:
        sheets: its sheets as they are kept (:func:`_describe_sheet`).
        is_stored: whether the DataStore has the table of the first one.
    """

    sheets: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    is_stored: bool = False


def _read_file(claimed: ClaimedTable) -> FileReading:
    """Read a file, and fill its table in the DataStore.

    Raises:
        Malformed: it cannot be read as a table.
        FileNotFoundError: it is not stored.
        ckan.plugins.toolkit.ValidationError: the DataStore refuses its columns.
        sqlalchemy.exc.SQLAlchemyError: the DataStore refuses its rows, or does not answer.
    """
    if not disk.has_room():
        raise Malformed(NO_ROOM)
    stored = model.Session.get(model.Resource, claimed.resource_id)
    name = stored.url if stored else ""
    model.Session.rollback()
    with resource_logic.open_stored_file(claimed.resource_id) as path:
        profile = profile_file(path, _name_as_table(name or ""))
        if profile.problem is not None:
            raise Malformed(profile.problem.message, **profile.problem.values)
        shown = order_sheets(profile.sheets)
        if not shown:
            raise Malformed(NO_ROWS)
        # The first one is the table of the file, the others are shown only.
        reading = FileReading()
        for number, sheet in enumerate(shown[:MOST_SHEETS]):
            first = _FirstRows()
            if number == 0 and datastore.is_available():
                _store(claimed, path, sheet, first)
                reading.is_stored = True
            else:
                for _ in islice(_iterate_rows(path, sheet, first), FIRST_ROWS):
                    pass
            reading.sheets.append(_describe_sheet(sheet, first.rows))
    return reading


def _name_as_table(name: str) -> str:
    """Return a name that says that the file is a table, as its format does."""
    return name if table.may_have_table(name, "") else f"{name}.csv"


class _FirstRows:
    """Takes the first rows out of those that pass by, as text."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []

    def add_row(self, row: Sequence[ParsedCell]) -> None:
        if len(self.rows) < FIRST_ROWS:
            texts = [write_cell(cell) for cell in row[:MOST_SHOWN_COLUMNS]]
            self.rows.append([_shorten(text) for text in texts])


def _shorten(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _iterate_rows(path: Path, sheet: SheetProfile, first: _FirstRows) -> Iterator[list[ParsedCell]]:
    for _number, row in read_records(path, sheet):
        first.add_row(row)
        yield row


def _store(claimed: ClaimedTable, path: Path, sheet: SheetProfile, first: _FirstRows) -> None:
    columns = [
        StoreColumn(column.name, STORE_TYPES[column.type], column.label) for column in sheet.columns
    ]
    rows = ([write_for_copy(cell) for cell in row] for row in _iterate_rows(path, sheet, first))
    datastore.store_rows(claimed.resource_id, columns, rows, is_new=claimed.is_erased)


def write_for_copy(cell: ParsedCell) -> str | None:
    """Return a cell as PostgreSQL reads it; ``None`` for an empty one."""
    if cell is None:
        return None
    if isinstance(cell, bool):
        return "t" if cell else "f"
    return cell.isoformat() if isinstance(cell, date | datetime) else str(cell)


def _describe_sheet(sheet: SheetProfile, first_rows: list[list[str]]) -> dict[str, Any]:
    """Return a sheet as JSON: its name, columns, number of rows, first rows and problems."""
    return {
        "name": sheet.name,
        # To read all of its rows again without another look at their types.
        "heading": [sheet.heading.row, list(sheet.heading.labels)],
        "columns": [
            {
                "name": column.name,
                "label": column.label or column.letter,
                "type": str(column.type),
                "position": column.position,
            }
            for column in sheet.columns
        ],
        "rows": sheet.row_count,
        "first": first_rows,
        "problems": [dictize_fault(problem) for problem in sheet.problems],
    }


def read_sheet_records(resource_id: str, stored: Mapping[str, Any]) -> Iterator[list[ParsedCell]]:
    """Yield all rows of a sheet out of the file.

    Args:
        resource_id: id of the file.
        stored: the sheet as :func:`_describe_sheet` returned it.

    Raises:
        Malformed: the file is not the one from which the sheet was read.
        OSError: it is not stored, or cannot be read.
    """
    columns = tuple(
        ColumnProfile(
            column["name"], column["label"], column["position"], ColumnType(column["type"]), 0, ()
        )
        for column in stored["columns"]
    )
    row, labels = stored["heading"]
    heading = Heading(row, tuple(labels), ())
    sheet = SheetProfile(
        stored["name"], False, heading, columns, stored["rows"], False, (), None, ()
    )
    with resource_logic.open_stored_file(resource_id) as path:
        for _number, cells in read_records(path, sheet):
            yield cells


class WantedRows(NamedTuple):
    """Which rows of a table are searched.

    Attributes:
        text: words that a row must have, "" for all rows.
        sort: name of a column, "" for the order of the file.
        is_descending: whether the largest values come first; empty cells come last.
        offset: number of rows that are left out.
    """

    text: str
    sort: str
    is_descending: bool
    offset: int


def search_rows(
    context: Context, resource_id: str, columns: Sequence[str], wanted: WantedRows
) -> dict[str, Any] | None:
    """Return rows of a table as ``datastore_search`` does, ``None`` if it cannot be searched now.

    Args:
        context: of the person; they may see the file.
        resource_id: id of the file.
        columns: names of its columns.
        wanted: the rows; at most :data:`FIRST_ROWS` are returned.
    """
    data: dict[str, Any] = {
        "resource_id": resource_id,
        "fields": list(columns[:MOST_SHOWN_COLUMNS]),
        "records_format": "lists",
        "limit": FIRST_ROWS,
        "offset": wanted.offset,
        "sort": "_id",
    }
    if wanted.text:
        data["q"] = wanted.text
    if wanted.sort:
        order = "desc" if wanted.is_descending else "asc"
        data["sort"] = f"{wanted.sort} {order} nulls last, _id"
    try:
        return tk.get_action("datastore_search")(context, data)
    except (tk.ValidationError, tk.ObjectNotFound, SQLAlchemyError) as fault:
        # It is loaded again at this moment, or the DataStore is away.
        log.warning("The table of the file %s cannot be searched: %s", resource_id, fault)
        return None


def dictize_fault(fault: Fault) -> dict[str, Any]:
    """Return a fault as JSON; see :func:`read_fault`."""
    values = {
        name: dictize_fault(value) if isinstance(value, Fault) else _plain(value)
        for name, value in fault.values.items()
    }
    return {"message": fault.message, "values": values}


def _plain(value: object) -> Any:
    return value if isinstance(value, str | int | float) else str(value)


def read_fault(stored: Mapping[str, Any]) -> Fault:
    """Return a fault that was stored as JSON."""
    values = {
        name: read_fault(cast(Mapping[str, Any], value)) if is_json_object(value) else value
        for name, value in dict(stored.get("values") or {}).items()
    }
    return Fault(str(stored.get("message") or UNKNOWN), values)


def _summarize(error: tk.ValidationError) -> str:
    return _limit(" ".join(f"{key}: {value}" for key, value in error.error_summary.items()))


def _first_line(error: Exception) -> str:
    return _limit(str(getattr(error, "orig", error)).strip().partition("\n")[0])


def _limit(text: str) -> str:
    return redact_text(text)[:300]
