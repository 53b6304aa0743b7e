"""``ckan marathon takedown``."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import click
from ckan.types import Context


@click.group()
def takedown() -> None:
    """Removing something for legal reasons, for good."""


@takedown.command()
@click.argument("id")
@click.option("--reason", required=True, help="Kept for system administrators.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(id: str, reason: str, yes: bool) -> None:
    """Remove a dataset, workshop, idea or commitment (ID or name) with its files.

    Portals that follow the feed remove it, too. There is no way back.
    """
    try:
        shown = tk.get_action("package_show")(_context(), {"id": id, "use_cache": False})
    except tk.ObjectNotFound:
        raise click.ClickException(tk._("There is nothing of this id or name.")) from None
    if not yes:
        question = tk._("Remove “{title}” ({type}) for good?")
        click.confirm(question.format(title=shown["title"], type=shown["type"]), abort=True)
    try:
        found = tk.get_action("marathon_takedown")(
            _context(), {"id": shown["id"], "reason": reason}
        )
    except tk.ValidationError as error:
        raise click.ClickException(str(error.error_summary)) from None
    click.echo(tk._("Removed, with {count} files.").format(count=found["files"]))


@takedown.command("list")
def list_() -> None:
    """List what was removed: when, what, and why."""
    rows = tk.get_action("marathon_takedown_list")(_context(), {})
    for row in rows:
        click.echo(f"{row['at']}  {row['type']}  {row['id']}  {row['reason']}")
    if not rows:
        click.echo(tk._("Nothing was removed."))


def _context() -> Context:
    user: Any = tk.get_action("get_site_user")({"ignore_auth": True}, {})
    return {"user": user["name"], "ignore_auth": True}
