"""Tables as files to take along."""

from __future__ import annotations

from ckan.types import Response

from ckanext.marathon.domain import dates
from ckanext.marathon.spreadsheets.table import Cell, Table, write_csv_lines

from .conditional import short


def csv(table: Table) -> Response:
    """Return a table as CSV, which browsers save under the table's name."""
    answer = short(b"".join(write_csv_lines(table)), "text/csv")
    answer.vary.add("Accept-Encoding")
    answer.headers["Content-Disposition"] = f'attachment; filename="{table.name}.csv"'
    return answer


def day(text: str | None) -> Cell:
    """Return a stored date as the cell of a table, and what is none as the text that it is.

    Of a year or month it is the last day: what is due in 2018 is not late before it is over.
    """
    try:
        return dates.find_last_local_day(text) if text else None
    except ValueError:
        return text
