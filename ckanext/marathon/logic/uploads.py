"""Files that come with a new dataset.

CKAN stores files with ``resource_create`` and ``package_update`` only; here a dataset and its
files are created in one transaction, so that there is never one without the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.lib import uploader
from ckan.types import Context

KEY = "marathon_uploads"
MEGABYTE = 2**20


def prepare(context: Context, resources: list[dict[str, Any]]) -> list[list[str]]:
    """Take the files out of resources that are about to be created.

    Args:
        context: of the ``package_create`` that will follow; remembers the files.
        resources: changed in place: ``upload`` is taken out, address, size and media type are
            filled in, as ``package_update`` does.

    Returns:
        One list of error messages a resource, empty where its file may be stored.
    """
    pending = []
    errors: list[list[str]] = []
    for resource in resources:
        upload = uploader.get_resource_uploader(resource)
        size = getattr(upload, "filesize", None)
        if size is not None:
            resource["size"] = size
            if getattr(upload, "mimetype", None):
                resource.setdefault("mimetype", upload.mimetype)
        pending.append(upload)
        errors.append(_refused(resource.get("url", ""), size))
    context[KEY] = pending  # type: ignore[literal-required]
    return errors


def store(context: Context, resources: Iterable[dict[str, Any]]) -> None:
    """Store the files that :func:`prepare` took, now that their resources have ids.

    Called between CKAN's flush and its commit: what cannot be stored undoes the dataset.
    """
    for upload, resource in zip(context.get(KEY, ()), resources, strict=False):
        upload.upload(resource["id"], uploader.get_max_resource_size())


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
