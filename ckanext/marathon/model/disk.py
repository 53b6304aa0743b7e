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


def free_megabytes() -> int | None:
    """Return the free megabytes at ``ckanext.marathon.disk_path``; ``None`` if that is not set.

    Raises:
        OSError: the path is not there.
    """
    path = tk.config.get("ckanext.marathon.disk_path")
    return shutil.disk_usage(path).free // MEGABYTE if path else None


def has_room() -> bool:
    """Return whether the disk has room for saves, or is not watched."""
    try:
        free = free_megabytes()
    except OSError:
        # A path that is not there tells nothing; ``doctor`` names it.
        return True
    return free is None or free >= tk.config["ckanext.marathon.disk_free_mb"]


def keeps_files() -> bool:
    """Return whether the site can store files of records; without it CKAN fails or drops them."""
    storage = uploader.get_resource_uploader({})
    places = (getattr(storage, "storage_path", None), getattr(storage, "storage", None))
    return any(places)


def is_disk_full(fault: BaseException) -> bool:
    """Return whether a fault means that a disk, or somebody's share of one, is full."""
    if isinstance(fault, OSError):
        return fault.errno in _FULL
    cause = getattr(fault, "orig", fault)
    # PostgreSQL refuses a connection for which it would have to write a file, and a refusal to
    # connect has no code, only the words of the system.
    is_refusal = isinstance(cause, OperationalError) and cause.pgcode is None
    return isinstance(cause, DiskFull) or (is_refusal and _NO_ROOM in str(cause))
