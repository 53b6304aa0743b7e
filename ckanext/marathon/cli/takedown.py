"""``ckan marathon takedown``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import click
from ckan.types import Context

from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.takedown import parse_takedowns
from ckanext.marathon.logic import messages


@click.group("takedown")
def takedown_group() -> None:
    """Removing something for legal reasons, for good."""


@takedown_group.command("remove")
@click.argument("id")
@click.option("--reason", required=True, help="Kept for system administrators.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove_record(id: str, reason: str, yes: bool) -> None:
    """Remove a dataset, workshop, idea or commitment (ID or name) with its files.

    Portals that follow the feed remove it, too. There is no way back. Repeated with the ID of a
    record whose removal was cut off, it finishes that.
    """
    try:
        shown = tk.get_action("package_show")(_make_context(), {"id": id, "use_cache": False})
    except tk.ObjectNotFound:
        shown = None
    if shown and not yes:
        question = tk._("Remove “{title}” ({type}) for good?")
        click.confirm(question.format(title=shown["title"], type=shown["type"]), abort=True)
    try:
        found = tk.get_action("marathon_takedown")(
            _make_context(), {"id": shown["id"] if shown else id, "reason": reason}
        )
    except tk.ObjectNotFound:
        raise click.ClickException(tk._("There is nothing of this id or name.")) from None
    except tk.ValidationError as error:
        raise click.ClickException(str(error.error_summary)) from None
    click.echo(tk._("Removed, with {count} files.").format(count=found["files"]))
    _say_unfinished([found["id"]] if found["unfinished"] else [])


@takedown_group.command("list")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text")
def list_takedowns(format_: str) -> None:
    """List what was removed: when, what, and why.

    As JSON it is what `takedown apply` takes on another site, or after a restore.
    """
    rows = tk.get_action("marathon_takedown_list")(_make_context(), {})
    if format_ == "json":
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        click.echo(f"{row['at']}  {row['type']}  {row['id']}  {row['reason']}")
    if not rows:
        click.echo(tk._("Nothing was removed."))


@takedown_group.command("apply")
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
def apply_takedowns(file: Path | None) -> None:
    """Take down whatever is on a list and yet on the site, and finish what was cut off.

    FILE is what `takedown list --format json` wrote. The site's own list is
    always applied, without FILE it alone. May be repeated.
    """
    entries = read_takedown_list(file) if file else []
    result = tk.get_action("marathon_takedown_apply")(_make_context(), {"takedowns": entries})
    for id_ in result["taken_down"]:
        click.echo(tk._("Taken down: {id}").format(id=id_))
    for id_ in result["added"]:
        click.echo(tk._("Not here, added to the list: {id}").format(id=id_))
    summary = tk._("{taken} taken down, {added} added to the list, {known} were already.")
    counts = {key: len(ids) for key, ids in result.items()}
    click.echo(
        summary.format(taken=counts["taken_down"], added=counts["added"], known=counts["known"])
    )
    _say_unfinished(result["unfinished"])


def read_takedown_list(file: Path) -> list[dict[str, Any]]:
    """Return the rows of a file that ``takedown list --format json`` wrote.

    Raises:
        click.ClickException: it is none; the text names row and field.
    """
    try:
        text = file.read_text(encoding="utf-8")
        parse_takedowns(text)
    except UnicodeDecodeError:
        raise click.ClickException(tk._("The file is not UTF-8.")) from None
    except Malformed as error:
        raise click.ClickException(messages.write_fault(error.fault)) from None
    return json.loads(text.removeprefix("\ufeff"))


def _say_unfinished(ids: list[str]) -> None:
    """End with 1 if something could not be removed yet."""
    if not ids:
        return
    message = tk._(
        "Something of {ids} could not be removed yet; the log says what. It is tried again by "
        "itself; `ckan marathon takedown apply` tries it now."
    )
    raise click.ClickException(message.format(ids=", ".join(ids)))


def _make_context() -> Context:
    user: Any = tk.get_action("get_site_user")({"ignore_auth": True}, {})
    return {"user": user["name"], "ignore_auth": True}
