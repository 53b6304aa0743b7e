"""Time as CKAN's own tables keep it."""

from __future__ import annotations

from datetime import UTC, datetime


def utcnow() -> datetime:
    """Return now in UTC, without an offset."""
    return datetime.now(UTC).replace(tzinfo=None)
