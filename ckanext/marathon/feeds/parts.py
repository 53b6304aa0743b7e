"""Finding a part of the catalogue by its address, and what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from rdflib import URIRef

from ckanext.marathon.feeds.scopes import (
    MUNICIPALITY,
    PLACES_AND_PROBLEMS,
    PROBLEM,
    THINGS,
    WHOLE,
    Scope,
)
from ckanext.marathon.feeds.write import ordered, reached
from ckanext.marathon.model import package
from ckanext.marathon.model.feed import Entry, Kind
from ckanext.marathon.rdf.catalogue import OF_THE_WHOLE, build_part_graph
from ckanext.marathon.rdf.facts import PartFacts
from ckanext.marathon.rdf.iri import Site
from ckanext.marathon.vocabulary import paths, problems, territory
from ckanext.marathon.vocabulary.errors import UnknownCode
from ckanext.marathon.vocabulary.text import pick_label

LANGUAGES: tuple[str, ...] = ("es", "en")


class NoPart(Exception):
    """There is no such part of the catalogue."""


class PartGone(Exception):
    """The thing whose part it was is no longer public."""


class Elsewhere(Exception):
    """The part is found under its code or id, which ``scope`` gives."""

    def __init__(self, scope: Scope) -> None:
        """Keep where it is."""
        super().__init__(scope.name)
        self.scope = scope


@dataclass(frozen=True)
class Part:
    """A part of the catalogue, or the whole.

    Attributes:
        scope: which.
        titles: by language, of what it is about; empty for the whole.
        places: kind and code of the places that it is about.
    """

    scope: Scope
    titles: Mapping[str, str]
    places: tuple[tuple[str, str], ...] = ()

    def iri(self, base: str) -> str:
        """Return its IRI as a catalogue."""
        return f"{base}/{self.scope.name}/catalog" if self.scope.kind else base

    @property
    def _page(self) -> str:
        # The page of a thing has the thing's own IRI, and an organisation is no document.
        return f"{self.scope.name}/catalog" if self.scope.kind in THINGS else self.scope.name

    def lines(self, whole: list[bytes], site: Site) -> list[bytes]:
        """Return what it says of itself, as lines of N-Triples.

        Args:
            whole: what the whole catalogue says of itself.
            site: where IRIs start.
        """
        if self.scope == WHOLE:
            return whole
        old, new = f"<{site.base}> ".encode(), f"<{self.iri(site.base)}> ".encode()
        own_words = tuple(old + f"<{each}>".encode() for each in OF_THE_WHOLE)
        kept = [line for line in whole if not line.startswith(own_words)]
        inherited = [
            new + line.removeprefix(old) if line.startswith(old) else line for line in kept
        ]
        graph = build_part_graph(
            PartFacts(
                site=site,
                iri=URIRef(self.iri(site.base)),
                catalogue=str(tk.config.get("ckan.site_title") or site.base),
                titles=self.titles,
                homepage=f"{site.url}/{self._page}",
                places=self.places,
            )
        )
        own = graph.serialize(format="nt11", encoding="utf-8").splitlines()
        return ordered(reached(self.iri(site.base), [*inherited, *filter(None, own)]))


THE_WHOLE = Part(WHOLE, {})


def find(kind: str, reference: str) -> Part:
    """Return the part of the catalogue at an address.

    Args:
        kind: one of ``scopes.KINDS``.
        reference: a code or notation, or the id or name of a thing.

    Raises:
        NoPart: there is nothing of this kind with this code, id or name; or nobody may see it.
        PartGone: it was public and no longer is.
        Elsewhere: it is found under another address.
    """
    if kind in PLACES_AND_PROBLEMS:
        return _of_vocabulary(kind, reference)
    if kind in THINGS:
        return _of_thing(Kind(kind), reference)
    raise NoPart


def _of_vocabulary(kind: str, reference: str) -> Part:
    try:
        if kind == PROBLEM:
            found = problems.get_problem(reference)
            titles = {lang: pick_label(found.pref_label, lang, reference) for lang in LANGUAGES}
            return Part(Scope(kind, reference), titles)
        place = (territory.get_municipality if kind == MUNICIPALITY else territory.get_department)(
            reference
        )
    except UnknownCode:
        code = paths.repair_concept_code(kind, reference)
        raise (Elsewhere(Scope(kind, code)) if code else NoPart()) from None
    return Part(Scope(kind, reference), dict.fromkeys(LANGUAGES, place.name), ((kind, reference),))


def _of_thing(kind: Kind, reference: str) -> Part:
    is_public = _logged(kind, reference)
    if is_public is None:
        named = _by_name(kind, reference)
        if named is None or not _logged(kind, named.id):
            raise NoPart
        raise Elsewhere(Scope(kind, named.id))
    if not is_public:
        raise PartGone
    thing: Any = model.Session.get(
        model.Group if kind == Kind.ORGANIZATION else model.Package, reference
    )
    if thing is None:
        raise PartGone
    if kind == Kind.ORGANIZATION:
        codes = [package.read_stored_text(thing, "municipality_code")]
    else:
        codes = package.read_stored_texts(thing, "municipality")
    places = tuple((MUNICIPALITY, code) for code in codes if code)
    titles = dict.fromkeys(LANGUAGES, str(thing.title or thing.name))
    return Part(Scope(kind, reference), titles, places)


def _logged(kind: Kind, identifier: str) -> bool | None:
    """Return whether a thing is public; ``None`` if it never was."""
    query = sa.select(Entry.digest.is_not(None)).where(
        Entry.thing == identifier, Entry.kind == str(kind)
    )
    return model.Session.scalar(query)


def _by_name(kind: Kind, name: str) -> Any:
    if kind == Kind.ORGANIZATION:
        found = model.Session.query(model.Group).filter_by(name=name, is_organization=True)
    else:
        found = model.Session.query(model.Package).filter_by(name=name, type=str(kind))
    return found.first()
