"""``ckan marathon starter`` and ``ckan marathon examples``."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
import click

from ckanext.marathon.operations import starter
from ckanext.marathon.operations.starter import (
    ExampleRecord,
    StarterError,
    StarterOutcome,
    StarterStep,
    StillNeeded,
)
from ckanext.marathon.operations.starter_content import ContentError


@click.command("starter")
@click.option("--without-examples", is_flag=True, help="Real things only.")
def add_starter(without_examples: bool) -> None:
    """Add what is missing of the starter catalogue.

    Organisations, commitment, workshops and datasets from public sources, and examples marked as
    such. What is on the site already stays as it is.
    """
    try:
        outcomes = starter.load_starter(not without_examples, _tell_step)
    except (ContentError, StarterError) as error:
        raise click.ClickException(str(error)) from None
    total = tk._(
        "Starter catalogue: {added} added, {completed} completed, {present} there already, "
        "{left_out} left out."
    )
    click.echo(total.format(**{outcome.value: outcomes[outcome] for outcome in StarterOutcome}))


def _tell_step(step: StarterStep) -> None:
    what = {
        StarterOutcome.ADDED: tk._("added"),
        StarterOutcome.COMPLETED: tk._("completed"),
        StarterOutcome.PRESENT: tk._("there already"),
        StarterOutcome.LEFT_OUT: tk._("left out"),
    }[step.outcome]
    reason = f" ({step.reason})" if step.reason else ""
    click.echo(f"{step.number:>3}/{step.total}  {_shorten_title(step.title)}: {what}{reason}")


@click.group("examples")
def examples_group() -> None:
    """The made-up workshops, ideas and datasets."""


@examples_group.command("remove")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove_examples(yes: bool) -> None:
    """Remove all examples for good, and nothing else."""
    things = starter.find_examples()
    if not things:
        click.echo(tk._("There are no examples on this site."))
        return
    if not yes:
        for thing in things:
            click.echo(f"  {_shorten_title(thing.title)} ({thing.type})")
        question = tk._("Remove these {count} examples for good?").format(count=len(things))
        click.confirm(question, abort=True)
    try:
        starter.remove_examples(_tell_removed)
    except (StarterError, StillNeeded) as error:
        raise click.ClickException(str(error)) from None


def _tell_removed(number: int, total: int, thing: ExampleRecord) -> None:
    click.echo(f"{number:>3}/{total}  {_shorten_title(thing.title)}: " + tk._("removed"))


def _shorten_title(title: str, width: int = 70) -> str:
    return title if len(title) <= width else title[: width - 1].rstrip() + "…"
