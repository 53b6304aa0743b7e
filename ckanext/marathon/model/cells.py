"""Fields that CKAN keeps as text, as the cells of a table; what cannot be read is empty."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from ckanext.marathon.domain import dates, numbers
from ckanext.marathon.domain.dates import GUATEMALA
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.spreadsheets.open_data import SEPARATOR
from ckanext.marathon.spreadsheets.table import Cell


def here(moment: datetime) -> datetime:
    """Return a moment that CKAN keeps in UTC as Guatemala's clocks show it, to the second."""
    return moment.replace(tzinfo=UTC, microsecond=0).astimezone(GUATEMALA)


def day(text: str) -> date | None:
    """Return the day in Guatemala of a stored date or time, nothing if it is neither."""
    try:
        return dates.local_day(text) if text else None
    except ValueError:
        return None


def hour(text: str) -> Cell:
    """Return a stored moment where its hour is known; a date alone is none."""
    reading = dates.kept(text)
    if reading is None or reading.form != dates.Form.MOMENT:
        return None
    return dates.first_instant(reading.text).replace(microsecond=0)


def number(text: str) -> Cell:
    """Return a stored number of degrees, nothing if it is none."""
    try:
        found = float(text) if text else None
    except ValueError:
        return None
    return found if found is not None and abs(found) <= 180 else None


def count(text: str) -> Cell:
    """Return a stored count, nothing if it is none."""
    try:
        return numbers.count(text) if text else None
    except Malformed:
        return None


def joined(values: Iterable[str]) -> str:
    """Return several values as the text of one cell, as programs take them apart."""
    return SEPARATOR.join(filter(None, values))
