"""Importing workbooks on pages: template, uploading or pasting, preview, confirming, undoing.

Every page works without JavaScript. While a background job reads a larger file, its page loads
itself again every few seconds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.types import Context, Response
from flask import Blueprint, make_response, request
from flask import Response as FlaskResponse

from ckanext.marathon.logic import exporting, import_runs, permissions
from ckanext.marathon.model import importing as ledger
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.importing import ImportState
from ckanext.marathon.spreadsheets import CSV, XLSX, template
from ckanext.marathon.spreadsheets.workbook import (
    LANGUAGES,
    WorkbookSheet,
    list_sheets,
)
from ckanext.marathon.views.errors import is_allowed

# Problems and records that a page lists; the file to mend has all rows.
MOST_SHOWN = 200
# Seconds after which the page of a running import loads itself again.
REFRESH = 4
_OUTCOMES = ("created", "changed", "unchanged", "refused")


@dataclass(frozen=True, slots=True)
class ImportSheetLink:
    """A sheet of the template: its name and title."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class ImportRow:
    """An import in the list of a person's imports."""

    id: str
    at: str
    files: str
    state: str
    created: int
    changed: int


@dataclass(frozen=True, slots=True)
class ImportFormPage:
    """The page for uploading or pasting.

    Attributes:
        organizations: those for which the person may import; id, name and title.
        chosen: id of the chosen one.
        sheet: name of the sheet of the pasted rows.
        pasted: the pasted rows.
        errors: sentences by field.
        most_megabytes: the largest size of all files.
    """

    organizations: Sequence[Mapping[str, str]]
    chosen: str
    sheets: Sequence[ImportSheetLink]
    sheet: str
    pasted: str
    errors: Mapping[str, Any]
    imports: Sequence[ImportRow]
    most_megabytes: int


@dataclass(frozen=True, slots=True)
class ImportCountRow:
    """The numbers of records of a type, by outcome."""

    type: str
    created: int
    changed: int
    unchanged: int
    refused: int


@dataclass(frozen=True, slots=True)
class ImportPage:
    """The page of one import.

    Attributes:
        found: the import, as ``marathon_import_show`` returns it, with shortened lists.
        counts: one row for each type of records.
        is_working: whether a job is at work, so that the page loads itself again.
        is_preview: whether it can be confirmed.
        is_undoable: whether it can be undone.
        has_changes: whether confirming would save anything.
        has_good_rows: whether rows without problems could be saved although others have some.
        more_problems: number of problems that are not listed.
        left: records that an undo left as they are.
        undone: number of records that an undo deleted or restored.
    """

    found: Mapping[str, Any]
    counts: Sequence[ImportCountRow]
    is_working: bool
    is_preview: bool
    is_undoable: bool
    has_changes: bool
    has_good_rows: bool
    more_problems: int
    left: Sequence[Mapping[str, Any]]
    undone: int
    refresh: int = REFRESH


imports = Blueprint("marathon_import", __name__)


def _make_context() -> Context:
    return {"user": current_user.name, "auth_user_obj": current_user}


def _refuse_visitor() -> Response | None:
    # No cache may keep the redirect that sends a visitor to log in, and give it to an officer.
    request.environ["__no_cache__"] = True
    if not current_user.is_authenticated:
        here = tk.h.url_for("marathon_import.index")
        return tk.redirect_to("user.login", came_from=here)
    if is_allowed("marathon_import_create", _make_context(), {}):
        return None
    text = tk._("This page is for those who publish for an organisation")
    return tk.abort(403, text)


def show_form() -> Response | str:
    """Show the page for uploading or pasting."""
    return _refuse_visitor() or _show_form()


def _show_form(errors: Mapping[str, Any] | None = None, status: int = 200) -> Response:
    open_to = permissions.list_organizations_open_to(current_user.name, package_model.IDEA)
    known = tk.get_action("marathon_import_list")(_make_context(), {})
    page = ImportFormPage(
        organizations=open_to,
        chosen=request.values.get("organization", ""),
        sheets=[ImportSheetLink(s.name, s.title[_find_language()]) for s in list_sheets()],
        sheet=request.form.get("sheet", ""),
        pasted=request.form.get("pasted", ""),
        errors=errors or {},
        imports=[_make_row(found) for found in known],
        most_megabytes=import_runs.MOST_BYTES // 1_000_000,
    )
    return make_response(tk.render("marathon/import/form.html", {"page": page}), status)


def _make_row(found: Mapping[str, Any]) -> ImportRow:
    counts = _count(found)
    return ImportRow(
        found["id"],
        found["at"],
        ", ".join(file["name"] for file in found["files"]),
        found["state"],
        sum(row.created for row in counts),
        sum(row.changed for row in counts),
    )


def _count(found: Mapping[str, Any]) -> list[ImportCountRow]:
    numbers: dict[str, dict[str, int]] = {}
    for row in found["counts"]:
        numbers.setdefault(row["type"], {})[row["outcome"]] = row["count"]
    order = [package_model.WORKSHOP, package_model.IDEA, package_model.DATASET]
    return [
        ImportCountRow(type_, *(numbers[type_].get(outcome, 0) for outcome in _OUTCOMES))
        for type_ in order
        if type_ in numbers
    ]


def send_files() -> Response | str:
    """Store the sent files or rows, and lead to their preview."""
    refused = _refuse_visitor()
    if refused:
        return refused
    sent = {
        "upload": [file for file in request.files.getlist("upload") if file.filename],
        "pasted": request.form.get("pasted", ""),
        "sheet": request.form.get("sheet", ""),
        "organization": request.form.get("organization", ""),
    }
    try:
        found = tk.get_action("marathon_import_create")(_make_context(), sent)
    except tk.ValidationError as error:
        return _show_form(error.error_dict, 400)
    return tk.redirect_to("marathon_import.read", import_id=found["id"])


