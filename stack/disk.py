"""What a full disk must not take away: reading, and the servers that reading needs.

Saves are refused by CKAN itself while less than ``SAVES_NEED_MEGABYTES`` are free
(``ckanext.marathon.disk_free_mb``), long before the servers run out of room. Other programs on the
machine may fill the disk all the same. For that case a file of ``RESERVE_MEGABYTES`` is kept, which
is deleted when almost nothing is free: reading makes the servers write a little, above all
PostgreSQL's log, and PostgreSQL stops when it cannot.

A second file of ``START_MEGABYTES`` stays while the site runs, however full the disk becomes. Only
the next start deletes it: what was killed on a full disk needs some room to recover.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from stack.paths import Layout, free_megabytes

SAVES_NEED_MEGABYTES = 100
RESERVE_MEGABYTES = 64
START_MEGABYTES = 40
# PostgreSQL's log grows by files of 16 MB.
RELEASE_BELOW_MEGABYTES = 24
# For so long after the disk was full, what a server reports may come from that.
SHORT_SECONDS = 180


class DiskReserve:
    """The reserves of one data directory, and whether its disk has been full lately."""

    def __init__(self, layout: Layout) -> None:
        """Prepare it; nothing is written yet."""
        self.layout = layout
        self.path = layout.root / "reserve"
        self.start_path = layout.root / "reserve-start"
        self._short_at: float | None = None

    def update(self) -> None:
        """Give the reserve up where the disk is full, make both again where there is room."""
        free = free_megabytes(self.layout.root)
        if not self.has_room():
            self._short_at = time.monotonic()
        if free < RELEASE_BELOW_MEGABYTES:
            self.path.unlink(missing_ok=True)
        elif free > SAVES_NEED_MEGABYTES + 2 * RESERVE_MEGABYTES + START_MEGABYTES:
            _make(self.path, RESERVE_MEGABYTES)
            _make(self.start_path, START_MEGABYTES)

    def release_for_start(self) -> None:
        """Give up what is needed to start a site again on a disk that is full."""
        for path in (self.path, self.start_path):
            if free_megabytes(self.layout.root) < RELEASE_BELOW_MEGABYTES:
                path.unlink(missing_ok=True)

    def has_room(self) -> bool:
        """Return whether there is enough for saves."""
        return free_megabytes(self.layout.root) >= SAVES_NEED_MEGABYTES

    def was_short_lately(self) -> bool:
        """Return whether the disk has been too full for saves within ``SHORT_SECONDS``."""
        return self._short_at is not None and time.monotonic() - self._short_at < SHORT_SECONDS


def _make(path: Path, megabytes: int) -> None:
    if path.exists():
        return
    # Others may take the room meanwhile; the next second tries again.
    with suppress(OSError), path.open("wb") as stream:
        try:
            os.posix_fallocate(stream.fileno(), 0, megabytes * 1_000_000)
        except OSError:
            path.unlink(missing_ok=True)
            raise
