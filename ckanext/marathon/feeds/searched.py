"""What a search finds of the catalogue, written by ckanext-dcat with our profile behind it.

Its own action does the same, but writes the parameters of the request undecoded into the addresses
of pages: a ``q`` of two words makes an IRI that no writer takes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import ckan.plugins.toolkit as tk
from ckan.types import Context
from ckanext.dcat.processors import DEFAULT_RDF_PROFILES, RDFSerializer
from ckanext.dcat.utils import dataset_uri, url_to_rdflib_format
from rdflib import URIRef

from ckanext.marathon.domain import dates
from ckanext.marathon.feeds import keys
from ckanext.marathon.model import dataset
from ckanext.marathon.rdf.lookups import Lookups
from ckanext.marathon.rdf.namespaces import DCAT
from ckanext.marathon.rdf.profile import build_graph_by_profiles, join_graphs

PROFILES = "ckanext.dcat.rdf.profiles"


@dataclass(frozen=True)
class Search:
    """What is looked for: parameters of ckanext-dcat's catalogue, "" where there is none.

    Attributes:
        q: words, as CKAN's ``package_search`` takes them.
        fq: a filter, likewise.
        modified_since: ISO 8601; without an offset it is UTC.
        profiles: names with commas between them.
    """

    q: str = ""
    fq: str = ""
    modified_since: str = ""
    profiles: str = ""

    def parameters(self) -> dict[str, str]:
        """Return those that are given."""
        return {name: value for name, value in vars(self).items() if value}


def page(search: Search, within: str, number: int, extension: str, address: str) -> str:
    """Return one page of what a search finds, the latest first.

    Args:
        search: what is looked for.
        within: a filter of ours, which is not part of addresses; "" for none.
        number: of the page, from 1.
        extension: one of ``rdf.formats.FORMATS``.
        address: of the catalogue in this format, without parameters.

    Raises:
        ValueError: ``modified_since`` is no date.
        RDFProfileException: no such profile.
        ckan.lib.search.SearchError: Solr cannot read the query, or does not answer.
    """
    # In nobody's name: a copy that travels holds the same for whoever fetches it.
    context: Context = {"user": "", "auth_user_obj": None}
    size = keys.page_size()
    given = search.profiles.replace(",", " ") or str(tk.config.get(PROFILES) or "")
    profiles = given.split() or list(DEFAULT_RDF_PROFILES)
    serializer = RDFSerializer(profiles=profiles)
    filters = [within, _since(search.modified_since)]
    query = {
        "q": search.q or "*:*",
        "fq": search.fq,
        "fq_list": [each for each in filters if each],
        "rows": size,
        "start": size * (number - 1),
        "sort": "metadata_modified desc, id asc",
    }
    found = tk.get_action("package_search")(context, query)
    # Solr's copies do not say when they were published for the first time.
    known = dataset.read_first_published(each["id"] for each in found["results"])
    for each in found["results"]:
        at = known.get(each["id"])
        each["first_published"] = at.isoformat() if at else None
    last = max(math.ceil(found["count"] / size), 1)
    numbers = {"current": number, "first": 1, "last": last}
    numbers |= {"previous": min(number - 1, last)} if number > 1 else {}
    numbers |= {"next": number + 1} if number < last else {}
    pages = {
        name: f"{address}?{urlencode({**search.parameters(), 'page': str(other)})}"
        for name, other in numbers.items()
    }
    figures = {"count": found["count"], "items_per_page": size, **pages}
    return _written(serializer, profiles, found["results"], figures, extension)


def _written(
    serializer: RDFSerializer,
    profiles: Sequence[str],
    datasets: Iterable[dict[str, Any]],
    figures: dict[str, Any],
    extension: str,
) -> str:
    """Return a page as ckanext-dcat writes it, each dataset as :func:`.graph_by_profiles` says."""
    catalogue = serializer.graph_from_catalog({})
    lookups = Lookups.of_this_request()
    for each in datasets:
        iri = URIRef(dataset_uri(each))
        join_graphs(serializer.g, build_graph_by_profiles(each, lookups, profiles))
        if serializer._add_source_catalog(catalogue, each, iri) is None:
            serializer.g.add((catalogue, DCAT.dataset, iri))
    serializer._add_pagination_triples(figures)
    return str(serializer.g.serialize(format=url_to_rdflib_format(extension)))


def _read_time(moment: str) -> datetime:
    """Return a time of ISO 8601, or one in another form that the site's dates can have.

    Raises:
        ValueError: it is none.
    """
    try:
        return datetime.fromisoformat(moment)
    except ValueError:
        return dates.find_first_instant(moment)


def _since(moment: str) -> str:
    if not moment:
        return ""
    try:
        parsed = _read_time(moment)
        aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        start = aware.astimezone(UTC).replace(tzinfo=None).isoformat()
    except OverflowError as error:
        raise ValueError(moment) from error
    return f"metadata_modified:[{start}Z TO NOW]"
