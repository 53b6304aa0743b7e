"""``ckan marathon starter`` and ``ckan marathon examples``."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
import click

from ckanext.marathon.operations import starter as starter_operations
from ckanext.marathon.operations.starter import (
    ExampleRecord,
    StarterError,
    StarterOutcome,
    StarterStep,
    StillNeeded,
)
from ckanext.marathon.operations.starter_content import ContentError


@click.command()
@click.option("--without-examples", is_flag=True, help="Real things only.")
def starter(without_examples: bool) -> None:
    """Add what is missing of the starter catalogue.

    Organisations, commitment, workshops and datasets from public sources, and examples marked as
    such. What is on the site already stays as it is.
    """
    try:
        outcomes = starter_operations.load_starter(not without_examples, _tell)
    except (ContentError, StarterError) as error:
        raise click.ClickException(str(error)) from None
    total = tk._(
        "Starter catalogue: {added} added, {completed} completed, {present} there already, "
        "{left_out} left out."
    )
    click.echo(total.format(**{outcome.value: outcomes[outcome] for outcome in StarterOutcome}))


def _tell(step: StarterStep) -> None:
    what = {
        StarterOutcome.ADDED: tk._("added"),
        StarterOutcome.COMPLETED: tk._("completed"),
        StarterOutcome.PRESENT: tk._("there already"),
        StarterOutcome.LEFT_OUT: tk._("left out"),
    }[step.outcome]
    reason = f" ({step.reason})" if step.reason else ""
    click.echo(f"{step.number:>3}/{step.total}  {_short(step.title)}: {what}{reason}")


@click.group()
def examples() -> None:
    """The made-up workshops, ideas and datasets."""


@examples.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(yes: bool) -> None:
    """Remove all examples for good, and nothing else."""
    things = starter_operations.find_examples()
    if not things:
        click.echo(tk._("There are no examples on this site."))
        return
    if not yes:
        for thing in things:
            click.echo(f"  {_short(thing.title)} ({thing.type})")
        question = tk._("Remove these {count} examples for good?").format(count=len(things))
        click.confirm(question, abort=True)
    try:
        starter_operations.remove_examples(_tell_removed)
    except (StarterError, StillNeeded) as error:
        raise click.ClickException(str(error)) from None


def _tell_removed(number: int, total: int, thing: ExampleRecord) -> None:
    click.echo(f"{number:>3}/{total}  {_short(thing.title)}: " + tk._("removed"))


def _short(title: str, width: int = 70) -> str:
    return title if len(title) <= width else title[: width - 1].rstrip() + "…"
