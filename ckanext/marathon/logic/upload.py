"""Begun uploads: which files a person may send, how they arrive, and how a form takes them.

A file may be sent before its form is saved (``model/upload.py``). A save takes a begun upload in
the place of a file of the form: :func:`open_as_file` returns it as Flask would, so that everything
behind it (size, type, checksum, storage) is the same for both.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib import uploader
from ckan.types import Context
from werkzeug.datastructures import FileStorage

from ckanext.marathon.domain import file
from ckanext.marathon.domain.texts import is_storable, remove_hidden
from ckanext.marathon.logic.resource import MEGABYTE, NoRoom, stores_in_folder
from ckanext.marathon.model import disk
from ckanext.marathon.model import upload as upload_model
from ckanext.marathon.model.unit_of_work import UnitOfWork
from ckanext.marathon.model.upload import BegunUpload

DAYS, QUOTA = "ckanext.marathon.upload_days", "ckanext.marathon.upload_quota_mb"
MOST_UPLOADS = 100
LONGEST_NAME = 255
_BLOCK = 256 * 1024
# Bytes after which the free space of the disk is looked at again.
_LOOK_AGAIN = 16 * MEGABYTE


class UploadRefused(Exception):
    """A file, or a piece of it, is not accepted; the text is for people."""


class TooLarge(UploadRefused):
    """The file is larger than the site accepts."""


class QuotaUsed(UploadRefused):
    """The person has begun too many or too large uploads."""


class EmptyFile(UploadRefused):
    """The file has no bytes."""


class WrongOffset(UploadRefused):
    """The piece does not begin where the last one ended."""


class TooMuch(UploadRefused):
    """The piece goes beyond the end of the file."""


def may_upload(user_name: str) -> bool:
    """Return whether a person may begin uploads: whoever may create a dataset somewhere."""
    if not user_name or not takes_uploads():
        return False
    try:
        tk.check_access("package_create", Context(user=user_name), {"type": "dataset"})
    except tk.NotAuthorized:
        return False
    return True


def takes_uploads() -> bool:
    """Return whether the site stores files in its folder, beside which begun uploads can be."""
    return stores_in_folder("resource") and bool(tk.config.get("ckan.storage_path"))


def find_limit() -> int:
    """Return the largest file in bytes."""
    return uploader.get_max_resource_size() * MEGABYTE


def clean_name(given: str) -> str:
    """Return the name of a file without folders and hidden characters."""
    name = PurePosixPath(unicodedata.normalize("NFC", given).replace("\\", "/")).name
    name = remove_hidden(name).strip() if is_storable(name) else ""
    stem, dot, ending = name.rpartition(".")
    longest = LONGEST_NAME - len(ending) - 1
    return f"{stem[:longest]}{dot}{ending}" if stem else name[:LONGEST_NAME]


def begin_upload(user_id: str, name: str, size: int, changed_on_device: str) -> BegunUpload:
    """Begin an upload and commit it.

    Raises:
        UploadRefused: with the reason.
        NoRoom: the disk has no room for it.
    """
    forget_expired()
    limit = find_limit()
    if size > limit:
        text = tk._(
            "{name} is larger than {limit} MB. Choose a smaller file or give its web address."
        )
        raise TooLarge(text.format(name=name, limit=limit // MEGABYTE))
    if size < 1:
        raise EmptyFile(tk._("{name} is empty. Choose another file.").format(name=name))
    begun = upload_model.list_uploads(user_id)
    quota = int(tk.config[QUOTA])
    used = sum(upload.size for upload in begun)
    if len(begun) >= MOST_UPLOADS or used + size > max(quota * MEGABYTE, limit):
        text = tk._(
            "You have begun to send {count} files with {used} MB that are in no dataset yet; "
            "{quota} MB are allowed. Save or discard what you have begun first."
        )
        raise QuotaUsed(text.format(count=len(begun), used=_round_up(used), quota=quota))
    _refuse_without_room(size)
    upload = upload_model.add_upload(user_id, name, size, changed_on_device, _keep_for())
    model.Session.commit()
    return upload


def _round_up(size: int) -> int:
    return -(-size // MEGABYTE)


def _keep_for() -> timedelta:
    return timedelta(days=int(tk.config[DAYS]))


def _refuse_without_room(more: int = 0) -> None:
    try:
        free = disk.count_free_megabytes()
    except OSError:
        return
    needed = tk.config["ckanext.marathon.disk_free_mb"] + more // disk.MEGABYTE
    if free is not None and free < needed:
        raise NoRoom


def receive_piece(
    upload: BegunUpload, offset: int, length: int | None, read: Callable[[int], bytes]
) -> int:
    """Append a piece to an upload, and commit.

    What has arrived stays, also if the connection breaks in the middle of the piece.

    Args:
        upload: from :func:`ckanext.marathon.model.upload.find_upload`.
        offset: where the piece begins.
        length: bytes of the piece, ``None`` if unknown.
        read: reads up to so many bytes of the piece, b"" at its end.

    Returns:
        how many bytes have arrived now.

    Raises:
        UploadRefused: with the reason.
        ckanext.marathon.model.upload.UploadBusy: another request is writing to it.
        NoRoom: the disk is full.
    """
    path, size, id_ = upload.path, upload.size, upload.id
    # A slow link must not hold a connection of the database.
    model.Session.commit()
    with upload_model.open_to_append(path) as target:
        received = target.tell()
        if offset != received:
            raise WrongOffset(tk._("The file goes on at byte {byte}.").format(byte=received))
        if offset + (length or 0) > size:
            raise TooMuch(tk._("The file is longer than was announced. Choose it again."))
        try:
            _append(target, size - received, read)
        except OSError as fault:
            if disk.is_disk_full(fault):
                raise NoRoom from fault
            raise
        finally:
            received = target.tell()
    if received == size:
        _complete(id_, path)
    else:
        _note_piece(id_)
    return received


def _append(target: BinaryIO, room: int, read: Callable[[int], bytes]) -> None:
    looked_at = 0
    while room:
        if looked_at <= 0:
            _refuse_without_room()
            looked_at = _LOOK_AGAIN
        block = read(min(_BLOCK, room))
        if not block:
            return
        target.write(block)
        target.flush()
        room -= len(block)
        looked_at -= len(block)


def _note_piece(upload_id: str) -> None:
    upload = model.Session.get(BegunUpload, upload_id)
    if upload is not None:
        upload.expires = datetime.now(UTC) + _keep_for()
    model.Session.commit()


def _complete(upload_id: str, path: Path) -> None:
    upload = model.Session.get(BegunUpload, upload_id)
    if upload is not None:
        upload.sha256 = upload_model.compute_sha256(path)
        upload.expires = datetime.now(UTC) + _keep_for()
    model.Session.commit()


def store_whole_file(user_id: str, given: FileStorage) -> BegunUpload | None:
    """Store a file that came with a form, so that it need not be chosen again, and commit.

    Returns:
        ``None`` if it is not accepted: too large, empty, or over the person's quota.
    """
    stream = given.stream
    if stream.closed:
        return None
    stream.seek(0, 2)
    size = stream.tell()
    stream.seek(0)
    try:
        upload = begin_upload(user_id, clean_name(given.filename or "") or "archivo", size, "")
        receive_piece(upload, 0, size, stream.read)
    except (UploadRefused, NoRoom):
        model.Session.rollback()
        return None
    finally:
        stream.seek(0)
    return upload


def replace_content(upload: BegunUpload, content: Path) -> None:
    """Replace the bytes of an upload by those of another file, which is moved; and commit."""
    size, sha256 = content.stat().st_size, upload_model.compute_sha256(content)
    content.replace(upload.path)
    upload.size, upload.sha256 = size, sha256
    model.Session.commit()


def open_as_file(upload: BegunUpload) -> FileStorage:
    """Return a complete upload in the form of a file of a form; the caller closes it."""
    with upload.path.open("rb") as opened:
        sample = opened.read(file.SAMPLE_SIZE)
    media_type = file.detect_media_type(sample, upload.name)
    return FileStorage(upload.path.open("rb"), upload.name, content_type=media_type)


def remove_uploads(upload_ids: Collection[str], user_id: str) -> None:
    """Remove uploads of a person, with their bytes, and commit."""
    found = {upload_id for upload_id in upload_ids if upload_model.find_upload(upload_id, user_id)}
    _remove(found)


def forget_expired() -> int:
    """Remove the uploads whose time is over, and files without a row; return how many."""
    expired = [upload.id for upload in upload_model.list_expired()]
    without_row = [path.name for path in upload_model.list_files_without_row()]
    _remove([*expired, *without_row])
    return len(expired) + len(without_row)


def _remove(upload_ids: Collection[str]) -> None:
    if upload_ids:
        upload_model.delete_rows(upload_ids)
        model.Session.commit()
        upload_model.remove_files(upload_ids)


@dataclass
class ClosedAccounts:
    """Notes in a unit of work: accounts that it closes, and files of theirs to remove."""

    users: set[str] = field(default_factory=set[str])
    uploads: list[str] = field(default_factory=list[str])


def note_closed_accounts(unit: UnitOfWork) -> None:
    """Note accounts that the current flush closes."""
    closed = [user for user in unit.changed if _is_closed(user)]
    closed += [user for user in unit.deleted if isinstance(user, model.User)]
    if closed:
        unit.get_notes(ClosedAccounts).users |= {user.id for user in closed}


def _is_closed(record: object) -> bool:
    return isinstance(record, model.User) and record.state == model.State.DELETED


def remove_files_of_closed(unit: UnitOfWork) -> None:
    """Remove the files of accounts that were closed."""
    notes = unit.find_notes(ClosedAccounts)
    if notes:
        upload_model.remove_files(notes.uploads)


def list_begun(user_id: str) -> Iterable[BegunUpload]:
    """Return the uploads that a person has begun, the latest first."""
    return upload_model.list_uploads(user_id) if takes_uploads() else []
