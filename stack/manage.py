"""``make stop``, ``make reset`` and ``make logs``."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import psutil

from stack import processes
from stack.messages import StackError
from stack.paths import MARKER, Layout


def existing(data: Path) -> Layout:
    """Return the layout of a data directory that the stack made.

    Raises:
        StackError: there is none.
    """
    root = data.expanduser().resolve()
    if not (root / MARKER).exists():
        raise StackError(
            f"there is no site in {root}; `make run` creates one",
            f"no hay ningún sitio en {root}; `make run` lo crea",
        )
    return Layout(root)


def stop(data: Path) -> int:
    """End whatever runs a data directory and wait until it has ended.

    Returns:
        0, also where nothing ran.
    """
    layout = existing(data)
    pid = processes.holder(layout)
    if pid is None:
        left = processes.orphans(layout)
        processes.end(left)
        print("stopped / detenido" if left else "nothing was running / no había nada en marcha")
        return 0
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 120
    while processes.holder(layout) == pid and time.monotonic() < deadline:
        time.sleep(0.1)
    if processes.holder(layout) == pid:
        processes.end([psutil.Process(pid)], patience=0)
        processes.end(processes.orphans(layout))
    print("stopped / detenido")
    return 0


def reset(data: Path, confirmed: bool) -> int:
    """Delete a data directory after asking.

    Args:
        data: the directory.
        confirmed: yes was said beforehand (``CONFIRM=yes``).

    Returns:
        0, or 1 where the answer was no.

    Raises:
        StackError: nobody can be asked.
    """
    layout = existing(data)
    if not confirmed:
        if not sys.stdin.isatty():
            raise StackError(
                "this deletes the site's data; to say yes without a terminal: "
                "make reset CONFIRM=yes",
                "esto borra los datos del sitio; para confirmar sin terminal: "
                "make reset CONFIRM=yes",
            )
        question = f"Delete everything in / Borrar todo en {layout.root}? [y/s/N] "
        if input(question).strip().lower() not in ("y", "yes", "s", "sí", "si"):
            print("nothing was deleted / no se borró nada")
            return 1
    stop(data)
    with processes.holding(layout):
        shutil.rmtree(layout.sockets, ignore_errors=True)
        shutil.rmtree(layout.root)
    print(f"deleted / borrado: {layout.root}")
    return 0


def logs(data: Path) -> int:
    """Show the end of every log and what is added to it, until Ctrl-C.

    Returns:
        0; only where there is no log yet, otherwise the process becomes ``tail``.
    """
    layout = existing(data)
    files = sorted(str(path) for path in layout.logs.glob("*.log"))
    if files:
        os.execvp("tail", ["tail", "-n", "20", "-F", *files])  # noqa: S606, S607 - tail of the logs
    print("no logs yet / todavía no hay bitácoras")
    return 0
