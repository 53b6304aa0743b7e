"""``ckan marathon activity``."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
import click

from ckanext.marathon.operations import activity as activity_operations


@click.group()
def activity() -> None:
    """What ckanext-activity keeps of records, and whom it shows it to."""


@activity.command()
def scrub() -> None:
    """Take out of all activities what outsiders may not see, and set who may read each.

    For activities that were written before this version, or by bulk SQL. May be run at any time,
    whether the plugin activity is loaded or not; run again, it changes nothing.
    """

    def tell(done: int) -> None:
        click.echo(tk._("Activities: {count}").format(count=done), err=True)

    done = activity_operations.scrub_activities(tell)
    text = tk._("Activities: {rows}; record changed: {data}; readers changed: {labels}.")
    click.echo(text.format(rows=done.rows, data=done.data, labels=done.labels))
