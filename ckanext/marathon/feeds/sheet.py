"""The inventory as a table: one row a dataset, for people with a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from ckanext.marathon.feeds.inventory import Dataset, codes, labels
from ckanext.marathon.vocabulary import authorities

_BETWEEN = " | "

# Name of the column, and what is in it.
COLUMNS: dict[str, Callable[[Dataset], str]] = {
    "titulo": lambda each: each.title,
    "descripcion": lambda each: each.description,
    "organizacion": lambda each: each.publisher.label if each.publisher else "",
    "codigos_municipio": lambda each: _joined(codes(each.places, "municipality")),
    "lugares": lambda each: _joined(labels(each.places)),
    "problemas": lambda each: _joined(labels(each.problems)),
    "ideas": lambda each: _joined(labels(each.ideas)),
    "talleres": lambda each: _joined(labels(each.workshops)),
    "palabras_clave": lambda each: _joined(each.keywords),
    "temas": lambda each: _joined(labels(each.themes)),
    "publicado": lambda each: each.issued[:10],
    "modificado": lambda each: each.modified[:10],
    "periodo": lambda each: _joined("/".join(filter(None, ends)) for ends in each.periods),
    "frecuencia": lambda each: _label(authorities.frequency(each.frequency)),
    "licencia": lambda each: _label(authorities.licence(each.licence)) or each.licence,
    "contacto": lambda each: each.contact,
    "correo": lambda each: each.email,
    "archivos": lambda each: _joined(one.title for one in each.distributions),
    "formatos": lambda each: _joined(dict.fromkeys(one.format for one in each.distributions)),
    "direcciones": lambda each: _joined(
        one.download_url or one.access_url for one in each.distributions
    ),
    "identificador": lambda each: each.iri,
}

# So that Excel takes it for UTF-8.
BOM = "\ufeff".encode()
# What a cell may hold in a spreadsheet.
LONGEST = 32_767
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def head() -> bytes:
    """Return the first line."""
    return BOM + _line(COLUMNS)


def part(datasets: Iterable[Dataset]) -> bytes:
    """Return a line of CSV for each dataset."""
    return b"".join(_line(row(each)) for each in datasets)


def row(dataset: Dataset) -> list[str]:
    """Return the cells of a dataset; no spreadsheet takes one for a formula."""
    return [_harmless(value(dataset))[:LONGEST] for value in COLUMNS.values()]


def workbook(datasets: Iterable[Dataset]) -> Workbook:
    """Return the table as a workbook, to be saved."""
    book = Workbook(write_only=True)
    sheet: Worksheet = book.create_sheet("inventario")
    sheet.freeze_panes = "B2"
    for letter, width in (("A", 48), ("B", 60), ("C", 30)):
        sheet.column_dimensions[letter].width = width
    sheet.append([_cell(sheet, name, Font(bold=True)) for name in COLUMNS])
    for dataset in datasets:
        sheet.append([_cell(sheet, text) for text in row(dataset)])
    return book


def _cell(sheet: Worksheet, text: str, font: Font | None = None) -> Any:
    cell = WriteOnlyCell(sheet, value=_without_controls(text))
    # Text that begins like a formula stays text.
    cell.data_type = "s"
    if font:
        cell.font = font
    return cell


def _without_controls(text: str) -> str:
    return "".join(each for each in text if each >= " " or each in "\t\n\r")


def _line(cells: Iterable[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()


def _harmless(text: str) -> str:
    """Return a text that no spreadsheet computes (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _joined(values: Iterable[str]) -> str:
    return _BETWEEN.join(filter(None, values))


def _label(concept: authorities.Concept | None) -> str:
    return concept.label() if concept else ""
