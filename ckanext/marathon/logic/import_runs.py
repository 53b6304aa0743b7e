"""Imports from the web: files are stored, previewed, confirmed and imported.

Small files are read within the request, larger ones by a background job that notes its progress.
The files are in the database until the import is made.
"""

from __future__ import annotations

import logging
import tempfile
import time
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
from ckan import model
from redis.exceptions import RedisError

from ckanext.marathon.logic import importing, messages
from ckanext.marathon.logic.importing import ImportFile, ImportOptions, ImportReport
from ckanext.marathon.model import importing as ledger
from ckanext.marathon.model.importing import Import, ImportState
from ckanext.marathon.spreadsheets.mend import write_bad_rows

logger = logging.getLogger(__name__)

# Bytes of all files of an import, and up to how many it is made within the request.
MOST_BYTES, MOST_AT_ONCE = 30_000_000, 60_000
MOST_FILES = 10
# Files that nobody confirmed, and rows that nobody mended, are deleted after this time.
KEPT_FOR = timedelta(days=7)
# Seconds between two notes of the progress.
_PAUSE = 1.0


class SentFile(NamedTuple):
    """A file as it was sent."""

    name: str
    content: bytes


def start_import(user: model.User, organization: str, sent: Sequence[SentFile]) -> str:
    """Store files and make their preview; return the id of the import.

    Args:
        user: the person.
        organization: id of the organisation of rows that name none; "" for none.
        sent: the files.

    Raises:
        ckan.plugins.toolkit.ValidationError: there is no file, or they are too large.
    """
    if not sent:
        message = tk._("Choose a file, or paste rows from a spreadsheet")
        raise tk.ValidationError({"upload": [message]})
    size = sum(len(file.content) for file in sent)
    if size > MOST_BYTES or len(sent) > MOST_FILES:
        message = tk._("At most {files} files with {size} MB together are accepted")
        text = message.format(files=MOST_FILES, size=MOST_BYTES // 1_000_000)
        raise tk.ValidationError({"upload": [text]})
    import_id = str(uuid.uuid4())
    ledger.delete_old_files(datetime.now(UTC) - KEPT_FOR)
    with _store_in_folder(sent) as files:
        described = importing.describe_files(files)
    ledger.add_import(
        {
            "id": import_id,
            "user_id": user.id,
            "user_name": user.name,
            "organization": organization,
            "files": described,
            "state": ImportState.WAITING,
        }
    )
    for number, file in enumerate(sent, 1):
        ledger.add_file(import_id, number, file.name, file.content)
    model.repo.commit()
    _run_or_enqueue(preview_import, [import_id], size)
    return import_id


def confirm_import(found: Import, keep_going: bool) -> None:
    """Make an import that was previewed.

    Raises:
        ckan.plugins.toolkit.ValidationError: it is not previewed, or made already.
    """
    locked = ledger.find_import(found.id, is_locked=True)
    if locked is None or locked.state != ImportState.PREVIEWED:
        model.Session.rollback()
        message = tk._("This import cannot be confirmed: look at its page for what became of it")
        raise tk.ValidationError({"id": [message]})
    ledger.change_import(found.id, state=ImportState.RUNNING, progress=0)
    model.repo.commit()
    size = sum(int(file["size"]) for file in found.files)
    _run_or_enqueue(make_import, [found.id, keep_going], size)


def _run_or_enqueue(function: Any, arguments: list[Any], size: int) -> None:
    if size > MOST_AT_ONCE:
        try:
            tk.enqueue_job(function, arguments, title="marathon: import of a workbook")
            return
        except RedisError as fault:
            logger.warning("No background job for an import, so it is made at once: %s", fault)
    function(*arguments)


def preview_import(import_id: str) -> None:
    """Find what an import would do, and store it in the ledger; a job."""
    found = ledger.find_import(import_id)
    if found is None or found.state != ImportState.WAITING:
        return
    _run(found, ImportOptions(found.user_name, found.organization, is_trial=True))


def make_import(import_id: str, keep_going: bool) -> None:
    """Make an import that was confirmed; a job."""
    found = ledger.find_import(import_id)
    if found is None or found.state != ImportState.RUNNING:
        return
    _run(found, ImportOptions(found.user_name, found.organization, keep_going=keep_going))


def _run(found: Import, options: ImportOptions) -> None:
    row = None if options.is_trial else {"id": found.id, "files": found.files}
    try:
        sent = [SentFile(name, content) for name, content in ledger.read_files(found.id)]
        with _store_in_folder(sent) as files:
            report = importing.import_files(files, options, row, _Progress(found.id))
    except Exception:
        model.Session.rollback()
        logger.exception("The import %s failed", found.id)
        message = tk._(
            "The import broke off, so nothing was saved. Try again; if it breaks off again, tell "
            "the administrator: the server's log says why"
        )
        _finish(found.id, ImportState.FAILED, {"broken": message})
        return
    summary = importing.summarize_report(report)
    if options.is_trial:
        _finish(found.id, ImportState.PREVIEWED, summary)
        return
    if not report.is_saved:
        _finish(found.id, ImportState.FAILED, summary)
        return
    _keep_rows_to_mend(found.id, report)
    ledger.delete_files(found.id)
    model.repo.commit()


def _finish(import_id: str, state: ImportState, report: dict[str, Any]) -> None:
    ledger.change_import(import_id, state=state, report=report)
    if state == ImportState.FAILED:
        ledger.delete_files(import_id)
    model.repo.commit()


def _keep_rows_to_mend(import_id: str, report: ImportReport) -> None:
    if report.bad_rows:
        content = write_bad_rows(report.bad_rows, messages.get_language())
        ledger.add_file(import_id, ledger.TO_MEND, "", content)


class _Progress:
    """Notes the progress of an import, at most once a second."""

    def __init__(self, import_id: str) -> None:
        self._import_id = import_id
        self._noted = time.monotonic()

    def __call__(self, rows: int) -> None:
        now = time.monotonic()
        if now - self._noted >= _PAUSE:
            self._noted = now
            ledger.note_progress(self._import_id, rows)


@contextmanager
def _store_in_folder(sent: Sequence[SentFile]) -> Generator[list[ImportFile]]:
    """Write files into a temporary folder, which is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="marathon-import-") as folder:
        files: list[ImportFile] = []
        for number, file in enumerate(sent):
            path = Path(folder) / str(number)
            path.write_bytes(file.content)
            files.append(ImportFile(path, file.name))
        yield files
