"""The command ``ckan marathon``, collected from the modules of this folder, one for each noun."""

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
    # Only within a request, messages are in the site's language and links have its address.
    ctx.with_resource(ctx.meta["flask_app"].test_request_context())


def _list_commands(module: ModuleType) -> Iterator[click.Command]:
    """Yield the top-level commands of a module."""
    commands = [value for value in vars(module).values() if isinstance(value, click.Command)]
    groups = [command for command in commands if isinstance(command, click.Group)]
    grouped = [command for group in groups for command in group.commands.values()]
    yield from (command for command in commands if command not in grouped)


for _found in iter_modules(__path__):
    for _command in _list_commands(import_module(f"{__name__}.{_found.name}")):
        marathon.add_command(_command)
