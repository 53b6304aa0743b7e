"""The IRIs of our things: where they start is configured, what follows never changes.

Source: the public URLs of the catalogue (docs/api.md). No IRI holds a name or a title.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from rdflib import URIRef

from ckanext.marathon.vocabulary import paths

from .iri import segment, web

__all__ = ["Site", "part"]

_UUID = r"[0-9A-Za-z%_.~-]+"


@dataclass(frozen=True, slots=True)
class Site:
    """Where IRIs start, and where and in which language the site speaks.

    Attributes:
        base: start of the IRIs of things, without a slash at the end.
        vocabulary: start of the IRIs of concepts, without a slash at the end.
        url: address that serves the pages, without a slash at the end; may differ from ``base``.
        language: of titles and descriptions, as a language tag (``es``).
        others: further languages of the pages, in the order in which they are offered.
        kept: id of a dataset or resource → the IRI that it came with from another catalogue, as far
            as those at hand have one.
    """

    base: str
    vocabulary: str
    url: str
    language: str = "es"
    kept: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    others: tuple[str, ...] = ()

    def thing(self, kind: str, identifier: str) -> URIRef:
        """Return the IRI of a workshop, idea, commitment, organisation or dataset.

        Args:
            kind: ``dataset``, ``workshop``, ``idea``, ``commitment`` or ``organization``.
            identifier: its id in CKAN, never its name.
        """
        return self.dataset(identifier) if kind == "dataset" else self.own(kind, identifier)

    def own(self, kind: str, identifier: str) -> URIRef:
        """Return the IRI that this catalogue gives a thing, whatever IRI it came with.

        The parts of a dataset are named below this one: nobody may name things in the name of the
        catalogue that the dataset came from.
        """
        return URIRef(f"{self.base}/{kind}/{segment(identifier)}")

    def dataset(self, identifier: str) -> URIRef:
        """Return the IRI of a dataset: the one that it came with, else our own."""
        kept = self.kept.get(identifier)
        return URIRef(kept) if kept else self.own("dataset", identifier)

    def distribution(self, dataset: str, resource: str) -> URIRef:
        """Return the IRI of a distribution: the one that it came with, else our own."""
        kept = self.kept.get(resource)
        return URIRef(kept) if kept else self.own_distribution(dataset, resource)

    def own_distribution(self, dataset: str, resource: str) -> URIRef:
        """Return the IRI that this catalogue gives a distribution."""
        return URIRef(f"{self.own('dataset', dataset)}/resource/{segment(resource)}")

    def data_need(self, idea: str, need: str) -> URIRef:
        """Return the IRI of a data need: a part of the idea that states it."""
        return part(self.thing("idea", idea), segment(need))

    def concept(self, kind: str, code: str) -> URIRef:
        """Return the IRI of a concept of ours.

        Raises:
            UnknownCode: no such kind or code.
        """
        return URIRef(f"{self.vocabulary}/{paths.build_concept_path(kind, code)}")

    def scheme(self, kind: str) -> URIRef:
        """Return the IRI of a concept scheme of ours.

        Raises:
            UnknownCode: no such kind.
        """
        return URIRef(f"{self.vocabulary}/{paths.build_scheme_path(kind)}")

    def term(self, name: str) -> URIRef:
        """Return the IRI of a term of ``schemas/ontology.ttl``."""
        return URIRef(f"{self.vocabulary}/def#{name}")

    def page(self, kind: str, identifier: str) -> URIRef:
        """Return the address of a thing's page, where it is served now."""
        return URIRef(f"{self.url}/{kind}/{segment(identifier)}")

    def foreign(self, value: object) -> URIRef | None:
        """Return an address as IRI unless it is one of ours.

        What people type in may name anything in the world, but not speak for our own things.
        """
        iri = web(value)
        ours = iri is not None and f"{iri}/".startswith((f"{self.base}/", f"{self.vocabulary}/"))
        return None if ours else iri

    def may_be_thing(self, iri: URIRef) -> bool:
        """Return whether an address may be the IRI of a thing here, which has a name of its own.

        The plugin's own pages about the catalogue as a whole (``/marathon/…``) are no things.
        """
        is_page = iri.startswith(f"{self.base}/marathon/")
        return str(iri) in self.kept.values() or (self.foreign(iri) is None and not is_page)

    def id_of(self, kind: str, iri: str) -> str | None:
        """Return the id in an IRI of ours, ``None`` if it is not one of this kind."""
        found = re.fullmatch(rf"{re.escape(self.base)}/{kind}/({_UUID})", iri)
        return unquote(found[1]) if found else None

    def need_of(self, iri: str) -> str | None:
        """Return the id in the IRI of a data need of ours, ``None`` if it is none."""
        found = re.fullmatch(rf"{re.escape(self.base)}/idea/{_UUID}#({_UUID})", iri)
        return unquote(found[1]) if found else None


def part(whole: URIRef, name: str) -> URIRef:
    """Return the IRI of a thing that exists only as a part of another.

    Used in place of blank nodes, so that descriptions of several datasets can be put together
    in any order, and compared. An IRI has one fragment: a part of a part is named in it.
    """
    return URIRef(f"{whole}{'-' if '#' in whole else '#'}{name}")
