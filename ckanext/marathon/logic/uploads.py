"""Files that come with a dataset, their media types, and files for which the disk has no room.

CKAN stores files with ``resource_create`` and ``package_update`` only; here a dataset and its
files are created in one transaction, so that there is never one without the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib import files, munge, uploader
from ckan.types import Context
from werkzeug.datastructures import FileStorage

from ckanext.marathon.files.media_type import SAMPLE_SIZE, detect_media_type
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
        resources: changed in place: ``upload`` is taken out, address, size and media type are
            filled in, as ``package_update`` does.

    Returns:
        One list of error messages a resource, empty where its file may be stored.
    """
    pending: list[Pending] = []
    errors: list[list[str]] = []
    for resource in resources:
        _state_media_type(resource)
        upload = uploader.get_resource_uploader(resource)
        left = resource.pop("upload", None)
        size = getattr(upload, "filesize", None)
        if size is not None:
            resource["size"] = size
            if getattr(upload, "mimetype", None):
                resource.setdefault("mimetype", upload.mimetype)
        pending.append(Pending(upload))
        if getattr(left, "filename", None):
            errors.append([tk._("This site takes no files. Give the web address of the file.")])
        else:
            errors.append(_refused(resource.get("url", ""), size))
    context[KEY] = pending  # type: ignore[literal-required]
    return errors


def state_media_types(
    resources: Sequence[dict[str, Any]], package: model.Package | None
) -> list[dict[str, Any]]:
    """Return resources with the media types that their files have, whatever was sent.

    The feeds publish it, and a download is served with what the same function finds.

    Args:
        resources: of a ``package_update``; not changed.
        package: as it is stored.
    """
    stored = {resource.id: resource for resource in package.resources} if package else {}
    return [_with_media_type(dict(resource), stored) for resource in resources]


def _with_media_type(
    resource: dict[str, Any], stored: Mapping[str, model.Resource]
) -> dict[str, Any]:
    before = stored.get(resource.get("id") or "")
    if not _state_media_type(resource) and before is not None:
        is_kept = before.url_type == resource.get("url_type") == "upload"
        if is_kept and before.mimetype:
            resource["mimetype"] = before.mimetype
    return resource


def _state_media_type(resource: dict[str, Any]) -> bool:
    """Set the media type of a resource that brings a file; return whether it does."""
    upload = resource.get("upload")
    if not isinstance(upload, FileStorage) or not upload.filename:
        return False
    sample = upload.stream.read(SAMPLE_SIZE)
    upload.stream.seek(0)
    resource["mimetype"] = detect_media_type(sample, munge.munge_filename(upload.filename))
    return True


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
