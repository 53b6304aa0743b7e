"""Tables, and writing them as CSV, Excel, JSON and Frictionless data packages."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

import yaml
from openpyxl import Workbook
from openpyxl.cell import Cell as ExcelCell
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from ckanext.marathon.domain.table import ColumnType
from ckanext.marathon.domain.texts import remove_hidden
from ckanext.marathon.vocabulary import schemes
from ckanext.marathon.vocabulary.codes import Labels, pick_label

Cell = str | bool | int | float | date | datetime | None


class Column(NamedTuple):
    """One column.

    Attributes:
        name: machine-readable name; it never changes.
        label: heading in the reader's language.
        description: description of the content, for a data dictionary.
    """

    name: str
    label: str
    description: str = ""
    type: ColumnType = ColumnType.STRING


class Table(NamedTuple):
    """A table.

    Attributes:
        name: name of the file, without an extension.
        title: name of the sheet.
        rows: cells in the order of the columns; may be an iterator.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Cell]]


CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Between several values in a cell.
SEPARATOR = " | "
# By it, Excel recognises UTF-8.
BOM = "\ufeff".encode()
# Excel's limits for the text of a cell and the name of a sheet.
LONGEST, LONGEST_NAME = 32_767, 31
# The maximum width of a column, in characters.
_WIDEST = 60


def write_csv_lines(table: Table) -> Iterator[bytes]:
    """Yield a table as CSV (RFC 4180, UTF-8 with a byte order mark), headed by columns' names.

    Dates are ISO 8601; ``None`` is an empty cell.
    """
    yield BOM + write_csv_line(column.name for column in table.columns)
    for row in table.rows:
        yield write_csv_line(row)


def write_csv_line(cells: Iterable[Cell]) -> bytes:
    """Return one line of CSV."""
    written = io.StringIO()
    csv.writer(written).writerow(
        [escape_formula(cell)[:LONGEST] if isinstance(cell, str) else _text(cell) for cell in cells]
    )
    return written.getvalue().encode()


def write_json_lines(table: Table) -> Iterator[bytes]:
    """Yield a table as a JSON array with one object per line; the keys are the columns' names."""
    names = [column.name for column in table.columns]
    before = "[\n"
    for row in table.rows:
        cells = {name: _plain(cell) for name, cell in zip(names, row, strict=True)}
        yield (before + json.dumps(cells, ensure_ascii=False)).encode()
        before = ",\n"
    yield b"[]\n" if before == "[\n" else b"\n]\n"


def write_workbook(tables: Iterable[Table]) -> bytes:
    """Return tables as an Excel workbook, one sheet per table, headed by the columns' labels."""
    book = Workbook(write_only=True)
    for table in tables:
        rows = list(table.rows)
        sheet: Worksheet = book.create_sheet(_sheet_name(table.title))
        sheet.freeze_panes = "A2"
        labels = [column.label for column in table.columns]
        for number, label in enumerate(labels):
            widest = max(len(text) for text in (label, *(_text(row[number]) for row in rows)))
            letter = _letter(number)
            sheet.column_dimensions[letter].width = min(widest, _WIDEST) + 2
        sheet.append([make_cell(sheet, label, Font(bold=True)) for label in labels])
        for row in rows:
            sheet.append([make_cell(sheet, cell) for cell in row])
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


# Characters that the name of a sheet may not have.
_NO_SHEET_NAME = str.maketrans(dict.fromkeys("[]:*?/\\", " "))


def _sheet_name(title: str) -> str:
    return remove_hidden(title).translate(_NO_SHEET_NAME)[:LONGEST_NAME]


def make_cell(sheet: Worksheet, value: Cell, font: Font | None = None) -> ExcelCell:
    """Return a cell for a sheet; text that begins like a formula stays text."""
    if isinstance(value, datetime):
        # Excel has no offsets of time.
        value = value.isoformat()
    is_text = isinstance(value, str)
    content: Any = remove_hidden(value)[:LONGEST] if is_text else value
    cell = WriteOnlyCell(sheet, value=content)
    if is_text:
        cell.data_type = "s"
    if font:
        cell.font = font
    return cell


