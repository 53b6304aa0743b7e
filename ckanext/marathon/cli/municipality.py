"""``ckan marathon municipality``."""

from __future__ import annotations

from collections import Counter
from typing import Any

import ckan.plugins.toolkit as tk
import click
import sqlalchemy as sa
from ckan import model
from ckan.types import Context

from ckanext.marathon.model.municipality import MunicipalityClaim


@click.group("municipality")
def municipality_group() -> None:
    """The municipalities on this site."""


@municipality_group.command("add")
@click.argument("codes", nargs=-1, required=True, metavar="CODE...")
@click.option("--officer", metavar="EMAIL", help="Invite an officer (with one CODE only).")
@click.option(
    "--role",
    type=click.Choice(["admin", "editor", "member"]),
    default="editor",
    show_default=True,
    help="The officer's role in the organisation.",
)
def add_municipalities(codes: tuple[str, ...], officer: str | None, role: str) -> None:
    """Create the organisation of each municipality, by INE code, unless it is there.

    Exits with 1 if any of them could not be added.
    """
    if officer and len(codes) > 1:
        raise click.UsageError(tk._("--officer goes with one code only."))
    results = tk.get_action("marathon_municipality_create")(_make_context(), {"codes": list(codes)})
    for result in results:
        _tell_result(result)
    if officer and results[0]["organization"]:
        _invite_officer(results[0]["organization"], officer, role)
    if any(result["status"] == "failed" for result in results):
        raise SystemExit(1)


@municipality_group.command("list")
def list_municipalities() -> None:
    """List the municipalities on this site: code, name, number of people."""
    rows = model.Session.execute(
        sa.select(MunicipalityClaim.municipality_code, model.Group)
        .join(model.Group, model.Group.id == MunicipalityClaim.organization_id)
        .where(model.Group.state == model.State.ACTIVE)
        .order_by(MunicipalityClaim.municipality_code)
    ).all()
    if not rows:
        click.echo(tk._("There are no municipalities yet."))
        return
    officers = tk.get_action("marathon_officer_list")(_make_context(), {})
    people = Counter(officer["organization"]["id"] for officer in officers)
    for code, organization in rows:
        count = people[organization.id]
        text = tk.ungettext("{count} person", "{count} people", count).format(count=count)
        click.echo(f"{code}  {organization.display_name} ({organization.name}), {text}")


def _make_context() -> Context:
    return Context(ignore_auth=True, user="")


def _tell_result(result: dict[str, Any]) -> None:
    organization = result["organization"]
    title = f" {organization['title']} ({organization['name']})" if organization else ""
    status = {
        "created": tk._("created"),
        "existed": tk._("there already"),
        "failed": tk._("failed"),
    }[result["status"]]
    remarks = " ".join(text for text in (result["notice"], result["error"]) if text)
    line = f"{result['code']}{title}: {status}" + (f". {remarks}" if remarks else "")
    click.echo(line, err=result["status"] == "failed")


def _invite_officer(organization: dict[str, str], email: str, role: str) -> None:
    data = {"organization": organization["id"], "email": email, "role": role}
    try:
        invited = tk.get_action("marathon_officer_invite")(_make_context(), data)
    except tk.ValidationError as fault:
        raise click.ClickException("; ".join(fault.error_summary.values())) from None
    click.echo(f"{invited['email']} ({invited['role']}): {invited['notice']}")
    if invited["link"]:
        click.echo(f"  {invited['link']}")
