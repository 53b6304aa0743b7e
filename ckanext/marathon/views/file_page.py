"""The content that is added to CKAN's page of a file: its preview, and the addresses of its data.

CKAN's own view renders the page, so the template calls ``h.marathon_file_page`` once.

Of a table the first rows are printed, which needs no script. With a DataStore all rows can be
searched, sorted and leafed through: these are addresses of the same page with parameters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, cast
from urllib.parse import urlencode

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.types import Context
from flask import request

from ckanext.marathon.domain.dates import GUATEMALA
from ckanext.marathon.domain.file import PDF, RASTER_IMAGES
from ckanext.marathon.domain.table import ColumnType, write_cell
from ckanext.marathon.files.profile import TYPE_NAMES
from ckanext.marathon.helpers.record import marathon_size
from ckanext.marathon.helpers.site import marathon_map
from ckanext.marathon.logic import table as table_logic
from ckanext.marathon.logic.action.file import find_version_address
from ckanext.marathon.logic.messages import write_fault
from ckanext.marathon.model import datastore, file_version, table
from ckanext.marathon.model.file_version import FileVersion
from ckanext.marathon.model.table import FileTable, TableState
from ckanext.marathon.records import OTHER_TYPES
from ckanext.marathon.vocabulary import authorities
from ckanext.marathon.vocabulary.codes import pick_label

ROWS = table_logic.FIRST_ROWS
# Rows of a page further back are not sorted and counted for a person who leafs through them.
MOST_PAGES = 2_000
GEOJSON = "application/geo+json"
# Bytes that a browser fetches and draws.
LARGEST_MAP = 5_000_000
_NUMBERS = (ColumnType.INTEGER, ColumnType.NUMBER)


class ShownColumn(NamedTuple):
    """A column of a shown table.

    Attributes:
        name: its name in the API.
        label: its heading.
        type: its type in words.
        is_number: whether its cells are aligned by their digits.
        sort_href: address of the page sorted by it, "" if the rows cannot be sorted.
        sorted: ``ascending`` or ``descending`` if the rows are sorted by it, else "".
    """

    name: str
    label: str
    type: str
    is_number: bool
    sort_href: str
    sorted: str


class Bar(NamedTuple):
    """A bar of a chart: its label, its value as text, and its start and length in percent."""

    label: str
    value: str
    start: float
    length: float


@dataclass(frozen=True)
class Chart:
    """A chart of the shown rows: one bar a row.

    Attributes:
        title: what it shows.
        choices: columns of numbers, as pairs of name and heading.
        chosen: name of the shown one.
        bars: in the order of the rows.
    """

    title: str
    choices: list[tuple[str, str]]
    chosen: str
    bars: list[Bar]


class DataLink(NamedTuple):
    """An address of data: what it is, and the absolute address."""

    label: str
    href: str


@dataclass(frozen=True)
class ShownSheet:
    """A table.

    Attributes:
        number: from 1.
        title: name of the sheet, "" for text files.
        columns: the shown columns.
        rows: the shown rows as text.
        caption: which rows are shown, of how many.
        hidden_columns: number of columns that are not shown.
        is_searchable: whether all of its rows can be searched here.
        previous: address of the rows before these, "" if there are none.
        following: address of the rows after these, "" if there are none.
        downloads: the whole table in other formats.
        chart: bars of a column of numbers, ``None`` if there is none.
    """

    number: int
    title: str
    columns: list[ShownColumn]
    rows: list[list[str]]
    caption: str
    hidden_columns: int
    is_searchable: bool
    previous: str
    following: str
    downloads: list[DataLink]
    chart: Chart | None


class ShownVersion(NamedTuple):
    """A former version of a file.

    Attributes:
        number: its number.
        title: its title then.
        replaced: the day on which it was replaced.
        facts: format and size.
        href: where it is downloaded, "" if its content was erased.
        changes: what the next version changed.
    """

    number: int
    title: str
    replaced: str
    facts: str
    href: str
    changes: list[str]


@dataclass(frozen=True)
class FileMap:
    """The map of a GeoJSON file: addresses of the file and of what draws it, all on this site."""

    data: str
    script: str
    style: str
    boundaries: str
    attribution: str


@dataclass(frozen=True)
class FilePage:
    """The content that is added to the page of a file.

    Attributes:
        may_edit: whether this person may edit the record.
        state: what is to be said about the table of the file, "" for nothing.
        is_failed: whether ``state`` says that the file cannot be read.
        problems: what the officer may want to correct in the table.
        sheets: its tables.
        query: what all rows are searched for.
        query_fault: why the search found nothing, "" if it worked.
        hidden: names and values of the parameters that a search keeps.
        api: addresses for programs, empty if there is no table in the DataStore.
        image: address of a picture, "" for other files.
        map: the map of a GeoJSON file, ``None`` for other files.
        pdf: address at which the browser shows a PDF, "" for other files.
        replace: address of the page that replaces the file, "" if this person may not.
        versions: its former versions, the newest first.
    """

    may_edit: bool
    state: str
    is_failed: bool
    problems: list[str]
    sheets: list[ShownSheet]
    query: str
    query_fault: str
    hidden: list[tuple[str, str]]
    api: list[DataLink]
    image: str
    map: FileMap | None
    pdf: str
    replace: str
    versions: list[ShownVersion]


@dataclass(frozen=True)
class TableQuery:
    """What a person asked of a table, from the address of the page.

    Attributes:
        text: words that a row must have.
        sort: name of a column, "" for the order of the file.
        is_descending: whether the largest values come first.
        page: from 1.
        chart: name of a column of numbers, "" for the first one.
    """

    text: str
    sort: str
    is_descending: bool
    page: int
    chart: str

    @classmethod
    def read(cls, columns: Sequence[Mapping[str, Any]]) -> TableQuery:
        """Return the query of this request; what does not fit the columns is left out."""
        names = {column["name"] for column in columns}
        sort, chart = request.args.get("sort", ""), request.args.get("chart", "")
        page = request.args.get("page", "")
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1
        return cls(
            request.args.get("q", "").replace("\0", "").strip()[:200],
            sort if sort in names else "",
            request.args.get("order") == "desc",
            min(max(number, 1), MOST_PAGES),
            chart if chart in names else "",
        )

    def write(self, **changed: object) -> dict[str, str]:
        """Return the parameters of this query with some changes, without default values."""
        values = {
            "q": self.text,
            "sort": self.sort,
            "order": "desc" if self.sort and self.is_descending else "",
            "page": str(self.page) if self.page > 1 else "",
            "chart": self.chart,
            **changed,
        }
        return {name: str(value) for name, value in values.items() if value}


class FoundRows(NamedTuple):
    """Rows of a table: as text, the number of the first one from 0, and how many there are."""

    rows: list[list[str]]
    first: int
    total: int


def read_file_page(shown: Mapping[str, Any], file: Mapping[str, Any]) -> FilePage:
    """Return the content that is added to the page of a file.

    Args:
        shown: its record, from ``package_show``.
        file: the file, from ``resource_show``.
    """
    may_edit = bool(tk.h.check_access("package_update", {"id": shown["id"]}))
    found = table.find_table(file["id"])
    is_upload = file.get("url_type") == "upload"
    media_type = _find_media_type(file)
    address = str(file.get("url") or "")
    sheets = found.sheets if found and found.state == TableState.LOADED else []
    query = TableQuery.read(sheets[0]["columns"]) if sheets else TableQuery("", "", False, 1, "")
    root = tk.h.url_for(f"{shown['type']}_resource.read", id=shown["name"], resource_id=file["id"])
    search = _search_rows(found, query) if found and sheets else None
    state, is_failed = _describe_state(found, may_edit)
    return FilePage(
        may_edit=may_edit,
        state=state,
        is_failed=is_failed,
        problems=_list_problems(sheets) if may_edit else [],
        sheets=[
            _show_sheet(shown, file, sheet, number, query, search if number == 1 else None, root)
            for number, sheet in enumerate(sheets, 1)
        ],
        query=query.text,
        query_fault=tk._("The search did not work. These are the first rows of the table.")
        if found and found.is_stored and search is None and sheets
        else "",
        hidden=sorted(query.write(q="", page="").items()),
        api=_list_api_addresses(file) if found and found.is_stored and sheets else [],
        image=address if is_upload and media_type in RASTER_IMAGES else "",
        map=_find_map(file) if is_upload else None,
        pdf=address if is_upload and media_type == PDF else "",
        replace=tk.h.url_for("marathon_file.replace", id=shown["name"], resource_id=file["id"])
        if may_edit and is_upload and shown["type"] not in OTHER_TYPES
        else "",
        versions=[_show_version(version) for version in file_version.list_versions(file["id"])],
    )


def _find_map(file: Mapping[str, Any]) -> FileMap | None:
    """Return the map of a GeoJSON file, if the site has maps and the file is not too large."""
    size = file.get("size")
    is_places = str(file.get("url") or "").lower().endswith(".geojson")
    is_places = is_places or _find_media_type(file) == GEOJSON
    is_large = isinstance(size, int) and size > LARGEST_MAP
    if not is_places or is_large or not p.plugin_loaded("marathon_site"):
        return None
    found = marathon_map()
    return FileMap(str(file["url"]), found.script, found.style, found.boundaries, found.attribution)


def _show_version(version: FileVersion) -> ShownVersion:
    return ShownVersion(
        version.number,
        version.title or version.file_name,
        version.replaced.astimezone(GUATEMALA).date().isoformat(),
        f"{version.format}, {marathon_size({'size': version.size})}"
        if version.size
        else version.format,
        "" if version.is_erased else find_version_address(version),
        describe_changes(version.changes),
    )


def describe_changes(changes: Mapping[str, Any]) -> list[str]:
    """Return what a file changed of the one before, as sentences."""
    found: list[str] = []
    rows = changes.get("rows")
    if rows:
        before, after = (tk.h.localised_number(count) for count in rows)
        text = (
            tk._("{after} rows instead of {before}")
            if before != after
            else tk._("{after} rows, as before")
        )
        found.append(text.format(after=after, before=before))
    for name, text in (
        ("added", tk._("New columns: {names}")),
        ("removed", tk._("Columns that are no longer there: {names}")),
    ):
        if changes.get(name):
            found.append(text.format(names=", ".join(changes[name])))
    new_values: list[dict[str, Any]] = changes.get("new_values") or []
    for new in new_values:
        text = tk._("New in “{column}”: {values}")
        more = new["count"] - len(new["values"])
        values = ", ".join(new["values"]) + (f" … (+{more})" if more else "")
        found.append(text.format(column=new["column"], values=values))
    return found


def _find_media_type(file: Mapping[str, Any]) -> str:
    stated = str(file.get("mimetype") or "")
    if stated:
        return stated
    iri = authorities.find_media_type_iri(str(file.get("format") or "")) or ""
    return iri.partition("/media-types/")[2]


def _describe_state(found: FileTable | None, may_edit: bool) -> tuple[str, bool]:
    """Return a sentence about a table that is not shown, and whether it could not be read."""
    if found is None or found.state in (TableState.LOADED, TableState.GONE):
        return "", False
    if found.state != TableState.FAILED:
        text = tk._("The table is being read. Open this page again in a minute to see its rows.")
        return text, False
    if not may_edit:
        return tk._("This file cannot be shown as a table. It can be downloaded."), True
    fault = write_fault(table_logic.read_fault(found.fault))
    text = tk._("The file can be downloaded, but not be shown as a table: {fault}.")
    return text.format(fault=fault.rstrip(".")), True


def _list_problems(sheets: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the officer may want to correct, with the name of the sheet if there are more."""
    found: list[str] = []
    for sheet in sheets:
        problems: list[dict[str, Any]] = sheet.get("problems") or []
        for stored in problems:
            text = write_fault(table_logic.read_fault(stored))
            found.append(f"{sheet['name']}: {text}" if len(sheets) > 1 else text)
    return found


