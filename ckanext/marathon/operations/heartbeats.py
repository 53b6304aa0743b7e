"""Which processes of `make run` hang, by the files that they touch as long as they do not.

Each is called NAME-PROCESS (``stack/heartbeat.py``): ``web`` for a worker of the web server,
``watch`` for `make run` itself, and ``supervisor``, whose file `make run` touches when it answers.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import ckan.plugins.toolkit as tk

WEB, WATCH, SUPERVISOR = "web", "watch", "supervisor"
# A web worker touches its file every second. `make run` waits for servers in between.
_SECONDS = {WEB: 10, WATCH: 60}
# `make run` asks the supervisor every three seconds, and touches its own file in between.
_SECONDS_BEHIND = 7


@dataclass(frozen=True)
class Heartbeat:
    """What a process has said last.

    Attributes:
        name: of what it is.
        pid: its number.
        at: when, in seconds since 1970.
    """

    name: str
    pid: int
    at: float


def list_hanging() -> list[Heartbeat]:
    """Return the processes that run and have said nothing for too long; none where none says it."""
    found = list(_read())
    watched_at = max((beat.at for beat in found if beat.name == WATCH), default=0.0)
    now = time.time()
    return [
        beat
        for beat in found
        if (beat.name in _SECONDS and now - beat.at > _SECONDS[beat.name])
        or (beat.name == SUPERVISOR and watched_at - beat.at > _SECONDS_BEHIND)
    ]


def end_hanging_web_workers() -> list[int]:
    """Kill the web workers that hang, each of which gunicorn replaces; return their numbers."""
    ended = []
    for beat in list_hanging():
        if beat.name == WEB:
            end(beat.pid)
            ended.append(beat.pid)
    return ended


def end(pid: int) -> None:
    """Kill a process, which does not hear when it is asked."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def is_running(pid: int | None) -> bool:
    """Return whether this machine has a process of that number."""
    try:
        os.kill(pid or 0, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return bool(pid)


def _read() -> Iterator[Heartbeat]:
    directory = tk.config["ckanext.marathon.heartbeats"]
    for path in sorted(Path(directory).glob("*-*")) if directory else ():
        name, _, pid = path.name.rpartition("-")
        if pid.isdigit() and is_running(int(pid)) and (name == WATCH or _beats_in(directory, pid)):
            yield Heartbeat(name, int(pid), path.stat().st_mtime)


def _beats_in(directory: str, pid: str) -> bool:
    """Return whether a process was started to touch its file there; numbers are given again."""
    try:
        variables = Path("/proc", pid, "environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"MARATHON_HEARTBEATS={directory}".encode() in variables
