"""The datasets of the catalogue as a table with one row per dataset, in CSV and Excel."""

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
# Not "-", with which a formula may begin in a spreadsheet.
UNKNOWN = "—"

# Name of a column → its value. New columns are added at the end.
COLUMNS: dict[str, Callable[[InventoryDataset], str]] = {
    "titulo": lambda dataset: dataset.title,
    "descripcion": lambda dataset: strip_markup(dataset.description),
    "organizacion": lambda dataset: dataset.publisher.label if dataset.publisher else "",
    "codigos_municipio": lambda dataset: join_values(
        place.code for place in dataset.places if place.kind == MUNICIPALITY
    ),
    "lugares": lambda dataset: join_values(_place(place) for place in dataset.places),
    "problemas": lambda dataset: join_values(list_labels(dataset.problems)),
    "ideas": lambda dataset: join_values(list_labels(dataset.ideas)),
    "talleres": lambda dataset: join_values(list_labels(dataset.workshops)),
    "palabras_clave": lambda dataset: join_values(dataset.keywords),
    "temas": lambda dataset: join_values(list_labels(dataset.themes)),
    "publicado": lambda dataset: dates.drop_hour(dataset.issued),
    "modificado": lambda dataset: dates.drop_hour(dataset.modified),
    "periodo": lambda dataset: join_values(
        [*(_period(*ends) for ends in dataset.periods), *dataset.period_texts]
    ),
    "frecuencia": lambda dataset: _label(dataset.frequency),
    "licencia": lambda dataset: _label(dataset.licence),
    "contacto": lambda dataset: dataset.contact,
    "correo": lambda dataset: dataset.email,
    # One entry per file, in the same order in each of these columns.
    "archivos": lambda dataset: _paired(dataset, _name),
    "formatos": lambda dataset: _paired(dataset, lambda one: one.format or one.media_type),
    "direcciones": lambda dataset: _paired(dataset, lambda one: one.download_url or one.access_url),
    "identificador": lambda dataset: dataset.iri,
    "derechos": lambda dataset: join_values(dataset.rights),
    "documentacion": lambda dataset: join_values(one.shown for one in dataset.documentation),
    "estandares": lambda dataset: join_values(one.shown for one in dataset.conforms_to),
    "bytes": lambda dataset: _paired(dataset, lambda one: one.size),
    "sha256": lambda dataset: _paired(
        dataset, lambda one: one.checksum if one.algorithm == OWN_ALGORITHM else ""
    ),
}


def write_sheet_head() -> bytes:
    """Return the line with the names of the columns, after a byte order mark."""
    return spreadsheets.BOM + spreadsheets.write_csv_line(COLUMNS)


def write_sheet_rows(datasets: Iterable[InventoryDataset]) -> bytes:
    """Return a line of CSV for each dataset."""
    return b"".join(spreadsheets.write_csv_line(make_sheet_row(dataset)) for dataset in datasets)


def make_sheet_row(dataset: InventoryDataset) -> list[str]:
    """Return the cells of a dataset."""
    return [value(dataset) for value in COLUMNS.values()]


def make_workbook(datasets: Iterable[InventoryDataset]) -> Workbook:
    """Return the table as a workbook of openpyxl."""
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
    return "/".join(dates.drop_hour(date) or OPEN for date in (start, end))


def _place(place: InventoryPlace) -> str:
    """Return the name of a place; for a place without one, its extent."""
    return place.label or (str(place.box) if place.box else "")


def _label(concept: StatedConcept | None) -> str:
    return concept.label if concept else ""


def _paired(dataset: InventoryDataset, value: Callable[[InventoryDistribution], str]) -> str:
    """Return one value per file, a dash if unknown, so that the columns correspond."""
    return SEPARATOR.join(
        value(file).replace(SEPARATOR, " / ").strip() or UNKNOWN for file in dataset.distributions
    )


def _name(file: InventoryDistribution) -> str:
    """Return the title of a file, else the file name in its address."""
    address = file.download_url or file.access_url
    return file.title or unquote(urlsplit(address).path.rstrip("/").rpartition("/")[2]) or address
