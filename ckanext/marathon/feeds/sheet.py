"""The inventory as a table: one row a dataset, for people with a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import unquote, urlsplit

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from ckanext.marathon import spreadsheets
from ckanext.marathon.domain import dates
from ckanext.marathon.domain.file import OWN_ALGORITHM
from ckanext.marathon.feeds.inventory import (
    OPEN,
    InventoryDataset,
    InventoryDistribution,
    InventoryPlace,
    list_labels,
    strip_markup,
)
from ckanext.marathon.feeds.triples import StatedConcept
from ckanext.marathon.spreadsheets import SEPARATOR, join_values

MUNICIPALITY = "municipality"
# Not "-" alone, which a spreadsheet would take for the beginning of a formula.
UNKNOWN = "—"

# Name of the column, and what is in it. New ones come at the end.
COLUMNS: dict[str, Callable[[InventoryDataset], str]] = {
    "titulo": lambda each: each.title,
    "descripcion": lambda each: strip_markup(each.description),
    "organizacion": lambda each: each.publisher.label if each.publisher else "",
    "codigos_municipio": lambda each: join_values(
        place.code for place in each.places if place.kind == MUNICIPALITY
    ),
    "lugares": lambda each: join_values(_place(place) for place in each.places),
    "problemas": lambda each: join_values(list_labels(each.problems)),
    "ideas": lambda each: join_values(list_labels(each.ideas)),
    "talleres": lambda each: join_values(list_labels(each.workshops)),
    "palabras_clave": lambda each: join_values(each.keywords),
    "temas": lambda each: join_values(list_labels(each.themes)),
    "publicado": lambda each: dates.drop_hour(each.issued),
    "modificado": lambda each: dates.drop_hour(each.modified),
    "periodo": lambda each: join_values(
        [*(_period(*ends) for ends in each.periods), *each.period_texts]
    ),
    "frecuencia": lambda each: _label(each.frequency),
    "licencia": lambda each: _label(each.licence),
    "contacto": lambda each: each.contact,
    "correo": lambda each: each.email,
    # One entry a file in each of these, in one order.
    "archivos": lambda each: _paired(each, _name),
    "formatos": lambda each: _paired(each, lambda one: one.format or one.media_type),
    "direcciones": lambda each: _paired(each, lambda one: one.download_url or one.access_url),
    "identificador": lambda each: each.iri,
    "derechos": lambda each: join_values(each.rights),
    "documentacion": lambda each: join_values(one.shown for one in each.documentation),
    "estandares": lambda each: join_values(one.shown for one in each.conforms_to),
    "bytes": lambda each: _paired(each, lambda one: one.size),
    "sha256": lambda each: _paired(
        each, lambda one: one.checksum if one.algorithm == OWN_ALGORITHM else ""
    ),
}


def write_sheet_head() -> bytes:
    """Return the first line."""
    return spreadsheets.BOM + spreadsheets.write_csv_line(COLUMNS)


def write_sheet_rows(datasets: Iterable[InventoryDataset]) -> bytes:
    """Return a line of CSV for each dataset."""
    return b"".join(spreadsheets.write_csv_line(make_sheet_row(each)) for each in datasets)


def make_sheet_row(dataset: InventoryDataset) -> list[str]:
    """Return the cells of a dataset."""
    return [value(dataset) for value in COLUMNS.values()]


def make_workbook(datasets: Iterable[InventoryDataset]) -> Workbook:
    """Return the table as a workbook, to be saved."""
    book = Workbook(write_only=True)
    sheet: Worksheet = book.create_sheet("inventario")
    sheet.freeze_panes = "B2"
    for letter, width in (("A", 48), ("B", 60), ("C", 30)):
        sheet.column_dimensions[letter].width = width
    sheet.append([spreadsheets.make_cell(sheet, name, Font(bold=True)) for name in COLUMNS])
    for dataset in datasets:
        sheet.append([spreadsheets.make_cell(sheet, text) for text in make_sheet_row(dataset)])
    return book


def _period(start: str, end: str) -> str:
    return "/".join(dates.drop_hour(each) or OPEN for each in (start, end))


def _place(place: InventoryPlace) -> str:
    """Return the name of a place, where it is if it has none."""
    return place.label or (str(place.box) if place.box else "")


def _label(concept: StatedConcept | None) -> str:
    return concept.label if concept else ""


def _paired(dataset: InventoryDataset, value: Callable[[InventoryDistribution], str]) -> str:
    """Return one value for each file, a dash if unknown, so that the columns correspond."""
    return SEPARATOR.join(
        value(each).replace(SEPARATOR, " / ").strip() or UNKNOWN for each in dataset.distributions
    )


def _name(file: InventoryDistribution) -> str:
    """Return the title of a file, else its name at its address."""
    address = file.download_url or file.access_url
    return file.title or unquote(urlsplit(address).path.rstrip("/").rpartition("/")[2]) or address
