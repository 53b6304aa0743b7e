"""What a full disk must not take away: reading, and the servers that reading needs.

Saves are refused by CKAN itself while less than ``SAVES_NEED_MEGABYTES`` are free
(``ckanext.marathon.disk_free_mb``), long before the servers run out of room. Other programs on the
machine may fill the disk all the same. For that case a file of ``RESERVE_MEGABYTES`` is kept, which
is deleted when almost nothing is free: reading makes the servers write a little, above all
PostgreSQL's log, and PostgreSQL stops when it cannot.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

from stack.paths import Layout, free_megabytes

SAVES_NEED_MEGABYTES = 100
RESERVE_MEGABYTES = 64
# PostgreSQL's log grows by files of 16 MB.
RELEASE_BELOW_MEGABYTES = 24
# For so long after the disk was full, what a server reports may come from that.
SHORT_SECONDS = 180


class DiskReserve:
    """The reserve of one data directory, and whether its disk has been full lately."""

    def __init__(self, layout: Layout) -> None:
        """Prepare it; nothing is written yet."""
        self.layout = layout
        self.path = layout.root / "reserve"
        self._short_at: float | None = None

    def update(self) -> None:
        """Give the reserve up where the disk is full, make it again where there is room."""
        free = free_megabytes(self.layout.root)
        if not self.has_room():
            self._short_at = time.monotonic()
        if free < RELEASE_BELOW_MEGABYTES:
            self.release()
        elif free > SAVES_NEED_MEGABYTES + 2 * RESERVE_MEGABYTES and not self.path.exists():
            self._make()

    def release(self) -> None:
        """Delete the file."""
        self.path.unlink(missing_ok=True)

    def has_room(self) -> bool:
        """Return whether there is enough for saves."""
        return free_megabytes(self.layout.root) >= SAVES_NEED_MEGABYTES

    def was_short_lately(self) -> bool:
        """Return whether the disk has been too full for saves within ``SHORT_SECONDS``."""
        return self._short_at is not None and time.monotonic() - self._short_at < SHORT_SECONDS

    def _make(self) -> None:
        # Others may take the room meanwhile; the next second tries again.
        with suppress(OSError), self.path.open("wb") as stream:
            try:
                os.posix_fallocate(stream.fileno(), 0, RESERVE_MEGABYTES * 1_000_000)
            except OSError:
                self.release()
                raise
