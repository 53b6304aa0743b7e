"""Pages of the tables that municipalities can compare: ``/marathon/tables``.

A page explains the columns of one table, offers a template, an example and the Frictionless Table
Schema, and checks a file of an officer without storing it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint, request
from flask import Response as FlaskResponse
from werkzeug.datastructures import FileStorage

from ckanext.marathon import spreadsheets
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.table import ColumnType
from ckanext.marathon.files.profile import profile_file
from ckanext.marathon.files.table_schemas import (
    TableField,
    TableSchema,
    find_table_schema,
    list_table_schemas,
)
from ckanext.marathon.files.validation import (
    MOST_ERRORS,
    TableReport,
    list_example_rows,
    validate_sheet,
)
from ckanext.marathon.logic.messages import write_fault
from ckanext.marathon.rdf import lookups
from ckanext.marathon.spreadsheets import Column, Table
from ckanext.marathon.views.answers import answer_refusal
from ckanext.marathon.vocabulary import problems
from ckanext.marathon.vocabulary.codes import pick_label

table_schema = Blueprint("marathon_tables", __name__)

#: Largest file that a page checks, in megabytes.
MOST_MEGABYTES = 10

_TYPES = {"boolean": ColumnType.BOOLEAN, "date": ColumnType.DATE, "integer": ColumnType.INTEGER}


@dataclass(frozen=True, slots=True)
class SchemaLink:
    """A table schema in the list; ``problems`` are labels of service problems."""

    name: str
    title: str
    description: str
    problems: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SchemaColumn:
    """A column: its name, heading and meaning, and the labels of its closed list."""

    name: str
    title: str
    description: str
    type: str
    unit: str
    is_required: bool
    is_key: bool
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """An error of a checked file, in the reader's language; ``row`` is 0 for the whole table."""

    row: int
    letter: str
    label: str
    message: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of checking a file.

    Attributes:
        file_name: name of the file.
        refusal: why the file could not be checked, ``""`` if it could.
        is_valid: whether it has no error.
        error_count: number of errors.
        errors: the first errors.
        extra_columns: headings that the schema does not have.
    """

    file_name: str
    refusal: str = ""
    is_valid: bool = False
    row_count: int = 0
    error_count: int = 0
    errors: tuple[ErrorRow, ...] = ()
    extra_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SchemaPage:
    """The page of a table schema.

    Attributes:
        may_check: whether the person is logged in, so that the page checks a file.
        result: of a check, ``None`` before it.
    """

    link: SchemaLink
    columns: tuple[SchemaColumn, ...]
    address: str
    may_check: bool
    most_megabytes: int
    result: CheckResult | None


def list_schemas() -> str:
    """Show the list of the tables."""
    links = tuple(_make_link(schema) for schema in list_table_schemas().values())
    return tk.render("marathon/tables/index.html", {"links": links})


def show_schema(name: str) -> Response | str:
    """Show a table schema."""
    schema = find_table_schema(name)
    return _show_page(schema, None) if schema else _answer_unknown()


def check_file(name: str) -> Response | str:
    """Check a file against a table schema, and show what is wrong; the file is not stored."""
    schema = find_table_schema(name)
    if schema is None:
        return _answer_unknown()
    if not tk.current_user.is_authenticated:
        return tk.abort(403, tk._("Log in to check a file"))
    return _show_page(schema, _check(schema, request.files.get("file")))


def _check(schema: TableSchema, chosen: FileStorage | None) -> CheckResult:
    if chosen is None or not chosen.filename:
        return CheckResult("", tk._("Choose a file"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        chosen.save(path)
        if path.stat().st_size > MOST_MEGABYTES * 2**20:
            message = tk._("The file is larger than {limit} MB").format(limit=MOST_MEGABYTES)
            return CheckResult(chosen.filename, message)
        profile = profile_file(path, chosen.filename)
        if profile.problem:
            return CheckResult(chosen.filename, write_fault(profile.problem))
        if profile.main_sheet is None:
            return CheckResult(chosen.filename, tk._("The file has no table with rows"))
        try:
            report = validate_sheet(path, profile.main_sheet, schema)
        except Malformed as error:
            return CheckResult(chosen.filename, write_fault(error.fault))
    return make_check_result(chosen.filename, report)


def make_check_result(file_name: str, report: TableReport) -> CheckResult:
    """Return a report in the language of the request."""
    errors = tuple(
        ErrorRow(error.row, error.letter, error.label, write_fault(error.fault))
        for error in report.errors
    )
    return CheckResult(
        file_name,
        "",
        report.is_valid,
        report.row_count,
        report.error_count,
        errors,
        report.extra_columns,
    )


def _show_page(schema: TableSchema, result: CheckResult | None) -> str:
    lang = str(tk.h.lang())
    page = SchemaPage(
        _make_link(schema),
        tuple(_make_column(schema, column, lang) for column in schema.fields),
        f"{find_tables_address()}/{schema.name}",
        tk.current_user.is_authenticated,
        MOST_MEGABYTES,
        result,
    )
    return tk.render("marathon/tables/one.html", {"page": page, "most_errors": MOST_ERRORS})


def _make_link(schema: TableSchema) -> SchemaLink:
    lang = str(tk.h.lang())
    return SchemaLink(
        schema.name,
        pick_label(schema.title, lang),
        pick_label(schema.description, lang),
        tuple(
            (notation, problems.get_problem(notation).label(lang)) for notation in schema.problems
        ),
    )


def _make_column(schema: TableSchema, column: TableField, lang: str) -> SchemaColumn:
    names = {
        "string": tk._("text"),
        "integer": tk._("whole number"),
        "number": tk._("number"),
        "boolean": tk._("yes or no"),
        "date": tk._("day"),
        "time": tk._("time of day"),
    }
    return SchemaColumn(
        column.name,
        pick_label(column.title, lang),
        pick_label(column.description, lang),
        names[column.type],
        "" if column.unit == "1" else column.unit,
        column.required,
        column.name in schema.key,
        tuple(pick_label(term.title, lang) for term in column.terms),
    )


def show_descriptor(name: str) -> Response:
    """Return a Frictionless Table Schema, which other sites may read with scripts."""
    schema = find_table_schema(name)
    if schema is None:
        return _answer_unknown()
    body = json.dumps(schema.build_descriptor(find_tables_address()), ensure_ascii=False, indent=1)
    answer = FlaskResponse(body, content_type="application/json")
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def download_example(name: str) -> Response:
    """Return the example rows of a table schema as CSV, headed by the columns' names."""
    schema = find_table_schema(name)
    if schema is None:
        return _answer_unknown()
    columns = [Column(column.name, column.name) for column in schema.fields]
    table = Table(f"{schema.name}-example", schema.name, columns, list_example_rows(schema))
    return _download(spreadsheets.write_csv_lines(table), f"{table.name}.csv", spreadsheets.CSV)


