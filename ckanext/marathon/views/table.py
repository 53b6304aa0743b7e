"""The tables of files in other formats, at addresses that do not change.

The first sheet comes from the DataStore, so that a large one is sent while it is read. Other
sheets, and all of them on a site without a DataStore, are read from the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user
from ckan.lib import munge
from ckan.types import Context, Response
from flask import Blueprint, request, stream_with_context
from flask import Response as FlaskResponse

from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.table import ColumnType
from ckanext.marathon.domain.texts import is_reference
from ckanext.marathon.logic import table as table_logic
from ckanext.marathon.model import datastore, table
from ckanext.marathon.model.table import FileTable, TableState
from ckanext.marathon.spreadsheets import (
    CSV,
    XLSX,
    Cell,
    Column,
    Table,
    write_csv_lines,
    write_json_lines,
    write_workbook,
)
from ckanext.marathon.views.errors import hide_existence
from ckanext.marathon.views.files import is_public

JSON = "application/json; charset=utf-8"
# A workbook is made in memory, and sheets of a file are read again for each request.
MOST_XLSX_ROWS, MOST_READ_ROWS = 100_000, 100_000
_PAGE = 10_000

tables = Blueprint("marathon_table", __name__)


def download_table(id: str, resource_id: str, extension: str) -> Response:
    """Return a table of a file as CSV, Excel or JSON; ``sheet`` is the number of its sheet."""
    with hide_existence(tk._("There is no such file, or it is not public.")):
        _check_file(id, resource_id)
        found, number = _find_sheet(resource_id)
    sheet = found.sheets[number - 1]
    is_stored = number == 1 and found.is_stored and datastore.is_available()
    if not is_stored and sheet["rows"] > MOST_READ_ROWS:
        tk.abort(404, tk._("This table is too large to be converted. Download the file itself."))
    if extension == "xlsx" and sheet["rows"] > MOST_XLSX_ROWS:
        text = tk._("This table has too many rows for Excel's format. Download it as CSV.")
        tk.abort(404, text)
    rows = _read_store(resource_id, sheet["columns"]) if is_stored else _read_file(found, sheet)
    made = _make_table(resource_id, sheet, rows, number)
    if extension == "xlsx":
        answer = FlaskResponse(write_workbook([made]), content_type=XLSX)
    else:
        lines, kind = (
            (write_csv_lines(made), CSV) if extension == "csv" else (write_json_lines(made), JSON)
        )
        # The first line is made now, so that a fault is an error page and not a broken file.
        first = next(lines, b"")
        answer = FlaskResponse(stream_with_context(_chain(first, lines)), content_type=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{made.name}.{extension}"'
    if is_public(resource_id):
        # Scripts of other sites may draw public data.
        answer.headers["Access-Control-Allow-Origin"] = "*"
    else:
        request.environ["__no_cache__"] = True
        answer.cache_control.no_store = True
    return answer


tables.add_url_rule(
    "/dataset/<id>/resource/<resource_id>/table.csv",
    "download",
    download_table,
    defaults={"extension": "csv"},
)
tables.add_url_rule(
    "/dataset/<id>/resource/<resource_id>/table.xlsx",
    "download",
    download_table,
    defaults={"extension": "xlsx"},
)
tables.add_url_rule(
    "/dataset/<id>/resource/<resource_id>/table.json",
    "download",
    download_table,
    defaults={"extension": "json"},
)


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _make_context() -> Context:
    return Context(user=current_user.name, auth_user_obj=cast(Any, current_user))


def _check_file(reference: str, resource_id: str) -> None:
    """Check that a person may see a file, and that it belongs to the record of the address.

    Raises:
        ckan.plugins.toolkit.ObjectNotFound: there is no such file.
        ckan.plugins.toolkit.NotAuthorized: this person may not see it.
    """
    package = model.Package.get(reference) if is_reference(reference) else None
    shown = tk.get_action("resource_show")(_make_context(), {"id": resource_id})
    if package is None or shown["package_id"] != package.id:
        raise tk.ObjectNotFound


def _find_sheet(resource_id: str) -> tuple[FileTable, int]:
    """Return the table of a file and the number of the sheet that the request asks for.

    Raises:
        ckan.plugins.toolkit.ObjectNotFound: the file has no such table.
    """
    found = table.find_table(resource_id)
    given = request.args.get("sheet", "1")
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 4 else 0
    if found is None or found.state != TableState.LOADED or not 1 <= number <= len(found.sheets):
        raise tk.ObjectNotFound
    return found, number


def _make_table(
    resource_id: str, sheet: Mapping[str, Any], rows: Iterator[Sequence[Cell]], number: int
) -> Table:
    stored = model.Session.get(model.Resource, resource_id)
    name = munge.munge_name((stored.name or stored.url or "") if stored else "")[:60]
    columns = [
        Column(column["name"], column["label"], type=ColumnType(column["type"]))
        for column in sheet["columns"]
    ]
    title = sheet["name"] or "Datos"
    return Table(f"{name or 'datos'}{f'-{number}' if number > 1 else ''}", title, columns, rows)


def _read_file(found: FileTable, sheet: Mapping[str, Any]) -> Iterator[Sequence[Cell]]:
    try:
        yield from table_logic.read_sheet_records(found.resource_id, sheet)
    except (Malformed, OSError):
        # The file is missing, or was replaced a moment ago.
        tk.abort(404, tk._("The file cannot be read at the moment."))


def _read_store(resource_id: str, columns: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Cell]]:
    """Yield the rows of a table in the DataStore, in its order."""
    types = [ColumnType(column["type"]) for column in columns]
    last = 0
    while True:
        found = tk.get_action("datastore_search")(
            _make_context(),
            {
                "resource_id": resource_id,
                "fields": ["_id", *(column["name"] for column in columns)],
                "records_format": "lists",
                "filters": {"_id": {"gt": last}},
                "sort": "_id",
                "limit": _PAGE,
                "include_total": False,
            },
        )["records"]
        for row in found:
            yield [_convert(cell, type_) for cell, type_ in zip(row[1:], types, strict=True)]
        if not found:
            return
        last = found[-1][0]


def _convert(cell: Any, type_: ColumnType) -> Cell:
    if isinstance(cell, Decimal):
        return int(cell) if cell == cell.to_integral_value() else float(cell)
    if isinstance(cell, str) and type_ == ColumnType.DATE:
        return date.fromisoformat(cell[:10])
    if isinstance(cell, str) and type_ == ColumnType.DATETIME:
        return datetime.fromisoformat(cell)
    return cell
