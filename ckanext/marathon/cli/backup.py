"""``ckan marathon backup`` and ``ckan marathon restore``."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import ckan.plugins.toolkit as tk
import click
from sqlalchemy.exc import OperationalError

from ckanext.marathon.cli.maintenance import ProgressBar, read_takedown_list
from ckanext.marathon.logic.redacting import redact_text
from ckanext.marathon.operations import backup, restore
from ckanext.marathon.operations.backup import (
    BackupFault,
    Manifest,
    ProgramFailed,
    ProgramMissing,
    Progress,
)

_SCRATCH = click.option(
    "--scratch", default="", help="Address of an empty database to try the backup in."
)


@click.command("backup")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--verify", is_flag=True, help="Try it afterwards in a database of its own.")
@_SCRATCH
def backup_site(directory: Path, verify: bool, scratch: str) -> None:
    """Save database, files and configuration of the site in a new DIRECTORY.

    The site can be used meanwhile. Exits with 1 if a file that is in the
    database could not be saved. The backup contains passwords: keep it safe.
    """
    with _tell_faults(), _show_steps() as steps:
        outcome = backup.make_backup(directory, steps.begin)
        if verify:
            restore.verify_backup(directory, scratch, steps.begin)
    for name in outcome.absent:
        text = tk._("{file} is named in the database and was not there.")
        click.echo("! " + text.format(file=name))
    for name in outcome.replaced:
        text = tk._("{file} was replaced meanwhile; the backup has the newer one.")
        click.echo("! " + text.format(file=name))
    for text in outcome.warnings:
        click.echo(f"! {text}")
    for name in outcome.vanished:
        text = tk._("{file} was deleted while the backup was being made.")
        click.echo("✗ " + text.format(file=name))
    for name in outcome.unsettled:
        text = tk._("{file} was written to while it was copied.")
        click.echo("✗ " + text.format(file=name))
    saved = tk._("Saved in {directory}:").format(directory=directory)
    click.echo(_write_summary(saved, outcome.manifest))
    if verify:
        click.echo(tk._("It was tried: database and files are what was saved."))
    if outcome.vanished:
        raise click.ClickException(tk._("The backup lacks files. Make another one."))
    if outcome.unsettled:
        raise click.ClickException(tk._("Some files may be damaged. Make another backup."))


@click.command("restore")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask; overwrite what is there.")
@click.option(
    "--takedowns",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of `takedown list --format json`, to be applied, too.",
)
@click.option("--verify", is_flag=True, help="Only try it, in a database of its own.")
@_SCRATCH
def restore_site(
    directory: Path, yes: bool, takedowns: Path | None, verify: bool, scratch: str
) -> None:
    """Replace the site by the backup in DIRECTORY.

    Meanwhile the site answers 503, and after an interruption until the command
    is repeated.
    """
    with _tell_faults(), _show_steps() as steps:
        if verify:
            manifest = restore.verify_backup(directory, scratch, steps.begin)
            steps.end()
            click.echo(_write_summary(tk._("Whole, and loads:"), manifest))
            return
        further = read_takedown_list(takedowns) if takedowns else []
        if backup.is_restoring():
            click.echo("! " + tk._("An earlier restore was interrupted. It is done again."))
        _confirm_overwriting(directory, yes)
        manifest = restore.restore_backup(directory, further, steps.begin)
    click.echo(_write_summary(tk._("Restored:"), manifest))
    click.echo(tk._("Restart the web servers and the workers."))


def _confirm_overwriting(directory: Path, yes: bool) -> None:
    """Ask for confirmation that the present site may be overwritten."""
    present = restore.describe_present()
    if not present or yes:
        return
    site = str(tk.config.get("ckan.site_id"))
    manifest = Manifest.read(directory)
    text = tk._(
        "The site “{site}” is not empty: {present}. All of it is replaced by the backup of {made}."
    )
    click.echo(text.format(site=site, present=", ".join(present), made=manifest.made))
    question = tk._("Type the site's id, {site}, to go on")
    if click.prompt(question.format(site=site), default="", show_default=False) != site:
        raise click.ClickException(tk._("Nothing was changed."))


def _write_summary(start: str, manifest: Manifest) -> str:
    text = tk._("{start} {tables} tables, {rows} rows, {files} files, {size} MB; change {number}.")
    return text.format(
        start=start,
        tables=len(manifest.counts),
        rows=sum(manifest.counts.values()),
        files=len(manifest.files),
        size=manifest.size() // 1_000_000 + 1,
        number=manifest.feed.get("number", 0),
    )


class _Steps:
    """Progress bars, one after the other."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def begin(self, label: str) -> Progress:
        """End the previous bar, and return the function that moves the next one."""
        self.end()
        return self._stack.enter_context(ProgressBar(label)).at

    def end(self) -> None:
        """End the last bar."""
        self._stack.close()


@contextmanager
def _show_steps() -> Generator[_Steps]:
    steps = _Steps()
    try:
        yield steps
    finally:
        steps.end()


@contextmanager
def _tell_faults() -> Generator[None]:
    try:
        yield
    except (BackupFault, ProgramFailed, ProgramMissing, OSError, OperationalError) as fault:
        # For an unreachable database: the driver's message without the statement.
        message = redact_text(str(fault.orig if isinstance(fault, OperationalError) else fault))
        if backup.is_restoring():
            message += " " + tk._(
                "The restore was interrupted, and the site answers 503 until it is done again."
            )
        raise click.ClickException(message) from None
