"""``ckan marathon tables``: the tables that are read from uploaded files."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
import click

from ckanext.marathon.cli.maintenance import ProgressBar
from ckanext.marathon.logic import table as table_logic
from ckanext.marathon.logic.messages import write_fault
from ckanext.marathon.model import table
from ckanext.marathon.model.table import TableState
from ckanext.marathon.operations import tables as table_operations


@click.group("tables")
def tables_group() -> None:
    """The tables that are read from uploaded files, for previews and the data API."""


@tables_group.command("check")
def check_tables() -> None:
    """Compare the tables with the files; list the files that cannot be read.

    Exits with 1 if a table is missing or left over.
    """
    condition = table_operations.examine_tables()
    for row in table.list_tables(TableState.FAILED):
        fault = write_fault(table_logic.read_fault(row.fault))
        click.echo(f"! {row.package_id} {row.resource_id}: {fault}")
    for id_ in condition.lost:
        click.echo(f"✗ {id_}: {tk._('the DataStore does not have its table')}")
    for id_ in condition.left:
        click.echo(f"✗ {id_}: {tk._('a table of a file that does not exist')}")
    text = tk._("{loaded} tables, {waiting} wait to be loaded, {failed} files cannot be read.")
    click.echo(
        text.format(loaded=condition.loaded, waiting=condition.waiting, failed=condition.failed)
    )
    if condition.lost or condition.left:
        click.echo(tk._("Run: ckan marathon tables update"))
        raise SystemExit(1)


@tables_group.command("update")
@click.option("--later", is_flag=True, help="Leave the work to the background job.")
@click.option("--all", "everything", is_flag=True, help="Load every table again.")
def update_tables(later: bool, everything: bool) -> None:
    """Load the tables that are missing or outdated, and drop those that are left over."""
    waiting = table_operations.note_outdated_tables(everything)
    if later:
        if waiting:
            table_logic.enqueue_loading()
        click.echo(tk._("{count} tables wait for the background job.").format(count=waiting))
        return
    with ProgressBar(tk._("Tables")) as bar:
        done = table_operations.update_tables(bar.at)
    click.echo(tk._("{count} tables were loaded or dropped.").format(count=done))
