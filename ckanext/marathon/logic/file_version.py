"""Replacing a file by the one of the next period, and keeping the one before.

The file keeps its id and its download address. The bytes before are stored under the id of the
version (``model/file_version.py``) and can be downloaded by the people who may see the file today,
unless it was replaced because it had personal data: then nothing is kept of it.
"""

from __future__ import annotations

import logging
import tempfile
import uuid
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib import uploader
from ckan.types import Context
from redis.exceptions import RedisError
from werkzeug.datastructures import FileStorage

from ckanext.marathon.domain import dates, file
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.table import ColumnType
from ckanext.marathon.domain.texts import is_json_list
from ckanext.marathon.files import series
from ckanext.marathon.files.privacy import KIND_NAMES, PersonalColumn, find_personal_columns
from ckanext.marathon.files.profile import (
    FileProfile,
    order_sheets,
    profile_file,
    read_records,
)
from ckanext.marathon.logic import personal_data
from ckanext.marathon.logic import resource as resource_logic
from ckanext.marathon.logic import table as table_logic
from ckanext.marathon.logic.messages import get_language
from ckanext.marathon.model import file_version, table
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model import personal_data as personal_data_model
from ckanext.marathon.model.file_version import FileVersion
from ckanext.marathon.model.table import TableState
from ckanext.marathon.model.unit_of_work import UnitOfWork
from ckanext.marathon.vocabulary.codes import pick_label

log = logging.getLogger(__name__)

# Values of larger tables are not compared while somebody waits.
MOST_COMPARED_ROWS = 50_000


@dataclass(frozen=True)
class WantedReplacement:
    """What a person wants to put in the place of a file, or beside it.

    Attributes:
        upload: the new file.
        name: its title; "" to renew the title before.
        is_beside: whether it is another period, and both files stay.
        erases_previous: whether nothing is kept of the file before.
        reason: why what looks like personal data may be published, "" if nothing was said.
    """

    upload: FileStorage
    name: str
    is_beside: bool
    erases_previous: bool
    reason: str


class NewFile(NamedTuple):
    """A received file: its path, size, checksum, profile, and what looks like personal data."""

    path: Path
    size: int
    digest: str
    profile: FileProfile
    personal: tuple[PersonalColumn, ...]


def replace_file(
    context: Context, stored: model.Resource, wanted: WantedReplacement
) -> dict[str, Any]:
    """Replace a file, or add one beside it; commits.

    Args:
        context: of the action; the person may edit the record.
        stored: the file.
        wanted: what the person wants.

    Returns:
        ``resource``: the file as ``resource_show`` returns it, ``version``: the number under which
        the one before is kept, ``None`` if it is not kept, and ``changes``.

    Raises:
        ckan.plugins.toolkit.ValidationError: at ``upload``, or at ``reason`` if the file looks as
            if it had personal data.
    """
    if stored.url_type != "upload" and not wanted.is_beside:
        text = tk._("This is a link and no file of this site. Change its address instead.")
        raise tk.ValidationError({"upload": [text]})
    with _receive(wanted.upload) as new:
        _check(new, stored, wanted)
        changes = _compare(stored, new)
        if new.personal:
            changes["reason"] = wanted.reason
            _record_reason(context, stored, new, wanted)
        if wanted.is_beside:
            return {**_add_beside(context, stored, new, wanted), "changes": changes}
        return _replace(context, stored, new, wanted, changes)


def _record_reason(
    context: Context, stored: model.Resource, new: NewFile, wanted: WantedReplacement
) -> None:
    """Store why personal data may be published, in the transaction of the save."""
    user = model.User.get(context.get("user"))
    if user is not None:
        personal_data_model.record_confirmation(
            new.digest,
            str(stored.package_id),
            new.profile.name,
            user.id,
            wanted.reason,
            personal_data.list_places(new.personal),
        )


@contextmanager
def _receive(upload: FileStorage) -> Generator[NewFile]:
    """Yield a received file with its profile; the copy is deleted afterwards."""
    name = upload.filename or ""
    if not name:
        raise tk.ValidationError({"upload": [tk._("Choose the file that takes its place.")]})
    stream: Any = upload.stream
    size = stream.seek(0, 2)
    stream.seek(0)
    wrong = resource_logic.check_size(name, size)
    if wrong:
        raise tk.ValidationError({"upload": wrong})
    with tempfile.NamedTemporaryFile() as copy:
        path = Path(copy.name)
        for block in file.read_blocks(stream):
            copy.write(block)
        copy.flush()
        stream.seek(0)
        with path.open("rb") as opened:
            digest = file.compute_checksums(file.read_blocks(opened), {file.OWN_ALGORITHM})
        profile = profile_file(path, name)
        try:
            personal = find_personal_columns(path, profile)
        except Malformed:
            personal = ()
        yield NewFile(path, size, digest[file.OWN_ALGORITHM], profile, personal)


