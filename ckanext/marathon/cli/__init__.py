"""The command ``ckan marathon``: what the modules of this folder make, one file a noun."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import click

__all__ = ["marathon"]


@click.group(short_help="Municipal idea marathons.")
@click.pass_context
def marathon(ctx: click.Context) -> None:
    """Municipal idea marathons: set up, add, look after."""
    # Messages are in the site's language, and links in its addresses, only inside of a request.
    ctx.with_resource(ctx.meta["flask_app"].test_request_context())


def _list_commands(module: ModuleType) -> Iterator[click.Command]:
    """Yield the commands of a module that are in no group of it."""
    commands = [value for value in vars(module).values() if isinstance(value, click.Command)]
    groups = [command for command in commands if isinstance(command, click.Group)]
    grouped = [command for group in groups for command in group.commands.values()]
    yield from (command for command in commands if command not in grouped)


for _found in iter_modules(__path__):
    for _command in _list_commands(import_module(f"{__name__}.{_found.name}")):
        marathon.add_command(_command)
