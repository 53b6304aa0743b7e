"""What a graph needs besides the dict it is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rdflib import URIRef

from ckanext.marathon.rdf.iri import Site
from ckanext.marathon.records.record import (
    Dataset,
    Idea,
    Organization,
    PackageRecord,
    Record,
    Workshop,
)

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """The neighbours of one thing, as far as they are public.

    A neighbour that is not here is not mentioned: what is said in public about a dataset must
    not give away an idea or a workshop that is not public itself.

    Attributes:
        site: where IRIs start.
        organizations: by id.
        ideas: by id.
        workshops: by id, counts masked.
        datasets: that came from an idea (or from the ideas of a workshop).
        alone: neighbours are named by their IRIs and not described: the feed keeps a description
            of each and puts them together in its pages. Of ideas and workshops the ids are then
            enough, of ideas also those of their data needs.
    """

    site: Site
    organizations: Mapping[str, Organization] = field(default_factory=dict)
    ideas: Mapping[str, Idea] = field(default_factory=dict)
    workshops: Mapping[str, Workshop] = field(default_factory=dict)
    datasets: Sequence[Record] = ()
    alone: bool = False

    def ideas_of(self, dataset: Dataset) -> list[Idea]:
        """Return the public ideas that a dataset names, in its order."""
        return [self.ideas[id_] for id_ in dataset.idea_ids if id_ in self.ideas]

    def workshop_of(self, idea: Idea) -> Workshop | None:
        """Return the workshop of an idea if it is public."""
        return self.workshops.get(idea.workshop_id)

    def owner_of(self, package: PackageRecord) -> Organization | None:
        """Return the organisation of a package; one that is not known as it was shown with it."""
        shown = package.owner
        named = (package.owner_id, shown.id if shown else "")
        known = (self.organizations.get(id_) for id_ in named)
        return next(filter(None, known), shown)


@dataclass(frozen=True)
class CatalogueFacts:
    """What the catalogue says of itself.

    Attributes:
        site: where IRIs start.
        title: of the site.
        description: of the site; empty repeats the title, which DCAT-AP prefers to nothing.
        publisher: the coordinating body where there is exactly one, else ``None``: then the
            site itself is named as publisher.
        languages: of the pages, as CKAN locales.
        licence: of the descriptions themselves, an IRI or a licence id; empty says nothing.
        issued: of the first dataset, as CKAN writes times.
        modified: of the last change, as CKAN writes times.
    """

    site: Site
    title: str
    description: str = ""
    publisher: Organization | None = None
    languages: Sequence[str] = ("es",)
    licence: str = ""
    issued: str = ""
    modified: str = ""


@dataclass(frozen=True)
class PartFacts:
    """What a part of the catalogue says of itself.

    Attributes:
        site: where IRIs start.
        iri: of the part, as a catalogue.
        catalogue: title of the whole.
        titles: of the part, by language: of a place one name, of a problem its labels.
        homepage: address of its page.
        places: kind (``municipality`` or ``department``) and code; none means the country.
    """

    site: Site
    iri: URIRef
    catalogue: str
    titles: Mapping[str, str]
    homepage: str
    places: Sequence[tuple[str, str]] = ()
