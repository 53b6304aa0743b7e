"""Fields that CKAN keeps as text, as the cells of a table; what cannot be read is empty."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from ckanext.marathon.domain import dates
from ckanext.marathon.domain.dates import GUATEMALA
from ckanext.marathon.spreadsheets.open_data import SEPARATOR
from ckanext.marathon.spreadsheets.table import Cell


def here(moment: datetime) -> datetime:
    """Return a moment that CKAN keeps in UTC as Guatemala's clocks show it, to the second."""
    return moment.replace(tzinfo=UTC, microsecond=0).astimezone(GUATEMALA)


def day(text: str) -> date | None:
    """Return the day in Guatemala of a stored date or time, nothing if it is neither."""
    try:
        return dates.find_local_day(text) if text else None
    except ValueError:
        return None


def hour(text: str) -> Cell:
    """Return a stored moment where its hour is known; a date alone is none."""
    reading = dates.read_stored_date(text)
    if reading is None or reading.form != dates.DateForm.MOMENT:
        return None
    return dates.find_first_instant(reading.text).replace(microsecond=0)


def degrees(coordinate: float | None) -> Cell:
    """Return a coordinate, nothing if it is none."""
    return coordinate if coordinate is not None and abs(coordinate) <= 180 else None


def joined(values: Iterable[str]) -> str:
    """Return several values as the text of one cell, as programs take them apart."""
    return SEPARATOR.join(filter(None, values))
