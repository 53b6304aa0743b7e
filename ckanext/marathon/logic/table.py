"""Reading tables from uploaded files, in the background, after each save that changes a file.

The steps of a save note which files have to be read (``model/table.py``), in the same transaction.
After the commit a job reads them: the columns and the first rows of every sheet are kept for the
file's page, and the first sheet with data becomes a table of the DataStore, if the site has one.
That has the id of the file for its name, so that CKAN shows it to the people who may see the file.

A file that cannot be read, or whose table the DataStore refuses, can still be downloaded. The reason
is kept and shown to the people who may edit the record.
"""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from redis.exceptions import RedisError
from rq.timeouts import JobTimeoutException
from sqlalchemy.exc import SQLAlchemyError

from ckanext.marathon.domain.errors import N_, Malformed
from ckanext.marathon.domain.table import ColumnType, SheetCell, parse_cell, write_cell
from ckanext.marathon.logic import resource as resource_logic
from ckanext.marathon.model import datastore, disk, table
from ckanext.marathon.model.datastore import StoreColumn
from ckanext.marathon.model.table import ClaimedTable, TableState
from ckanext.marathon.model.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

# Seconds. A job of CKAN's ends after three minutes otherwise.
LONGEST_JOB = 3_600

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
    """

    package_ids: set[str] = field(default_factory=set[str])
    has_work: bool = False


def note_flush(unit: UnitOfWork) -> None:
    """Note the packages whose files are changed or deleted."""
    found = {id_ for record in unit.deleted if (id_ := _find_package_id(record))}
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


def work_off() -> int:
    """Load and drop the noted tables; return how many.

    Called as a background job, and by ``ckan marathon tables update``.
    """
    done = 0
    model.Session.rollback()
    while claimed := table.claim_next_table():
        if claimed.is_gone:
            _drop(claimed)
        else:
            _load(claimed)
        done += 1
    return done


def _drop(claimed: ClaimedTable) -> None:
    datastore.drop_table(claimed.resource_id)
    table.forget_table(claimed.resource_id)
    model.Session.commit()


def _load(claimed: ClaimedTable) -> None:
    """Load one table; a fault is stored with it and does not stop the others."""
    fault: dict[str, Any] = {}
    reading = FileReading()
    try:
        reading = _read_file(claimed)
    except Malformed as error:
        fault = _dictize_fault(error.fault.message, **error.fault.values)
    except FileNotFoundError:
        fault = _dictize_fault(MISSING)
    except tk.ValidationError as error:
        fault = _dictize_fault(REFUSED, why=_summarize(error))
    except SQLAlchemyError as error:
        fault = _dictize_fault(REFUSED, why=_first_line(error))
    except JobTimeoutException:
        fault = _dictize_fault(TOO_SLOW)
    except Exception:
        log.exception("The table of the file %s cannot be read", claimed.resource_id)
        fault = _dictize_fault(UNKNOWN)
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
    )
    model.Session.commit()