def show_import(import_id: str) -> Response | str:
    """Show an import: its progress, preview, result, or undo."""
    refused = _refuse_visitor()
    if refused:
        return refused
    return _show_import(tk.get_action("marathon_import_show")(_make_context(), {"id": import_id}))


def _show_import(found: Mapping[str, Any]) -> str:
    counts = _count(found)
    good = sum(row.created + row.changed for row in counts)
    undo: Mapping[str, Any] = found["undo"] or {}
    records: list[dict[str, Any]] = undo.get("records", [])
    left = [record for record in records if record["reason"]]
    page = ImportPage(
        found={
            **found,
            **{name: found[name][:MOST_SHOWN] for name in ("problems", "notices", "records")},
        },
        counts=counts,
        is_working=found["state"] in (ImportState.WAITING, ImportState.RUNNING),
        is_preview=found["state"] == ImportState.PREVIEWED,
        is_undoable=found["state"] == ImportState.DONE,
        has_changes=good > 0 and not found["problem_count"],
        has_good_rows=good > 0 and found["problem_count"] > 0,
        more_problems=max(0, found["problem_count"] - MOST_SHOWN),
        left=left,
        undone=sum(record["outcome"] != "kept" for record in records),
    )
    return tk.render("marathon/import/read.html", {"page": page})


def confirm_import(import_id: str) -> Response | str:
    """Make an import that was previewed."""
    refused = _refuse_visitor()
    if refused:
        return refused
    sent = {"id": import_id, "keep_going": request.form.get("keep_going", "")}
    return _act("marathon_import_confirm", sent)


def undo_import(import_id: str) -> Response | str:
    """Undo an import."""
    return _refuse_visitor() or _act("marathon_import_undo", {"id": import_id})


def _act(action: str, sent: dict[str, Any]) -> Response:
    try:
        tk.get_action(action)(_make_context(), sent)
    except tk.ValidationError as error:
        tk.h.flash_error("; ".join(str(text) for text in error.error_summary.values()))
    return tk.redirect_to("marathon_import.read", import_id=sent["id"])


def send_rows_to_mend(import_id: str) -> Response:
    """Return the workbook with the rows that were not saved."""
    refused = _refuse_visitor()
    if refused:
        return refused
    found = tk.get_action("marathon_import_show")(_make_context(), {"id": import_id})
    content = ledger.read_file_to_mend(found["id"])
    if content is None:
        return tk.abort(404, tk._("No rows of this import are left to mend"))
    return _send(content, XLSX, f"{tk._('to-mend')}.xlsx")


def send_template() -> Response:
    """Return the empty workbook, in the language of the page."""
    lang = _find_language()
    name = {"es": "plantilla-maraton.xlsx", "en": "marathon-template.xlsx"}[lang]
    return _send(template.write_template(lang), XLSX, name)


def send_template_sheet(sheet: str) -> Response:
    """Return the template of one sheet as CSV."""
    known: dict[str, WorkbookSheet] = {found.name: found for found in list_sheets()}
    if sheet not in known:
        return tk.abort(404, tk._("There is no such sheet"))
    lang = _find_language()
    content = template.write_template_csv(known[sheet], lang)
    return _send(content, CSV, f"{known[sheet].title[lang].lower().replace(' ', '-')}.csv")


def send_export() -> Response:
    """Return the records that the person may edit, as the workbook that can be imported again."""
    refused = _refuse_visitor()
    if refused:
        return refused
    wanted = request.args.get("organization", "")
    organizations: dict[str, list[str]] = {}
    for type_ in {sheet.type for sheet in list_sheets()}:
        open_to = permissions.list_organizations_open_to(current_user.name, type_)
        organizations[type_] = [one["id"] for one in open_to if wanted in ("", one["id"])]
    with tempfile.TemporaryDirectory(prefix="marathon-export-") as folder:
        path = Path(folder) / "export.xlsx"
        exporting.export_workbook(path, organizations, _find_language())
        return _send(path.read_bytes(), XLSX, f"{tk._('workshops-ideas-datasets')}.xlsx")


def _send(content: bytes, media_type: str, name: str) -> Response:
    answer = FlaskResponse(content, content_type=media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _find_language() -> str:
    lang = str(tk.h.lang())[:2]
    return lang if lang in LANGUAGES else LANGUAGES[0]


imports.add_url_rule("/marathon/import", endpoint="index", view_func=show_form)
imports.add_url_rule("/marathon/import", endpoint="send", view_func=send_files, methods=["POST"])
imports.add_url_rule("/marathon/import/template.xlsx", endpoint="template", view_func=send_template)
imports.add_url_rule(
    "/marathon/import/template/<sheet>.csv",
    endpoint="template_sheet",
    view_func=send_template_sheet,
)
imports.add_url_rule("/marathon/import/export.xlsx", endpoint="export", view_func=send_export)
imports.add_url_rule("/marathon/import/<import_id>", endpoint="read", view_func=show_import)
imports.add_url_rule(
    "/marathon/import/<import_id>/confirm",
    endpoint="confirm",
    view_func=confirm_import,
    methods=["POST"],
)
imports.add_url_rule(
    "/marathon/import/<import_id>/undo", endpoint="undo", view_func=undo_import, methods=["POST"]
)
imports.add_url_rule(
    "/marathon/import/<import_id>/mend.xlsx", endpoint="mend", view_func=send_rows_to_mend
)
