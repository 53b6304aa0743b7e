"""What names a thing in the log, and where its IRI starts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from flask import g, has_request_context

from ckanext.marathon.model import clock
from ckanext.marathon.model import dataset as dataset_model
from ckanext.marathon.model.feed import Kind
from ckanext.marathon.rdf import lookups
from ckanext.marathon.rdf.facts import Row
from ckanext.marathon.rdf.iri import Site


class Key(NamedTuple):
    """A thing: its kind and its id in CKAN (the catalogue's is "")."""

    kind: Kind
    thing: str

    def iri(self, site: Site) -> str:
        """Return the thing's IRI; of a dataset the one that it came with, if ``site`` knows it."""
        if self.kind == Kind.CATALOG:
            return site.base
        return str(site.thing(self.kind, self.thing))


CATALOG = Key(Kind.CATALOG, "")
# The dataset types that are no datasets, and what they are.
_OTHERS = {str(kind): kind for kind in (Kind.WORKSHOP, Kind.IDEA, Kind.COMMITMENT)}
# Types of plugins that keep something else than datasets in packages. ckanext-dcat leaves the same
# two out of its catalogue (``logic.py``, ``_search_ckan_datasets``).
NOT_PUBLISHED = ("harvest", "showcase")


def find_kind(package_type: str | None) -> Kind | None:
    """Return as what the log has a package of a dataset type; ``None`` for what it leaves out.

    Every type that is not one of ours is a dataset's, also one that no plugin has pages for.
    """
    if package_type in NOT_PUBLISHED:
        return None
    return _OTHERS.get(package_type or "", Kind.DATASET)


def is_of_kind(kind: Kind) -> sa.ColumnElement[bool]:
    """Return the condition that a package is in the log as this kind, if it is there."""
    package_type = sa.func.coalesce(model.Package.type, str(Kind.DATASET))
    if kind != Kind.DATASET:
        return package_type == str(kind)
    return package_type.not_in([*_OTHERS, *NOT_PUBLISHED])


def page_size() -> int:
    """Return how many slots a page has on a site that has published nothing yet, 1–1000."""
    return min(max(tk.config["ckanext.dcat.datasets_per_page"], 1), 1000)


def find_site(row: Any = None) -> Site:
    """Return where IRIs start: where they did when the first of them was published.

    Other settings come too late: an IRI that changes is another thing to those who copied it.

    Args:
        row: the clock's, if it was read already.
    """
    found, said = lookups.read_site(), row or clock.read_clock()
    if said.base:
        return replace(found, base=said.base, vocabulary=said.vocabulary)
    return found


def add_kept_iris(site: Site, things: Collection[str]) -> Site:
    """Return where IRIs start, with those that these datasets and their files came with."""
    return replace(site, kept=dataset_model.read_kept_iris(things))


def find_iris(wanted: Iterable[Key], site: Site) -> dict[Key, str]:
    """Return the IRIs of things, of datasets those that they came with."""
    keys = list(wanted)
    here = add_kept_iris(site, [key.thing for key in keys if key.kind == Kind.DATASET])
    return {key: key.iri(here) for key in keys}


def dataset_uri(dataset: Row) -> str | None:
    """Return the IRI of a dataset for ckanext-dcat, ``None`` to leave it to that.

    ckanext-dcat would take any text in an extra called ``uri``.
    """
    if not dataset.get("id"):
        return None
    identifier = str(dataset["id"])
    return str(_add_kept_iris_of(identifier).dataset(identifier))


def resource_uri(resource: Row) -> str | None:
    """Return the IRI of a resource for ckanext-dcat, ``None`` to leave it to that."""
    if not resource.get("id") or not resource.get("package_id"):
        return None
    dataset = str(resource["package_id"])
    return str(_add_kept_iris_of(dataset).distribution(dataset, str(resource["id"])))


def _add_kept_iris_of(dataset: str) -> Site:
    """Return where IRIs start for one dataset; in a request it is asked for once."""
    if not has_request_context():
        return add_kept_iris(lookups.read_site(), [dataset])
    if not hasattr(g, "marathon_kept"):
        g.marathon_kept = {}
    if dataset not in g.marathon_kept:
        g.marathon_kept[dataset] = add_kept_iris(lookups.read_site(), [dataset])
    return g.marathon_kept[dataset]
