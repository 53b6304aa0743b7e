"""The empty workbook for officers: headings, notes, drop-downs and an example row.

The first row of a sheet has the headings in the reader's language, the second in the other one, the
third is an example that says that it is not imported.
"""

from __future__ import annotations

import io
from collections.abc import Iterable

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from ckanext.marathon.spreadsheets import BOM, Cell, write_csv_line
from ckanext.marathon.spreadsheets.workbook import (
    LANGUAGES,
    ValueKind,
    WorkbookColumn,
    WorkbookSheet,
    find_sheet,
    list_choices,
    list_sheets,
    read_mark,
)

# Rows for which a sheet has drop-downs.
ROWS = 2_000
FIRST_ROW, EXAMPLE_ROW = 1, 3
_WIDTH, _WIDE = 22, 44
_LISTS = {"es": "Listas", "en": "Lists"}
_GUIDE = {"es": "Léame", "en": "Read me"}
_GUIDE_LINES = {
    "es": (
        "Cómo llenar este libro",
        "Cada hoja es una tabla: una fila es un taller, una invitación, una idea, un dato "
        "necesario o un conjunto de datos. Llene solo las hojas que necesite.",
        "Los encabezados obligatorios llevan un asterisco (*). Al señalar un encabezado se ve qué "
        "se escribe en la columna.",
        "El código identifica cada fila dentro de su organización: si el sitio ya lo tiene, la "
        "fila se actualiza; si no, se agrega. El mismo libro puede importarse otra vez sin daño.",
        "Una celda vacía deja el valor como está en el sitio. Para borrar un valor escriba "
        "{clear}.",
        "La fila de ejemplo no se importa: puede borrarla o dejarla.",
        "No escriba nombres, teléfonos, correos ni DPI de personas.",
    ),
    "en": (
        "How to fill in this workbook",
        "A sheet is a table: a row is a workshop, an invitation, an idea, a data need or a "
        "dataset. Fill in only the sheets that you need.",
        "Headings that are required have an asterisk (*). Point at a heading to see what the "
        "column takes.",
        "The code identifies a row within its organisation: if the site has it already, the row "
        "is updated, else it is added. The same workbook may be imported again without harm.",
        "An empty cell leaves the value as it is on the site. To remove a value write {clear}.",
        "The example row is not imported: delete it or leave it.",
        "Do not write names, telephone numbers, e-mail addresses or DPI of people.",
    ),
}

_HEADING = PatternFill("solid", fgColor="1F4E79")
_OTHER_HEADING = PatternFill("solid", fgColor="DDEBF7")
_EXAMPLE = PatternFill("solid", fgColor="F2F2F2")
_TOP = Alignment(wrap_text=True, vertical="top")
# The widest kinds of values.
_LONG = frozenset({ValueKind.TEXT, ValueKind.TEXTS, ValueKind.FILE, ValueKind.ADDRESS})


def write_template(lang: str) -> bytes:
    """Return the template as an Excel workbook, for readers of a language (``es``, ``en``)."""
    book = Workbook()
    guide = book.active
    assert isinstance(guide, Worksheet)
    _write_guide(guide, lang)
    lists = _ChoiceLists(lang)
    for sheet in list_sheets():
        _write_sheet(book.create_sheet(sheet.title[lang]), sheet, lists, lang)
    lists.write(book.create_sheet(_LISTS[lang]))
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def write_template_csv(sheet: WorkbookSheet, lang: str) -> bytes:
    """Return the template of one sheet as CSV (UTF-8 with a byte order mark)."""
    columns = sheet.list_columns(with_extra=False)
    rows: list[list[Cell]] = [
        [write_heading(column, lang) for column in columns],
        [column.label[_find_other(lang)] for column in columns],
        list(make_example_row(sheet, lang)),
    ]
    return BOM + b"".join(write_csv_line(row) for row in rows)


def write_heading(column: WorkbookColumn, lang: str) -> str:
    """Return the heading of a column, with an asterisk if it is required."""
    return f"{column.label[lang]} *" if column.is_required else column.label[lang]


def make_example_row(sheet: WorkbookSheet, lang: str) -> list[str]:
    """Return the example row, whose key says that the row is not imported."""
    mark = read_mark("example_mark", lang)
    return [
        mark if column.field == sheet.key and not column.subfield else column.example[lang]
        for column in sheet.list_columns(with_extra=False)
    ]


