"""Files that a process touches every few seconds for as long as it does not hang.

`ckan marathon doctor` looks at them (``ckanext.marathon.heartbeats``). A file is called NAME-PID:
one of a process that has ended says nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def beat(directory: Path, name: str, pid: int | None = None) -> None:
    """Say that a process is well.

    Args:
        directory: of all heartbeats.
        name: of what the process is, for people.
        pid: of the process; our own where it is not given.
    """
    # A full disk may have no room for a new file.
    with suppress(OSError):
        (directory / f"{name}-{pid or os.getpid()}").touch()


def forget_ended(directory: Path) -> None:
    """Delete the files of processes that have ended."""
    for path in directory.glob("*-*"):
        pid = path.name.rpartition("-")[2]
        if not (pid.isdigit() and Path("/proc", pid).exists()):
            path.unlink(missing_ok=True)


def forget_all(directory: Path) -> None:
    """Delete what an earlier start has left."""
    for path in directory.glob("*-*"):
        path.unlink(missing_ok=True)
