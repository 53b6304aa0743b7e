"""``ckan marathon index``."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
import click
from ckan.lib import search

from ckanext.marathon.model import search_index as search_index_model
from ckanext.marathon.operations import search_index
from ckanext.marathon.operations.search_index import IndexFault


@click.group()
def index() -> None:
    """The search index, compared with the database."""


@index.command()
def check() -> None:
    """List the records that the search index lacks, has too many or has otherwise.

    Exits with 1 if there are any.
    """
    _require_solr()
    names = {
        IndexFault.MISSING: tk._("not in the search index"),
        IndexFault.GHOST: tk._("in the search index, but not in the database"),
        IndexFault.OUTDATED: tk._("outdated in the search index"),
    }
    differences = list(search_index.compare_index())
    for difference in differences:
        click.echo(f"✗ {difference.package_id}: {names[difference.fault]}")
    waiting = search_index_model.count_due_packages()
    if waiting:
        click.echo(tk._("{count} records wait to be indexed.").format(count=waiting))
    if differences or waiting:
        click.echo(tk._("Run: ckan marathon index repair"))
        raise SystemExit(1)
    click.echo(tk._("The search index has what the database has."))


@index.command()
def repair() -> None:
    """Bring the search index up to date with the database; only what differs is indexed."""
    _require_solr()
    count = search_index.repair_index()
    click.echo(tk._("{count} records were indexed.").format(count=count))


def _require_solr() -> None:
    if not search.is_available():
        click.echo(tk._("Solr cannot be reached at solr_url."), err=True)
        raise SystemExit(1)
