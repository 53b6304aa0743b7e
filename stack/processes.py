"""Finds the processes that an earlier start left behind, and only those.

Every process of the stack carries the path of its data directory in its environment, and the
process that runs a data directory holds a lock on a file in it. So a process with the mark and
without the lock is an orphan, whatever became of the files that hold process ids.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from stack.messages import StackError
from stack.paths import Layout

MARK = "MARATHON_STACK_DIR"


@contextmanager
def holding(layout: Layout) -> Iterator[None]:
    """Hold the data directory; what an earlier holder left running is ended first.

    Raises:
        StackError: somebody holds it.
    """
    with layout.lock.open("a+", encoding="ascii") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(
                f"{layout.root} is in use by process {holder(layout) or '?'}; `make stop` ends it",
                f"{layout.root} está en uso por el proceso {holder(layout) or '?'}; "
                "`make stop` lo detiene",
            ) from None
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        end(orphans(layout))
        forget_postgres(layout)
        yield


def holder(layout: Layout) -> int | None:
    """Return the id of the process that runs the data directory now, if any does."""
    if not layout.lock.exists():
        return None
    with layout.lock.open("r", encoding="ascii") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = stream.read().strip()
            return int(text) if text.isdigit() else None
    return None


def orphans(layout: Layout) -> list[psutil.Process]:
    """Return the processes that bear this data directory's mark, ourselves left out."""
    found = []
    for process in psutil.process_iter():
        try:
            marked = process.environ().get(MARK) == str(layout.root)
        except (psutil.Error, OSError):
            continue
        if marked and process.pid != os.getpid():
            found.append(process)
    return found


def end(processes: list[psutil.Process], patience: float = 20) -> None:
    """Ask the processes to end and, after ``patience`` seconds, end them."""
    for process in processes:
        _signal(process, "terminate")
    _, alive = psutil.wait_procs(processes, timeout=patience)
    for process in alive:
        _signal(process, "kill")
    psutil.wait_procs(alive, timeout=5)


def _signal(process: psutil.Process, name: str) -> None:
    with suppress(psutil.NoSuchProcess):
        getattr(process, name)()


def forget_postgres(layout: Layout) -> None:
    """Remove a process-id file of a PostgreSQL that is gone.

    PostgreSQL does this itself unless another process got the same number meanwhile; then it
    refuses to start. Nobody else runs this directory: the caller holds its lock.
    """
    path = layout.postgres / "postmaster.pid"
    if not path.exists():
        return
    first = path.read_text(encoding="utf-8").split("\n", 1)[0].strip()
    if first.isdigit() and _is_postgres_of(int(first), layout.postgres):
        return
    path.unlink(missing_ok=True)


def _is_postgres_of(pid: int, data: Path) -> bool:
    try:
        command = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    return str(data) in command