def download_template(name: str) -> Response:
    """Return a workbook with the headings of a table schema and its example rows."""
    schema = find_table_schema(name)
    if schema is None:
        return _answer_unknown()
    lang = str(tk.h.lang())
    columns = [
        Column(
            column.name,
            pick_label(column.title, lang),
            type=_TYPES.get(column.type, ColumnType.STRING),
        )
        for column in schema.fields
    ]
    titles = {"data": tk._("Data"), "example": tk._("Example")}
    book = spreadsheets.write_workbook(
        [
            Table(schema.name, titles["data"], columns, []),
            Table(schema.name, titles["example"], columns, schema.example),
        ]
    )
    return _download([book], f"{schema.name}.xlsx", spreadsheets.XLSX)


def _download(body: Iterable[bytes], file_name: str, media_type: str) -> Response:
    answer = FlaskResponse(body, content_type=media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return answer


def _answer_unknown() -> Response:
    known = "\n".join(f"{find_tables_address()}/{name}" for name in list_table_schemas())
    return answer_refusal(404, tk._("There is no such table. These exist:"), known)


def find_tables_address() -> str:
    """Return the beginning of the addresses of the table schemas, without final slash."""
    return f"{lookups.read_site().url}/marathon/tables"


table_schema.add_url_rule("/marathon/tables", endpoint="index", view_func=list_schemas)
table_schema.add_url_rule("/marathon/tables/<name>", endpoint="schema", view_func=show_schema)
table_schema.add_url_rule(
    "/marathon/tables/<name>", endpoint="check", view_func=check_file, methods=["POST"]
)
table_schema.add_url_rule(
    "/marathon/tables/<name>/schema.json", endpoint="descriptor", view_func=show_descriptor
)
table_schema.add_url_rule(
    "/marathon/tables/<name>/example.csv", endpoint="example", view_func=download_example
)
table_schema.add_url_rule(
    "/marathon/tables/<name>/template.xlsx", endpoint="template", view_func=download_template
)