def _check(new: NewFile, stored: model.Resource, wanted: WantedReplacement) -> None:
    if not wanted.is_beside and new.digest == stored.hash:
        text = tk._("This is the file that is here already. Choose the new one.")
        raise tk.ValidationError({"upload": [text]})
    if new.personal and not wanted.reason:
        text = tk._(
            "The file looks as if it had personal data. Take it out and choose the file again, or "
            "say here why it may be published."
        )
        found = [explain_personal(column) for column in new.personal]
        raise tk.ValidationError({"upload": found, "reason": [text]})


def explain_personal(column: PersonalColumn) -> str:
    """Return what looks like personal data as a sentence with sheet, column and rows."""
    text = tk._("Column {letter}, “{label}”: {kind}, {count} cells, rows {rows}")
    sentence = text.format(
        letter=column.letter,
        label=column.label,
        kind=pick_label(KIND_NAMES[column.kind], get_language()),
        count=column.count,
        rows=", ".join(str(cell.row) for cell in column.cells),
    )
    return f"{column.sheet}: {sentence}" if column.sheet else sentence


def _compare(stored: model.Resource, new: NewFile) -> dict[str, Any]:
    """Return what a file changes of the one before, ``{}`` unless both are tables."""
    sheets = order_sheets(new.profile.sheets)
    before = table.find_table(stored.id)
    if not sheets or before is None or before.state != TableState.LOADED or not before.sheets:
        return {}
    former = before.sheets[0]
    columns = [
        (str(column["name"]), str(column["label"]), ColumnType(column["type"]))
        for column in former["columns"]
    ]
    now = [
        (column.name, column.label or column.letter, column.type) for column in sheets[0].columns
    ]
    if max(former["rows"], sheets[0].row_count) > MOST_COMPARED_ROWS:
        one = series.TableContent({name: label for name, label, _ in columns}, former["rows"], {})
        other = series.TableContent(
            {name: label for name, label, _ in now}, sheets[0].row_count, {}
        )
    else:
        try:
            rows = table_logic.read_sheet_records(stored.id, former)
            one = series.collect_content(columns, rows)
        except (Malformed, OSError):
            return {}
        records = (cells for _number, cells in read_records(new.path, sheets[0]))
        other = series.collect_content(now, records)
    return series.compare_content(one, other).dictize()


def _replace(
    context: Context,
    stored: model.Resource,
    new: NewFile,
    wanted: WantedReplacement,
    changes: dict[str, Any],
) -> dict[str, Any]:
    package_model.lock_packages([str(stored.package_id)])
    user = model.User.get(context.get("user"))
    version = FileVersion(
        id=str(uuid.uuid4()),
        resource_id=stored.id,
        package_id=stored.package_id,
        number=file_version.count_next_number(stored.id),
        title=stored.name or "",
        file_name=stored.url or "",
        format=stored.format or "",
        mimetype=stored.mimetype or "",
        size=stored.size,
        hash=stored.hash or "",
        uploaded=_as_utc(stored.last_modified or stored.created),
        replaced=datetime.now(UTC),
        user_id=user.id if user else None,
        is_erased=wanted.erases_previous,
        changes=changes,
    )
    id_, number = version.id, version.number
    try:
        if not wanted.erases_previous:
            _keep_bytes(stored, id_)
        model.Session.add(version)
        if wanted.erases_previous:
            table.mark_for_new(stored.id)
        resource = _update_record(context, stored, new, wanted)
    except BaseException:
        model.Session.rollback()
        if not wanted.erases_previous:
            resource_logic.remove_stored_file(id_)
        raise
    return {
        "resource": resource,
        "version": None if wanted.erases_previous else number,
        "changes": changes,
    }


def _as_utc(moment: datetime | None) -> datetime | None:
    # CKAN stores times in UTC without saying so.
    return moment.replace(tzinfo=UTC) if moment else None


def _keep_bytes(stored: model.Resource, version_id: str) -> None:
    """Store the bytes of a file under the id of a version.

    Raises:
        ckan.plugins.toolkit.ValidationError: they cannot be read.
    """
    try:
        with resource_logic.open_stored_file(stored.id) as path, path.open("rb") as opened:
            # CKAN takes an upload as a form of a browser sends it.
            sent = FileStorage(opened, stored.url or "file")
            upload: Any = uploader.get_resource_uploader({"upload": sent, "url": "", "id": ""})
            upload.upload(version_id, _NO_LIMIT)
    except FileNotFoundError:
        text = tk._(
            "The file before cannot be read, so it cannot be kept. Tick “erase the file before” "
            "to replace it all the same."
        )
        raise tk.ValidationError({"upload": [text]}) from None


# Megabytes. What is stored already is not too large.
_NO_LIMIT = 1_000_000


