"""The inventory as a table: one row a dataset, for people with a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from ckanext.marathon.domain import dates
from ckanext.marathon.feeds.inventory import Dataset, codes, labels
from ckanext.marathon.spreadsheets import write
from ckanext.marathon.spreadsheets.write import joined
from ckanext.marathon.vocabulary import authorities

# Name of the column, and what is in it.
COLUMNS: dict[str, Callable[[Dataset], str]] = {
    "titulo": lambda each: each.title,
    "descripcion": lambda each: each.description,
    "organizacion": lambda each: each.publisher.label if each.publisher else "",
    "codigos_municipio": lambda each: joined(codes(each.places, "municipality")),
    "lugares": lambda each: joined(labels(each.places)),
    "problemas": lambda each: joined(labels(each.problems)),
    "ideas": lambda each: joined(labels(each.ideas)),
    "talleres": lambda each: joined(labels(each.workshops)),
    "palabras_clave": lambda each: joined(each.keywords),
    "temas": lambda each: joined(labels(each.themes)),
    "publicado": lambda each: dates.without_hour(each.issued),
    "modificado": lambda each: dates.without_hour(each.modified),
    "periodo": lambda each: joined(_period(*ends) for ends in each.periods),
    "frecuencia": lambda each: _label(authorities.frequency(each.frequency)),
    "licencia": lambda each: _label(authorities.licence(each.licence)) or each.licence,
    "contacto": lambda each: each.contact,
    "correo": lambda each: each.email,
    "archivos": lambda each: joined(one.title for one in each.distributions),
    "formatos": lambda each: joined(dict.fromkeys(one.format for one in each.distributions)),
    "direcciones": lambda each: joined(
        one.download_url or one.access_url for one in each.distributions
    ),
    "identificador": lambda each: each.iri,
}


def head() -> bytes:
    """Return the first line."""
    return write.BOM + write.line(COLUMNS)


def part(datasets: Iterable[Dataset]) -> bytes:
    """Return a line of CSV for each dataset."""
    return b"".join(write.line(row(each)) for each in datasets)


def row(dataset: Dataset) -> list[str]:
    """Return the cells of a dataset."""
    return [value(dataset) for value in COLUMNS.values()]


def workbook(datasets: Iterable[Dataset]) -> Workbook:
    """Return the table as a workbook, to be saved."""
    book = Workbook(write_only=True)
    sheet: Worksheet = book.create_sheet("inventario")
    sheet.freeze_panes = "B2"
    for letter, width in (("A", 48), ("B", 60), ("C", 30)):
        sheet.column_dimensions[letter].width = width
    sheet.append([write.cell_of(sheet, name, Font(bold=True)) for name in COLUMNS])
    for dataset in datasets:
        sheet.append([write.cell_of(sheet, text) for text in row(dataset)])
    return book


def _period(start: str, end: str) -> str:
    return "/".join(dates.without_hour(each) for each in (start, end) if each)


def _label(concept: authorities.Concept | None) -> str:
    return concept.label() if concept else ""
