"""What names a thing in the log, and where its IRI starts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

from ckanext.marathon.model import clock
from ckanext.marathon.model.feed import Kind
from ckanext.marathon.rdf import lookups
from ckanext.marathon.rdf.uris import Site


class Key(NamedTuple):
    """A thing: its kind and its id in CKAN (the catalogue's is "")."""

    kind: Kind
    thing: str

    def iri(self, site: Site) -> str:
        """Return the thing's IRI."""
        if self.kind == Kind.CATALOG:
            return site.base
        return str(site.thing(self.kind, self.thing))


CATALOG = Key(Kind.CATALOG, "")
# The dataset types that are no datasets, and what they are.
_OTHERS = {str(kind): kind for kind in (Kind.WORKSHOP, Kind.IDEA, Kind.COMMITMENT)}
# Types of plugins that keep something else than datasets in packages. ckanext-dcat leaves the same
# two out of its catalogue (``logic.py``, ``_search_ckan_datasets``).
NOT_PUBLISHED = ("harvest", "showcase")


def kind_of(package_type: str | None) -> Kind | None:
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


def site(row: Any = None) -> Site:
    """Return where IRIs start: where they did when the first of them was published.

    Other settings come too late: an IRI that changes is another thing to those who copied it.

    Args:
        row: the clock's, if it was read already.
    """
    found, said = lookups.site(), row or clock.read()
    if said.base:
        return replace(found, base=said.base, vocabulary=said.vocabulary)
    return found
