"""The command ``ckan marathon``, one file a noun."""

from __future__ import annotations

import click

from ckanext.marathon.cli.activity import activity
from ckanext.marathon.cli.backup import backup, restore
from ckanext.marathon.cli.doctor import doctor
from ckanext.marathon.cli.feed import feed
from ckanext.marathon.cli.files import files
from ckanext.marathon.cli.index import index
from ckanext.marathon.cli.municipality import municipality
from ckanext.marathon.cli.notify import notify
from ckanext.marathon.cli.own_data import own_data
from ckanext.marathon.cli.starter import examples, starter
from ckanext.marathon.cli.takedown import takedown

__all__ = ["marathon"]


@click.group(short_help="Municipal idea marathons.")
@click.pass_context
def marathon(ctx: click.Context) -> None:
    """Municipal idea marathons: set up, add, look after."""
    # Messages are in the site's language, and links in its addresses, only inside of a request.
    ctx.with_resource(ctx.meta["flask_app"].test_request_context())


for command in (
    activity,
    backup,
    doctor,
    examples,
    feed,
    files,
    index,
    municipality,
    notify,
    own_data,
    restore,
    starter,
    takedown,
):
    marathon.add_command(command)
