"""Copies of tables without the personal data that an officer has chosen to remove.

A column that is personal data as a whole is left out; of another one, the cells with such data are
emptied. A text file keeps its encoding, separator and lines. Of a workbook a new one is made from
its values: formulas, comments, authors and what is hidden in caches do not come along, because they
may repeat what was removed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from openpyxl import Workbook

from ckanext.marathon.domain.table import SheetCell
from ckanext.marathon.domain.texts import remove_hidden
from ckanext.marathon.files.privacy import PersonalColumn, find_any_kind
from ckanext.marathon.files.profile import FileProfile, SheetProfile
from ckanext.marathon.files.tables import TableFormat, open_tables

# Excel's limit.
_LONGEST_SHEET_NAME = 31


class _Removal(NamedTuple):
    """What is removed from a sheet: whole columns, and the kinds of cells by column."""

    heading: int
    columns: frozenset[int]
    cells: tuple[PersonalColumn, ...]


def write_cleaned_copy(
    source: Path, target: Path, profile: FileProfile, removed: Collection[PersonalColumn]
) -> str:
    """Write a copy of a table without some columns and cells; return the extension it now has.

    Args:
        source: the file.
        target: the copy, which is written over.
        profile: profile of the file.
        removed: findings of :func:`.privacy.find_personal_columns`.

    Raises:
        ckanext.marathon.domain.errors.Malformed: the rows cannot be read.
        OSError: a file cannot be opened.
    """
    if profile.format in (TableFormat.CSV, TableFormat.TSV):
        _write_text(source, target, profile, removed)
        return Path(profile.name).suffix
    _write_workbook(source, target, profile, removed)
    return ".xlsx"


def _make_removal(sheet: SheetProfile | None, removed: Iterable[PersonalColumn]) -> _Removal:
    if sheet is None:
        return _Removal(0, frozenset(), ())
    here = [finding for finding in removed if finding.sheet == sheet.name]
    whole = frozenset(finding.position for finding in here if finding.is_whole)
    return _Removal(
        sheet.heading.row, whole, tuple(one for one in here if one.position not in whole)
    )


def _clean_row(number: int, cells: Sequence[SheetCell], removal: _Removal) -> list[SheetCell]:
    kept = list(cells)
    if number > removal.heading:
        for finding in removal.cells:
            place = finding.position
            if place < len(kept) and find_any_kind(kept[place]) == finding.kind:
                kept[place] = None
    # A title above the heading is one text and not part of a column.
    is_title = number < removal.heading and sum(cell not in (None, "") for cell in cells) < 2
    if is_title:
        return kept
    return [cell for place, cell in enumerate(kept) if place not in removal.columns]


def _write_text(
    source: Path, target: Path, profile: FileProfile, removed: Collection[PersonalColumn]
) -> None:
    removal = _make_removal(profile.sheets[0], removed)
    delimiter = profile.separator or "\x1f"
    with (
        source.open("r", encoding=profile.encoding, newline="") as given,
        target.open("w", encoding=profile.encoding, newline="") as copy,
    ):
        rows = csv.reader(given, delimiter=delimiter)
        ending = _find_line_ending(source)
        for number, cells in enumerate(rows, start=1):
            kept = _clean_row(number, cells, removal)
            line = io.StringIO()
            csv.writer(line, delimiter=delimiter, lineterminator="").writerow(
                ["" if cell is None else cell for cell in kept]
            )
            copy.write(line.getvalue() + ending)


def _find_line_ending(source: Path) -> str:
    with source.open("rb") as opened:
        return "\r\n" if b"\r\n" in opened.read(65536) else "\n"


def _write_workbook(
    source: Path, target: Path, profile: FileProfile, removed: Collection[PersonalColumn]
) -> None:
    known = {sheet.name: sheet for sheet in profile.sheets}
    workbook = Workbook(write_only=True)
    with open_tables(source) as table:
        for sheet in table.sheets:
            removal = _make_removal(known.get(sheet.name), removed)
            page = workbook.create_sheet(sheet.name[:_LONGEST_SHEET_NAME])
            if sheet.is_hidden:
                page.sheet_state = "hidden"
            next_row = 1
            for number, cells in sheet.rows:
                while next_row < number:
                    page.append([])
                    next_row += 1
                page.append([_make_writable(cell) for cell in _clean_row(number, cells, removal)])
                next_row += 1
    workbook.save(target)


def _make_writable(cell: SheetCell) -> SheetCell:
    if not isinstance(cell, str):
        return cell
    text = remove_hidden(cell)
    # A text must not become a formula.
    return f"'{text}" if text.startswith("=") else text
