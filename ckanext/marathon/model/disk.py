"""Room on the disk that the database writes to, which must never run out: it would stop."""

from __future__ import annotations

import errno
import shutil

import ckan.plugins.toolkit as tk
from psycopg2.errors import DiskFull

MEGABYTE = 1_000_000
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def free_megabytes() -> int | None:
    """Return what is free at ``ckanext.marathon.disk_path``; ``None`` where that is not set.

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


def is_disk_full(fault: BaseException) -> bool:
    """Return whether a fault means that a disk, or somebody's share of one, is full."""
    if isinstance(fault, OSError):
        return fault.errno in _FULL
    return isinstance(getattr(fault, "orig", fault), DiskFull)