def _search_rows(found: FileTable, query: TableQuery) -> FoundRows | None:
    """Return the rows of the first sheet that a query asks for, ``None`` if that does not work."""
    if not (found.is_stored and datastore.is_available()):
        return None
    wanted = table_logic.WantedRows(
        query.text, query.sort, query.is_descending, (query.page - 1) * ROWS
    )
    answer = table_logic.search_rows(
        Context(user=current_user.name, auth_user_obj=cast(Any, current_user)),
        found.resource_id,
        [column["name"] for column in found.sheets[0]["columns"]],
        wanted,
    )
    if answer is None:
        return None
    rows = [[write_stored_cell(cell) for cell in row] for row in answer["records"]]
    return FoundRows(rows, wanted.offset, int(answer["total"]))


def write_stored_cell(cell: Any) -> str:
    """Return a cell of the DataStore as text."""
    if isinstance(cell, Decimal):
        cell = int(cell) if cell == cell.to_integral_value() else float(cell)
    if isinstance(cell, str):
        return cell.replace("T00:00:00", "") if len(cell) == len("2024-01-01T00:00:00") else cell
    return write_cell(cell)


def _show_sheet(
    shown: Mapping[str, Any],
    file: Mapping[str, Any],
    sheet: Mapping[str, Any],
    number: int,
    query: TableQuery,
    found: FoundRows | None,
    root: str,
) -> ShownSheet:
    is_searchable = found is not None
    found = found or FoundRows(sheet["first"], 0, sheet["rows"])
    columns = sheet["columns"][: table_logic.MOST_SHOWN_COLUMNS]
    last = found.first + len(found.rows)
    pages = {
        "previous": query.page - 1 if is_searchable and found.first else 0,
        "following": query.page + 1 if is_searchable and last < found.total else 0,
    }
    turned = {
        name: _write_address(root, query.write(page=page if page > 1 else "")) if page else ""
        for name, page in pages.items()
    }
    return ShownSheet(
        number=number,
        title=sheet["name"],
        columns=[_show_column(column, query, root, is_searchable) for column in columns],
        rows=found.rows,
        caption=_write_caption(found, bool(is_searchable and query.text)),
        hidden_columns=len(sheet["columns"]) - len(columns),
        is_searchable=is_searchable,
        previous=turned["previous"],
        following=turned["following"],
        downloads=list_downloads(shown, file, number),
        chart=make_chart(columns, found.rows, query.chart) if number == 1 else None,
    )


