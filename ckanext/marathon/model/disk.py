"""Storage of files, and free disk space: the database stops if there is none."""

from __future__ import annotations

import errno
import os
import shutil

import ckan.plugins.toolkit as tk
from ckan.lib import uploader
from psycopg2 import OperationalError
from psycopg2.errors import DiskFull

MEGABYTE = 1_000_000
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_ROOM = os.strerror(errno.ENOSPC)


def count_free_megabytes() -> int | None:
    """Return the free megabytes at ``ckanext.marathon.disk_path``; ``None`` if that is not set.

    Raises:
        OSError: the path does not exist.
    """
    path = tk.config.get("ckanext.marathon.disk_path")
    return shutil.disk_usage(path).free // MEGABYTE if path else None


def has_room() -> bool:
    """Return whether the disk has room for saves; ``True`` if no path is set."""
    try:
        free = count_free_megabytes()
    except OSError:
        # The free space is unknown; ``doctor`` reports the missing path.
        return True
    return free is None or free >= tk.config["ckanext.marathon.disk_free_mb"]


def keeps_files() -> bool:
    """Return whether the site can store uploaded files.

    Without a storage CKAN fails or drops them.
    """
    storage = uploader.get_resource_uploader({})
    places = (getattr(storage, "storage_path", None), getattr(storage, "storage", None))
    return any(places)


def is_disk_full(fault: BaseException) -> bool:
    """Return whether an error means that a disk or a quota is full."""
    if isinstance(fault, OSError):
        return fault.errno in _FULL
    cause = getattr(fault, "orig", fault)
    # PostgreSQL also refuses connections when it cannot write a file. A refused connection has no
    # error code, only the operating system's message.
    is_refusal = isinstance(cause, OperationalError) and cause.pgcode is None
    return isinstance(cause, DiskFull) or (is_refusal and _NO_ROOM in str(cause))
