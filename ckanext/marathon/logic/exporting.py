"""Exporting records as the workbook that imports read.

Records refer to each other by code, or by their address where a code is missing or not unique. So
importing the file into the same site changes nothing, and a system administrator can restore it on
an empty one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from ckan import model

from ckanext.marathon.logic import importing
from ckanext.marathon.model import package as package_model
from ckanext.marathon.spreadsheets.export import Record, write_records
from ckanext.marathon.spreadsheets.workbook import (
    ATTENDANCE,
    ValueKind,
    WorkbookSheet,
    list_sheets,
)
from ckanext.marathon.vocabulary.codes import fold_text

# Records that are read at a time.
BATCH = 500


def export_workbook(
    path: Path, organizations: Mapping[str, Iterable[str]] | None, lang: str
) -> None:
    """Write the workshops, ideas and datasets of organisations into a workbook.

    The caller has checked that the person may edit them: private records and exact counts are in
    it.

    Args:
        path: where to write it.
        organizations: dataset type → ids of the organisations; ``None`` for all.
        lang: language of headings and names, ``es`` or ``en``.
    """
    names = _Names()
    chosen = {
        sheet.type: None if organizations is None else sorted(organizations[sheet.type])
        for sheet in list_sheets()
    }
    write_records(
        path,
        ((sheet, _list_records(sheet, chosen[sheet.type], names)) for sheet in list_sheets()),
        lang,
    )


class _Names:
    """How records and organisations are named in a workbook."""

    def __init__(self) -> None:
        package, code = model.Package, package_model.PackageCode
        rows = model.Session.execute(
            sa.select(package.id, package.type, package.name, code.code)
            .outerjoin(code, code.package_id == package.id)
            .where(package.state != model.State.DELETED)
        ).all()
        used = Counter((row.type, importing.fold_code(row.code)) for row in rows if row.code)
        self._records = {
            row.id: row.code
            if row.code and used[row.type, importing.fold_code(row.code)] == 1
            else row.name
            for row in rows
        }
        groups = model.Session.query(model.Group.id, model.Group.name, model.Group.title).all()
        titles = Counter(fold_text(group.title or "") for group in groups)
        self._organizations = {
            group.id: group.title
            if group.title and titles[fold_text(group.title)] == 1
            else group.name
            for group in groups
        }

    def name_record(self, id_: str) -> str:
        """Return the code, address or id of a record."""
        return self._records.get(id_, id_)

    def name_organization(self, id_: str) -> str:
        """Return the title or address of an organisation."""
        return self._organizations.get(id_, id_)


def _list_records(
    sheet: WorkbookSheet, organizations: list[str] | None, names: _Names
) -> Iterator[Record]:
    for package in _list_packages(sheet.type, organizations):
        if not sheet.rows_of:
            yield _make_record(sheet, package, names)
            continue
        for row in package_model.read_stored_rows(package, sheet.rows_of):
            if sheet.name != ATTENDANCE or row.get("attended"):
                yield {**row, sheet.owner: names.name_record(package.id)}


def _list_packages(type_: str, organizations: list[str] | None) -> Iterator[model.Package]:
    """Yield the records of a type in order of their creation, in blocks."""
    package = model.Package
    query: Any = model.Session.query(package.id).filter(
        package.type == type_, package.state == model.State.ACTIVE
    )
    if organizations is not None:
        query = query.filter(package.owner_org.in_(organizations))
    ids = [row.id for row in query.order_by(package.metadata_created, package.id)]
    for start in range(0, len(ids), BATCH):
        found = package_model.load_packages(ids[start : start + BATCH])
        yield from (found[id_] for id_ in ids[start : start + BATCH] if id_ in found)
        model.Session.expunge_all()


def _make_record(sheet: WorkbookSheet, package: model.Package, names: _Names) -> Record:
    record: dict[str, Any] = {}
    for column in sheet.list_columns(with_extra=True):
        if column.subfield:
            if column.field not in record:
                record[column.field] = importing.read_stored_rows(package, column.field)
            continue
        value = importing.read_stored_value(package, column)
        if column.kind == ValueKind.ORGANIZATION:
            value = names.name_organization(str(value))
        elif column.kind == ValueKind.WORKSHOP:
            value = names.name_record(str(value))
        elif column.kind == ValueKind.IDEAS:
            value = [names.name_record(id_) for id_ in value]
        elif column.kind == ValueKind.NEEDS:
            value = _name_needs(package, list(value))
        record[column.name] = value
    return record


def _name_needs(package: model.Package, ids: list[str]) -> list[str]:
    """Return the texts of data needs, or their ids where a text is not unique."""
    ideas = package_model.load_packages(package_model.read_stored_texts(package, "idea"))
    needs = [
        need
        for idea in ideas.values()
        for need in package_model.read_stored_rows(idea, "data_need")
    ]
    texts = {need["id"]: need.get("what") or "" for need in needs if need.get("id")}
    used = Counter(fold_text(text) for text in texts.values())
    return [
        texts[id_] if texts.get(id_) and used[fold_text(texts[id_])] == 1 else id_ for id_ in ids
    ]
