"""What names a thing in the log, and where its IRI starts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk

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
# The dataset types of CKAN that the log speaks of.
PACKAGES = {str(kind): kind for kind in (Kind.DATASET, Kind.WORKSHOP, Kind.IDEA, Kind.COMMITMENT)}


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
