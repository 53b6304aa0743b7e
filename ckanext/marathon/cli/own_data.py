"""``ckan marathon own-data``."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
import click

from ckanext.marathon.operations import own_data as dataset
from ckanext.marathon.operations.starter import ContentError, Outcome, StarterError


@click.group("own-data")
def own_data() -> None:
    """The site's own workshops, ideas and data needs as open data."""


@own_data.command()
@click.option("--organization", default="", help="Owner of a new one; else who coordinates.")
def publish(organization: str) -> None:
    """Publish the dataset of the site's own tables, or bring it up to date."""
    try:
        outcome = dataset.publish(organization)
    except (ContentError, StarterError) as error:
        raise click.ClickException(str(error)) from None
    said = {
        Outcome.ADDED: tk._("Published: {address}"),
        Outcome.COMPLETED: tk._("Brought up to date: {address}"),
    }.get(outcome, tk._("Nothing to do: {address}"))
    click.echo(said.format(address=tk.h.url_for("dataset.read", id=dataset.NAME, _external=True)))
