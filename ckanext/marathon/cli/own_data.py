"""``ckan marathon own-data``."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
import click

from ckanext.marathon.operations import own_data as own_data_operations
from ckanext.marathon.operations.starter import StarterError, StarterOutcome
from ckanext.marathon.operations.starter_content import ContentError


@click.group("own-data")
def own_data() -> None:
    """The site's own workshops, ideas and data needs as open data."""


@own_data.command()
@click.option("--organization", default="", help="Owner of a new one; else who coordinates.")
def publish(organization: str) -> None:
    """Publish the dataset of the site's own tables, or bring it up to date."""
    try:
        outcome = own_data_operations.publish_own_data(organization)
    except (ContentError, StarterError) as error:
        raise click.ClickException(str(error)) from None
    said = {
        StarterOutcome.ADDED: tk._("Published: {address}"),
        StarterOutcome.COMPLETED: tk._("Brought up to date: {address}"),
    }.get(outcome, tk._("Nothing to do: {address}"))
    click.echo(
        said.format(
            address=tk.h.url_for("dataset.read", id=own_data_operations.NAME, _external=True)
        )
    )
