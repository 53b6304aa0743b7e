"""What administrators are told when changes of the feed were served that its log no longer has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import ckan.plugins.toolkit as tk

from ckanext.marathon.feeds import witness
from ckanext.marathon.model import clock

# For how long after it an epoch that began because of a loss is spoken of.
RECENTLY = timedelta(days=30)


def describe_losses() -> Iterator[str]:
    """Yield what is known of a lost history, in the reader's language; nothing if none was lost."""
    lost = witness.find_unanswered_loss()
    if lost:
        text = tk._(
            "An older database was brought back: change {number} was served to portals, and the "
            "feed's log does not have it. Restart the site, and a new epoch begins by itself, or "
            "run: ckan marathon feed new-epoch"
        )
        yield text.format(number=lost.number)
    now = clock.read()
    if now.lost is not None and now.began > datetime.now(UTC) - RECENTLY:
        text = tk._(
            "Epoch {epoch} began on {date}, because an older database had been brought back: "
            "changes up to {number} had been served. Portals fetch everything again."
        )
        yield text.format(epoch=now.epoch, date=now.began.date().isoformat(), number=now.lost)
