"""Commands for workbooks: ``ckan marathon template``, ``import``, ``imports`` and ``undo``."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import click
from ckan import model
from ckan.types import Context

from ckanext.marathon.logic import exporting, import_undo, importing, messages
from ckanext.marathon.logic.importing import (
    CHANGED,
    CREATED,
    REFUSED,
    UNCHANGED,
    ImportFile,
    ImportOptions,
    ImportProblem,
    ImportReport,
)
from ckanext.marathon.model import importing as ledger
from ckanext.marathon.spreadsheets import template
from ckanext.marathon.spreadsheets.mend import write_bad_rows
from ckanext.marathon.spreadsheets.workbook import list_sheets
from ckanext.marathon.visibility import is_public_organization

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_OUTPUT = click.Path(dir_okay=False, writable=True, path_type=Path)
# Problems that are printed; a file to mend has all of them.
MOST_PRINTED = 200


@click.command("template")
@click.argument("output", type=_OUTPUT)
@click.option("--lang", type=click.Choice(["es", "en"]), default="es", show_default=True)
@click.option(
    "--sheet",
    type=click.Choice([sheet.name for sheet in list_sheets()]),
    help="Only this sheet, as CSV.",
)
def write_template(output: Path, lang: str, sheet: str | None) -> None:
    """Write the empty workbook for officers to OUTPUT."""
    if sheet:
        (chosen,) = (known for known in list_sheets() if known.name == sheet)
        output.write_bytes(template.write_template_csv(chosen, lang))
    else:
        output.write_bytes(template.write_template(lang))
    click.echo(tk._("Written: {path}").format(path=output))


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--user", default="", help="Who imports; the site itself if nobody is named.")
@click.option("--organization", default="", help="Of rows that name no organisation.")
@click.option("--preview", is_flag=True, help="Only say what would be done.")
@click.option("--keep-going", is_flag=True, help="Save the good rows; write the others to a file.")
@click.option("--mend", type=_OUTPUT, help="The file for the rows that were not saved.")
def import_workbooks(
    files: Sequence[Path],
    user: str,
    organization: str,
    preview: bool,
    keep_going: bool,
    mend: Path | None,
) -> None:
    """Import workshops, ideas and datasets from workbooks (XLSX, ODS, XLS, CSV).

    All or nothing, unless --keep-going is set. Exits with 1 if rows were not saved.
    """
    context: Context = {"user": _find_user(user)}
    given = [ImportFile(path, path.name) for path in files]
    options = ImportOptions(context["user"], _find_organization(organization), preview, keep_going)
    row: dict[str, Any] | None = None
    if not preview:
        row = {"id": str(uuid.uuid4()), "files": importing.describe_files(given)}
    report = importing.import_files(given, options, row, _print_progress)
    _print_report(report, preview)
    if report.bad_rows:
        target = mend or Path(f"{files[0].stem}-{tk._('to-mend')}.xlsx")
        target.write_bytes(write_bad_rows(report.bad_rows, messages.get_language()))
        click.echo(tk._("The rows that were not saved are in {path}").format(path=target))
    if report.problem_count:
        raise SystemExit(1)


@click.command("export")
@click.argument("output", type=_OUTPUT)
@click.option("--organization", default="", help="Only the records of this organisation.")
@click.option("--lang", type=click.Choice(["es", "en"]), default="es", show_default=True)
def export_records(output: Path, organization: str, lang: str) -> None:
    """Write workshops, ideas and datasets to OUTPUT, as the workbook that can be imported again."""
    chosen = _find_organization(organization)
    types = {sheet.type for sheet in list_sheets()}
    exporting.export_workbook(
        output, {type_: [chosen] for type_ in types} if chosen else None, lang
    )
    click.echo(tk._("Written: {path}").format(path=output))


@click.command("undo")
@click.argument("import_id")
@click.option("--user", default="", help="Who undoes it; the site itself if nobody is named.")
def undo_import(import_id: str, user: str) -> None:
    """Undo the import IMPORT_ID: what was edited since stays, and is listed."""
    try:
        report = import_undo.undo_import(import_id, _find_user(user))
    except tk.ObjectNotFound:
        message = tk._("There is no import {id}. List them with: ckan marathon imports")
        raise click.ClickException(message.format(id=import_id)) from None
    except tk.ValidationError as error:
        raise click.ClickException("; ".join(importing.flatten_errors(error.error_dict))) from None
    for record in report.list_left():
        click.echo(f"! {record.title} ({record.type} {record.id}): {record.reason}")
    click.echo(
        tk._("{deleted} deleted, {restored} restored, {kept} left as they are.").format(
            deleted=report.count(import_undo.DELETED),
            restored=report.count(import_undo.RESTORED, import_undo.PARTLY),
            kept=report.count(import_undo.KEPT),
        )
    )


@click.command("imports")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
def list_imports(limit: int) -> None:
    """List the last imports: id, time, state, person, files."""
    for found in ledger.list_imports(None, limit):
        names = ", ".join(str(file["name"]) for file in found.files)
        moment = found.at.isoformat(" ", "minutes")
        click.echo(f"{found.id}  {moment}  {found.state:<8} {found.user_name}  {names}")


def _print_progress(rows: int) -> None:
    if rows % 1_000 == 0:
        # Not on standard output, which programs may read.
        click.echo(tk._("{count} rows read").format(count=rows), err=True)


def _find_user(name: str) -> str:
    if not name:
        return tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    user = model.User.get(name)
    if user is None or user.state != model.State.ACTIVE:
        raise click.ClickException(tk._("There is no user {name}").format(name=name))
    return user.name


def _find_organization(reference: str) -> str:
    if not reference:
        return ""
    group = model.Group.get(reference)
    if not is_public_organization(group):
        message = tk._("There is no organisation {name}.").format(name=reference)
        raise click.ClickException(message)
    return group.id


def _print_report(report: ImportReport, is_preview: bool) -> None:
    for problem in (*report.problems[:MOST_PRINTED], *report.notices[:MOST_PRINTED]):
        is_problem = problem in report.problems
        mark = click.style("✗", fg="red") if is_problem else click.style("!", fg="yellow")
        click.echo(f"{mark} {write_problem(problem)}")
    if report.problem_count > MOST_PRINTED:
        more = report.problem_count - MOST_PRINTED
        click.echo(tk._("… and {count} more problems").format(count=more))
    if report.examples:
        click.echo(tk._("Example rows that were left out: {count}").format(count=report.examples))
    summary = tk._(
        "{created} created, {changed} changed, {unchanged} left as they are, "
        "{refused} with problems."
    ).format(
        created=report.count(CREATED),
        changed=report.count(CHANGED),
        unchanged=report.count(UNCHANGED),
        refused=report.count(REFUSED),
    )
    click.echo(summary)
    if is_preview:
        click.echo(tk._("This was a preview: nothing was saved."))
    elif report.is_saved:
        message = tk._("Saved as import {id}. To undo it: ckan marathon undo {id}")
        click.echo(message.format(id=report.import_id))
    elif report.problem_count:
        click.echo(tk._("Nothing was saved. Correct the rows above and import the file again."))
    else:
        click.echo(tk._("There was nothing to save."))


def write_problem(problem: ImportProblem) -> str:
    """Return a problem as one line: place, cell, message."""
    place = [problem.file, problem.sheet]
    if problem.row:
        place.append(tk._("row {number}").format(number=problem.row))
    if problem.column:
        column = tk._("column {letters}").format(letters=problem.column)
        place.append(f"{column} ({problem.heading})" if problem.heading else column)
    value = f" «{problem.value}»" if problem.value else ""
    return f"{', '.join(filter(None, place))}{value}: {problem.message}"