def _find_other(lang: str) -> str:
    return next(other for other in LANGUAGES if other != lang)


def _write_guide(guide: Worksheet, lang: str) -> None:
    guide.title = _GUIDE[lang]
    clear = read_mark("clear_mark", lang)
    for number, line in enumerate(_GUIDE_LINES[lang], 1):
        cell = guide.cell(number, 1, line.format(clear=clear))
        cell.alignment = _TOP
        if number == 1:
            cell.font = Font(bold=True, size=14)
    guide.column_dimensions["A"].width = 100


def _write_sheet(page: Worksheet, sheet: WorkbookSheet, lists: _ChoiceLists, lang: str) -> None:
    other = _find_other(lang)
    columns = sheet.list_columns(with_extra=False)
    example = make_example_row(sheet, lang)
    for number, column in enumerate(columns, 1):
        heading = page.cell(FIRST_ROW, number, write_heading(column, lang))
        heading.font, heading.fill = Font(bold=True, color="FFFFFF"), _HEADING
        note = Comment(f"{column.note[lang]}\n\n{column.note[other]}", "ckanext-marathon")
        note.width, note.height = 320, 180
        heading.comment = note
        second = page.cell(FIRST_ROW + 1, number, column.label[other])
        second.font, second.fill = Font(italic=True, color="404040"), _OTHER_HEADING
        sample = page.cell(EXAMPLE_ROW, number, example[number - 1])
        sample.font, sample.fill = Font(italic=True, color="595959"), _EXAMPLE
        for cell in (heading, second, sample):
            cell.alignment = _TOP
            cell.number_format = "@"
        letter = get_column_letter(number)
        page.column_dimensions[letter].width = _WIDE if column.kind in _LONG else _WIDTH
        # As text, Excel keeps 0501 and leaves dates as they are typed.
        page.column_dimensions[letter].number_format = "@"
        _add_drop_down(page, sheet, column, letter, lists)
    page.freeze_panes = page.cell(EXAMPLE_ROW, 2).coordinate


def _add_drop_down(
    page: Worksheet, sheet: WorkbookSheet, column: WorkbookColumn, letter: str, lists: _ChoiceLists
) -> None:
    source = lists.find_source(sheet, column)
    if not source:
        return
    # Other values may be typed, too: several, a code, a spelling without accents.
    rule = DataValidation(type="list", formula1=source, allow_blank=True, showErrorMessage=False)
    rule.ranges = f"{letter}{EXAMPLE_ROW + 1}:{letter}{EXAMPLE_ROW + ROWS}"
    page.add_data_validation(rule)


class _ChoiceLists:
    """The sheet of the lists from which drop-downs choose."""

    def __init__(self, lang: str) -> None:
        self._lang = lang
        self._columns: dict[tuple[str, ...], str] = {}

    def find_source(self, sheet: WorkbookSheet, column: WorkbookColumn) -> str:
        """Return the formula of the choices of a column, "" if there are none."""
        referred = _REFERRED.get(column.kind)
        if referred:
            target = find_sheet(referred)
            assert target is not None
            return self._make_range(target.title[self._lang], "A", EXAMPLE_ROW + 1, ROWS)
        texts = tuple(choice.text for choice in list_choices(column, self._lang))
        if not texts:
            return ""
        known = self._columns.setdefault(texts, f"{sheet.name} {column.name}")
        number = list(self._columns.values()).index(known) + 1
        return self._make_range(
            _LISTS[self._lang], get_column_letter(number), FIRST_ROW + 1, len(texts)
        )

    def write(self, page: Worksheet) -> None:
        """Write the lists, one in a column."""
        for number, (texts, name) in enumerate(self._columns.items(), 1):
            _write_column(page, number, (name, *texts))

    @staticmethod
    def _make_range(title: str, letter: str, first: int, count: int) -> str:
        return f"{quote_sheetname(title)}!${letter}${first}:${letter}${first + count - 1}"


# Kind of a reference → the sheet whose first column has the codes.
_REFERRED = {
    ValueKind.WORKSHOP: "workshops",
    ValueKind.IDEA: "ideas",
    ValueKind.IDEAS: "ideas",
}


def _write_column(page: Worksheet, number: int, texts: Iterable[str]) -> None:
    for row, text in enumerate(texts, 1):
        page.cell(row, number, text)
    page.column_dimensions[get_column_letter(number)].width = _WIDE
