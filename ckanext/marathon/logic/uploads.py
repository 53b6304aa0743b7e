"""Files that come with a dataset, what is known of them, and files for which there is no room.

CKAN stores files with ``resource_create`` and ``package_update`` only; here a dataset and its
files are created in one transaction, so that there is never one without the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib import files, uploader
from ckan.types import Context

from ckanext.marathon.domain import file
from ckanext.marathon.logic.file_facts import FileFacts
from ckanext.marathon.logic.room import NoRoom
from ckanext.marathon.model import disk

KEY = "marathon_uploads"
MEGABYTE = 2**20


@dataclass
class Pending:
    """A file on its way; ``resource_id`` says where it was stored, ``""`` before that."""

    upload: Any
    resource_id: str = ""


def keeps_files() -> bool:
    """Return whether the site can keep the files of records; CKAN breaks, or drops them."""
    storage = uploader.get_resource_uploader({})
    places = (getattr(storage, "storage_path", None), getattr(storage, "storage", None))
    return any(places)


def prepare(context: Context, resources: list[dict[str, Any]]) -> list[list[str]]:
    """Take the files out of resources that are about to be created.

    Args:
        context: of the ``package_create`` that will follow; remembers the files.
        resources: changed in place: ``upload`` is taken out, address, size, media type and
            checksum are filled in, as ``package_update`` does.

    Returns:
        One list of error messages a resource, empty where its file may be stored.
    """
    pending: list[Pending] = []
    errors: list[list[str]] = []
    for resource in resources:
        wrong = FileFacts(resource, None).settle()
        upload = uploader.get_resource_uploader(resource)
        left = resource.pop("upload", None)
        size = getattr(upload, "filesize", None)
        if size is not None:
            resource["size"] = size
            if getattr(upload, "mimetype", None):
                resource.setdefault("mimetype", upload.mimetype)
        pending.append(Pending(upload))
        if wrong:
            errors.append([message for messages in wrong.values() for message in messages])
        elif getattr(left, "filename", None):
            errors.append([tk._("This site takes no files. Give the web address of the file.")])
        else:
            errors.append(_refused(resource.get("url", ""), size))
    context[KEY] = pending  # type: ignore[literal-required]
    return errors


def store(context: Context, resources: Iterable[dict[str, Any]]) -> None:
    """Store the files that :func:`prepare` took, now that their resources have ids.

    Called between CKAN's flush and its commit: what cannot be stored undoes the dataset.
    """
    for pending, resource in zip(context.get(KEY, ()), resources, strict=False):
        pending.resource_id = resource["id"]
        pending.upload.upload(resource["id"], uploader.get_max_resource_size())


def discard(context: Context) -> None:
    """Remove the files that :func:`store` stored for a dataset that was not saved after all."""
    for pending in context.get(KEY, ()):
        if pending.resource_id and pending.upload.filename:
            # How CKAN removes a file that a link takes the place of.
            pending.upload.filename, pending.upload.clear = None, True
            pending.upload.upload(pending.resource_id)


def _refused(name: str, size: int | None) -> list[str]:
    if size is None:
        return []
    limit = uploader.get_max_resource_size()
    if size > limit * MEGABYTE:
        return [
            tk._(
                "{name} is larger than {limit} MB. Choose a smaller file or give its web address."
            ).format(name=name, limit=limit)
        ]
    return [] if size else [tk._("{name} is empty. Choose another file.").format(name=name)]


class WholeResourceUpload(uploader.ResourceUpload):
    """CKAN's way of storing a file, which leaves no part of one where the disk is full."""

    def upload(self, id: str, max_size: int = 10) -> None:
        """Store the file whole or not at all.

        Raises:
            NoRoom: there is no room for it.
        """
        partial = Path(f"{self.get_path(id)}~") if self.storage_path else None
        with _removing(partial):
            super().upload(id, max_size)


class WholeImageUpload(uploader.Upload):
    """The same for pictures of organisations and people."""

    def upload(self, max_size: int = 2) -> None:
        """Store the picture whole or not at all.

        Raises:
            NoRoom: there is no room for it.
        """
        with _removing(Path(self.tmp_filepath) if self.filename else None):
            super().upload(max_size)


@contextmanager
def _removing(partial: Path | None) -> Iterator[None]:
    """Remove the part of a file that was written before the disk was full."""
    try:
        yield
    except OSError as fault:
        if partial:
            partial.unlink(missing_ok=True)
        if disk.is_disk_full(fault):
            raise NoRoom from fault
        raise


def make_resource_uploader(resource: dict[str, Any]) -> WholeResourceUpload | None:
    """Return how a resource's file is stored; ``None`` where another plugin or store does it."""
    return WholeResourceUpload(resource) if stores_in_folder("resource") else None


def make_image_uploader(kind: str, old_filename: str | None) -> WholeImageUpload | None:
    """Return how a picture is stored; ``None`` where another plugin or store does it."""
    return WholeImageUpload(kind, old_filename) if stores_in_folder(kind) else None


def stores_in_folder(kind: str) -> bool:
    """Return whether files of a kind are in ``ckan.storage_path``.

    Not where another plugin or one of CKAN's storages has them, as ``ckan.lib.uploader`` decides
    it; its own objects create folders when they are made.

    Args:
        kind: ``resource``, or what has a picture: ``group``, ``user``, ``admin``.
    """
    if any(plugin.name != "marathon" for plugin in p.PluginImplementations(p.IUploader)):
        return False
    try:
        files.get_storage(tk.config[f"ckan.files.default_storages.{kind}"])
    except files.exc.UnknownStorageError:
        return True
    return False


def read_file(resource: model.Resource) -> Iterator[bytes] | None:
    """Return the bytes of an uploaded file in blocks; ``None`` where another plugin keeps it.

    To read them raises ``OSError`` if the file is not there.
    """
    stored = uploader.get_resource_uploader({})
    if isinstance(stored, uploader.FKResourceUpload) and stored.storage is not None:
        return _read_storage(stored.storage, stored.get_path(resource.id))
    if isinstance(stored, WholeResourceUpload) and stored.storage_path:
        return _read_path(Path(stored.get_path(resource.id)))
    return None


def _read_storage(storage: Any, location: files.Location) -> Iterator[bytes]:
    try:
        opened: Any = storage.stream(files.FileData(location))
    except files.exc.MissingFileError as missing:
        raise FileNotFoundError(str(location)) from missing
    # An open file, which would be read by lines, or whatever else yields bytes.
    is_file = hasattr(opened, "read")
    try:
        yield from file.read_blocks(opened) if is_file else opened
    finally:
        if is_file:
            opened.close()


def _read_path(path: Path) -> Iterator[bytes]:
    with path.open("rb") as opened:
        yield from file.read_blocks(opened)