def _show_column(
    column: Mapping[str, Any], query: TableQuery, root: str, is_sortable: bool
) -> ShownColumn:
    is_sorted = query.sort == column["name"]
    order = "desc" if is_sorted and not query.is_descending else ""
    changed = query.write(sort=column["name"], order=order, page="")
    type_ = ColumnType(column["type"])
    return ShownColumn(
        column["name"],
        column["label"],
        pick_label(TYPE_NAMES[type_], tk.h.lang()),
        type_ in _NUMBERS,
        _write_address(root, changed) if is_sortable else "",
        ("descending" if query.is_descending else "ascending") if is_sorted else "",
    )


def _write_address(root: str, parameters: dict[str, str]) -> str:
    return f"{root}?{urlencode(parameters)}#table" if parameters else f"{root}#table"


def _write_caption(found: FoundRows, is_search: bool) -> str:
    count = tk.h.localised_number(found.total)
    if not found.rows:
        return tk._("No row has these words.") if is_search else tk._("There are no more rows.")
    last = found.first + len(found.rows)
    if is_search:
        text = tk._("Rows {first} to {last} of the {count} rows with these words")
    elif last == found.total and not found.first:
        text = tk.ungettext("One row", "All {count} rows", found.total)
    else:
        text = tk._("Rows {first} to {last} of {count}")
    return text.format(first=found.first + 1, last=last, count=count)