def _make_file_fields(
    stored: model.Resource, new: NewFile, wanted: WantedReplacement
) -> dict[str, Any]:
    extension = (wanted.upload.filename or "").rpartition(".")[2].upper()
    format_ = str(new.profile.format or "") or extension
    name = wanted.name or series.renew_title(stored.name or "", new.profile.period)
    return {"upload": wanted.upload, "name": name, "format": format_}


def _update_record(
    context: Context, stored: model.Resource, new: NewFile, wanted: WantedReplacement
) -> dict[str, Any]:
    """Save the new file, with its format, title and period, and the day of the change."""
    reading = Context(tk.fresh_context(context))
    reading["for_update"] = True
    package = tk.get_action("package_show")(reading, {"id": stored.package_id})
    today = dates.get_today().isoformat()
    for shown in package["resources"]:
        if shown["id"] == stored.id:
            shown.pop("metadata_modified", None)
            shown.update(_make_file_fields(stored, new, wanted), modified=today)
            # Both are computed from the new file.
            for name in ("size", "hash", "hash_algorithm", "mimetype"):
                shown.pop(name, None)
    _renew_period(package, new.profile.period, is_only_file=len(package["resources"]) == 1)
    updated = tk.get_action("package_update")(tk.fresh_context(context), package)
    return next(shown for shown in updated["resources"] if shown["id"] == stored.id)


def _renew_period(
    package: dict[str, Any], period: tuple[str, str] | None, is_only_file: bool
) -> None:
    """Set the period of a dataset; that of several files is made longer, never shorter.

    Several periods, or none that the file tells, are left as they are.
    """
    if package.get("modified"):
        package["modified"] = dates.get_today().isoformat()
    covered = package.get("temporal_coverage")
    entries = cast("list[dict[str, Any]]", covered) if is_json_list(covered) else []
    if period is None or len(entries) > 1:
        return
    if entries and not is_only_file:
        start, end = str(entries[0].get("start") or ""), str(entries[0].get("end") or "")
        known = (start, end) if start and end else None
        period = series.join_periods(known, period) or period
    package["temporal_coverage"] = [{"start": period[0], "end": period[1]}]


def _add_beside(
    context: Context, stored: model.Resource, new: NewFile, wanted: WantedReplacement
) -> dict[str, Any]:
    """Add the file of another period after the present ones."""
    reading = Context(tk.fresh_context(context))
    reading["for_update"] = True
    package = tk.get_action("package_show")(reading, {"id": stored.package_id})
    fields = _make_file_fields(stored, new, wanted)
    if stored.description:
        fields["description"] = stored.description
    package["resources"].append({**fields, "url": ""})
    _renew_period(package, new.profile.period, is_only_file=False)
    updated = tk.get_action("package_update")(tk.fresh_context(context), package)
    return {"resource": updated["resources"][-1], "version": None}


def dictize_version(version: FileVersion, address: str) -> dict[str, Any]:
    """Return a version in the form of the API.

    Args:
        version: the version.
        address: where it is downloaded.
    """
    return {
        "number": version.number,
        "name": version.title,
        "file_name": version.file_name,
        "format": version.format,
        "mimetype": version.mimetype,
        "size": version.size,
        "hash": version.hash,
        "uploaded": version.uploaded.astimezone(UTC).isoformat() if version.uploaded else None,
        "replaced": version.replaced.astimezone(UTC).isoformat(),
        "is_erased": version.is_erased,
        "url": "" if version.is_erased else address,
        "changes": _strip_reason(version.changes),
    }


def _strip_reason(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return changes without the reason of an officer, which is for the organisation."""
    return {name: value for name, value in changes.items() if name != "reason"}


def read_version(version: FileVersion) -> Iterator[bytes]:
    """Return the bytes of a version in blocks.

    Raises:
        FileNotFoundError: they are not stored.
    """
    blocks = None if version.is_erased else resource_logic.read_stored(version.id)
    if blocks is None:
        raise FileNotFoundError(version.id)
    return blocks


def remove_absent_versions() -> int:
    """Delete the versions of files that were deleted, or whose record was purged; return how many.

    Called as a background job after the deletion, and by ``ckan marathon doctor --fix``.
    """
    model.Session.rollback()
    absent = [version.id for version in file_version.list_of_absent()]
    for id_ in absent:
        resource_logic.remove_stored_file(id_)
        version = model.Session.get(FileVersion, id_)
        if version is not None:
            model.Session.delete(version)
        model.Session.commit()
    return len(absent)


def enqueue_after_commit(unit: UnitOfWork) -> None:
    """Enqueue a background job, if files with versions were deleted."""
    touched = unit.find_notes(table_logic.TouchedTables)
    if touched is not None and touched.has_deleted:
        enqueue_removal()


def enqueue_removal() -> None:
    """Enqueue a background job that deletes the versions of deleted files."""
    try:
        tk.enqueue_job(remove_absent_versions, title="marathon: versions of deleted files")
    except RedisError as fault:
        # ``ckan marathon doctor`` names them.
        log.warning("No background job for the versions of deleted files: %s", fault)