def escape_formula(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula, without hidden characters.

    Source: OWASP, CSV injection.
    """
    text = remove_hidden(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _letter(number: int) -> str:
    before, last = divmod(number, 26)
    return (_letter(before - 1) if before else "") + chr(ord("A") + last)


def _text(cell: Cell) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return "" if cell is None else str(_plain(cell))


def _plain(cell: Cell) -> str | float | None:
    if isinstance(cell, str):
        return remove_hidden(cell)
    return cell.isoformat() if isinstance(cell, date) else cell


def join_values(values: Iterable[str]) -> str:
    """Return several values as the text of one cell; empty ones are left out."""
    return SEPARATOR.join(filter(None, values))


# Between several values in a cell of the open data.
PATH_SEPARATOR = "|"
# Format of times for Python's ``strptime``: Guatemala's time with its offset.
MOMENT = "%Y-%m-%dT%H:%M:%S%z"
# Extension → media type of the formats of the open data.
FORMS = {"csv": "text/csv", "json": "application/json"}
LICENCE = {
    "name": "CC-BY-4.0",
    "title": "Creative Commons Attribution 4.0",
    "path": "https://creativecommons.org/licenses/by/4.0/",
}


@dataclass(frozen=True, slots=True)
class OpenColumn:
    """A column of the open data.

    Attributes:
        several: whether a cell may have several values, separated by ``|``.
        terms: name of the closed list of its codes, "" if there is none.
        refers_to: name of the table whose keys it has, "" if there is none.
    """

    name: str
    type: ColumnType
    title: Labels = field(hash=False)
    description: Labels = field(hash=False)
    format: str = ""
    required: bool = False
    several: bool = False
    terms: str = ""
    refers_to: str = ""

    @property
    def choices(self) -> tuple[schemes.Term, ...]:
        """The terms whose codes are allowed; empty if any value is."""
        return schemes.get_term_list(self.terms).terms if self.terms else ()


@dataclass(frozen=True, slots=True)
class OpenTable:
    """A table of the open data; ``key`` has the names of the columns that identify a row."""

    name: str
    key: tuple[str, ...]
    title: Labels = field(hash=False)
    description: Labels = field(hash=False)
    columns: tuple[OpenColumn, ...]

    def columns_in(self, lang: str) -> list[Column]:
        """Return the columns with their texts in a language."""
        return [
            Column(
                column.name,
                pick_label(column.title, lang),
                pick_label(column.description, lang),
                column.type,
            )
            for column in self.columns
        ]


@lru_cache(maxsize=1)
def _declared() -> dict[str, Any]:
    text = files("ckanext.marathon.schemas").joinpath("open_data.yaml").read_text("utf-8")
    return yaml.safe_load(text)


def read_title() -> Labels:
    """Return the title of the data package."""
    return _declared()["title"]


def read_description() -> Labels:
    """Return the description of the data package."""
    return _declared()["description"]


def _read_column(declared: dict[str, Any]) -> OpenColumn:
    kind = ColumnType(declared["type"])
    others = {name: value for name, value in declared.items() if name != "type"}
    return OpenColumn(type=kind, **others)


@lru_cache(maxsize=1)
def list_open_tables() -> Mapping[str, OpenTable]:
    """Return the tables by name, in order."""
    return {
        table["name"]: OpenTable(
            table["name"],
            tuple(table["key"]),
            table["title"],
            table["description"],
            tuple(_read_column(column) for column in table["columns"]),
        )
        for table in _declared()["tables"]
    }


def build_data_package(address: str) -> dict[str, object]:
    """Return the Frictionless data package of the tables, with a Table Schema for each.

    Titles and descriptions are Spanish; ``title_en`` and ``description_en`` are English.

    Args:
        address: start of the addresses of the tables, without a slash at the end.
    """
    return {
        "profile": "tabular-data-package",
        "name": _declared()["name"],
        **_texts(read_title(), read_description()),
        "homepage": address,
        "licenses": [LICENCE],
        "resources": [_resource(table, address) for table in list_open_tables().values()],
    }


def _resource(table: OpenTable, address: str) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "fields": [_field(column) for column in table.columns],
        "primaryKey": list(table.key),
        "missingValues": [""],
    }
    foreign = [
        {
            "fields": column.name,
            "reference": {
                "resource": column.refers_to,
                "fields": list_open_tables()[column.refers_to].key[0],
            },
        }
        for column in table.columns
        if column.refers_to
    ]
    if foreign:
        schema["foreignKeys"] = foreign
    return {
        "profile": "tabular-data-resource",
        "name": table.name,
        **_texts(table.title, table.description),
        "path": f"{address}/{table.name}.csv",
        "format": "csv",
        "mediatype": FORMS["csv"],
        "encoding": "utf-8",
        "schema": schema,
    }


def _field(column: OpenColumn) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": column.name,
        "type": str(column.type),
        **_texts(column.title, column.description),
    }
    if column.type == ColumnType.DATETIME:
        found["format"] = MOMENT
    elif column.format:
        found["format"] = column.format
    constraints: dict[str, Any] = {"required": True} if column.required else {}
    if column.choices:
        constraints["enum"] = [choice.code for choice in column.choices]
    if constraints:
        found["constraints"] = constraints
    if column.several:
        found["separator"] = PATH_SEPARATOR
    return found


def _texts(title: Labels, description: Labels) -> dict[str, str]:
    return {
        "title": title["es"],
        "description": description["es"],
        "title_en": title["en"],
        "description_en": description["en"],
    }