def list_downloads(
    shown: Mapping[str, Any], file: Mapping[str, Any], number: int
) -> list[DataLink]:
    """Return the addresses of a table in other formats; they do not change."""
    parameters = {"sheet": number} if number > 1 else {}
    return [
        DataLink(
            label,
            tk.h.url_for(
                "marathon_table.download",
                id=shown["id"],
                resource_id=file["id"],
                extension=extension,
                locale="default",
                qualified=True,
                **parameters,
            ),
        )
        for label, extension in (("CSV", "csv"), ("Excel", "xlsx"), ("JSON", "json"))
    ]


def _list_api_addresses(file: Mapping[str, Any]) -> list[DataLink]:
    def find_action(name: str, more: str = "") -> str:
        start = tk.h.url_for(f"/api/3/action/{name}", locale="default", qualified=True)
        return f"{start}?resource_id={file['id']}{more}"

    return [
        DataLink(tk._("The first five rows"), find_action("datastore_search", "&limit=5")),
        DataLink(tk._("Rows with a word"), find_action("datastore_search", "&q=agua")),
        DataLink(tk._("Columns and their types"), find_action("datastore_info")),
    ]


def make_chart(
    columns: Sequence[Mapping[str, Any]], rows: Sequence[Sequence[str]], chosen: str
) -> Chart | None:
    """Return bars of a column of numbers, one for each row; ``None`` if there is none.

    The labels are the first column that has no numbers.
    """
    places = {
        column["name"]: place
        for place, column in enumerate(columns)
        if ColumnType(column["type"]) in _NUMBERS
    }
    named = [place for place in range(len(columns)) if place not in places.values()]
    if not places or not named or len(rows) < 2:
        return None
    name = chosen if chosen in places else next(iter(places))
    label, value = columns[named[0]], columns[places[name]]
    numbers = [_read_number(row[places[name]]) for row in rows]
    known = [number for number in numbers if number is not None]
    if not known:
        return None
    low, high = min(0.0, *known), max(0.0, *known)
    scale = 100 / (high - low) if high > low else 0.0
    return Chart(
        tk._("{value} by {label}").format(value=value["label"], label=label["label"]),
        [(each, columns[place]["label"]) for each, place in places.items()],
        name,
        [
            Bar(
                row[named[0]],
                row[places[name]],
                round((min(number, 0.0) - low) * scale, 2),
                round(abs(number) * scale, 2),
            )
            for row, number in zip(rows, numbers, strict=True)
            if number is not None
        ],
    )


def _read_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
